"""What a format parser hands on: the text of a file, and the blocks that it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

MAX_CHARS = 2_000_000
_CUT_RUN = re.compile(r"[0-9A-Za-z@._+\- ]{1,40}$")
_SAMPLE = 100  # characters of hidden text that are kept; a curator is shown fewer, masked


class BlockKind(StrEnum):
    """What a stretch of text is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Cell:
    """One filled cell of a row: its column's name (`2026年·个人`, empty where the table has none), value and address.

    `ref` is like `B3`: of the sheet in a workbook, elsewhere of the table itself, rows and columns counted from 1.
    `lines` are the lines of a value that was written on several.
    """

    name: str
    value: str
    ref: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch of `ExtractedText.text[start:end]`.

    `level` is the depth of a heading (1 is the top). A row carries its column names in its text, its filled cells in
    `row`, and belongs to table number `table`, counted from 1 within the file. `lead` is the bold opening of a
    paragraph. `page` counts from 1; `cells` is like `A2:D2`. What a reader of the file cannot see is `hidden`; such
    blocks never stand in an ExtractedText.
    """

    kind: BlockKind
    text: str
    start: int = 0
    end: int = 0
    level: int = 0
    page: int | None = None
    sheet: str | None = None
    cells: str | None = None
    table: int | None = None
    lead: str = ""
    row: tuple[Cell, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubt about what was read: a key of `[warnings]` and its slots."""

    code: str
    slots: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """The text of one file; blocks are in reading order and do not overlap."""

    text: str
    blocks: tuple[Block, ...]
    warnings: tuple[Doubt, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready data, for the way out of the child process."""
        return {
            "text": self.text,
            "blocks": [_block_data(block) for block in self.blocks],
            "warnings": [[doubt.code, [list(slot) for slot in doubt.slots]] for doubt in self.warnings],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ExtractedText:
        """The inverse of `to_json`."""
        blocks = tuple(_block(data["text"], dict(item)) for item in data["blocks"])
        warnings = tuple(Doubt(code, tuple((name, value) for name, value in slots)) for code, slots in data["warnings"])
        return cls(data["text"], blocks, warnings)


def _block_data(block: Block) -> dict[str, Any]:
    """Only what differs from an empty block; the text is found again by its offsets."""
    data = {name: value for name, empty in _OPTIONAL.items() if (value := getattr(block, name)) != empty}
    if block.row:
        data["row"] = [[cell.name, cell.value, cell.ref, *cell.lines] for cell in block.row]
    return {"kind": block.kind.value, **data}


def _block(text: str, data: dict[str, Any]) -> Block:
    row = tuple(Cell(name, value, ref, tuple(lines)) for name, value, ref, *lines in data.pop("row", ()))
    kind = BlockKind(data.pop("kind"))
    return Block(kind, text[data.get("start", 0) : data.get("end", 0)], row=row, **data)


_OPTIONAL = {field.name: field.default for field in fields(Block) if field.name not in {"kind", "text", "row"}}


def joined(blocks: Iterable[Block], warnings: Iterable[Doubt] = ()) -> ExtractedText:
    """Put blocks one under the other and note where each stands.

    Empty ones and those past MAX_CHARS are left out; so are hidden ones, which leave a doubt.
    """
    placed: list[Block] = []
    hidden: list[str] = []
    doubts = list(warnings)
    at = 0
    for block in blocks:
        text = block.text.strip()
        if not text:
            continue
        if block.hidden:
            hidden.append(" ".join(text.split()))
            continue
        if at + len(text) > MAX_CHARS:
            doubts.append(Doubt("text_cut", (("count", str(MAX_CHARS)),)))
            break
        placed.append(replace(block, text=text, start=at, end=at + len(text)))
        at += len(text) + 1
    if hidden:
        doubts.append(Doubt("hidden_text", (("count", str(len(hidden))), ("sample", _beginning(" ".join(hidden))))))
    return ExtractedText("\n".join(block.text for block in placed), tuple(placed), tuple(doubts))


def _beginning(text: str) -> str:
    """The first characters, without a number or an address cut in two that no mask would know any more."""
    return text if len(text) <= _SAMPLE else _CUT_RUN.sub("", text[:_SAMPLE])
