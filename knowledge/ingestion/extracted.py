"""What a format parser hands on: the text of a file, and the blocks that it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MAX_CHARS = 2_000_000


class BlockKind(StrEnum):
    """What a stretch of text is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch of `ExtractedText.text[start:end]`.

    `level` is the depth of a heading (1 is the top). A row carries its column names in its text and belongs to table
    number `table`. `lead` is the bold opening of a paragraph. `page` counts from 1; `cells` is like `A2:D2`.
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
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ExtractedText:
        """The inverse of `to_json`."""
        blocks = tuple(Block(**{**block, "kind": BlockKind(block["kind"])}) for block in data["blocks"])
        warnings = tuple(
            Doubt(item["code"], tuple((name, value) for name, value in item["slots"])) for item in data["warnings"]
        )
        return cls(data["text"], blocks, warnings)


def joined(blocks: Iterable[Block], warnings: Iterable[Doubt] = ()) -> ExtractedText:
    """Put blocks one under the other and note where each stands; empty ones and those past MAX_CHARS are left out."""
    placed: list[Block] = []
    doubts = list(warnings)
    at = 0
    for block in blocks:
        text = block.text.strip()
        if not text:
            continue
        if at + len(text) > MAX_CHARS:
            doubts.append(Doubt("text_cut", (("count", str(MAX_CHARS)),)))
            break
        fields = {name: getattr(block, name) for name in ("kind", "level", "page", "sheet", "cells", "table", "lead")}
        placed.append(Block(**fields, text=text, start=at, end=at + len(text)))
        at += len(text) + 1
    return ExtractedText("\n".join(block.text for block in placed), tuple(placed), tuple(doubts))
