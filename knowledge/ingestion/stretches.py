"""Stretches of extracted text: blocks that will be one passage, the headings above, and where long ones are cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from knowledge.documents import PassageText, Source
from knowledge.ingestion.extracted import Block, BlockKind

AIM = 300
MOST = 450
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+[”’」』）)]*|[^。！？!?；;\n]+")
_PARAGRAPH = re.compile(r"[^\n]*\n+|[^\n]+")
_LONG = 3_000  # what may grow longer than this is cut between paragraphs where it can be
_QUESTION = re.compile(r"[？?]\s*$|^\s*(?:Q|问)\s*[:：]", re.I)


@dataclass(slots=True)
class Group:
    """Blocks that will be one passage; `heading` is the path of headings above them, `most` its longest length."""

    heading: str
    blocks: list[Block] = field(default_factory=list)
    most: int = MOST

    @property
    def size(self) -> int:
        """Characters from the first block to the last."""
        return self.blocks[-1].end - self.blocks[0].start if self.blocks else 0

    @property
    def only_headings(self) -> bool:
        """Whether nothing but headings is in it; an empty group counts."""
        return all(block.kind is BlockKind.HEADING for block in self.blocks)


class HeadingPath:
    """The headings above the current block."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, text: str) -> None:
        """Go below a heading; those of the same and of deeper levels are left."""
        self._open = [(depth, name) for depth, name in self._open if depth < level]
        self._open.append((level, " ".join(text.split())[:60]))

    def names(self, *, above: int = 0) -> list[str]:
        """The headings from the top, those of levels deeper than `above`."""
        return [name for depth, name in self._open if depth > above]

    def __str__(self) -> str:
        return " / ".join(name for _, name in self._open)


def asks(block: Block) -> bool:
    """Whether a paragraph opens with a question in bold."""
    return bool(block.lead and _QUESTION.search(block.lead))


def passages_of(text: str, group: Group, file: str) -> Iterator[PassageText]:
    """The passages of one group: one, or several where it is longer than a third above `group.most`."""
    if not group.blocks:
        return
    first, last = group.blocks[0], group.blocks[-1]
    questions = tuple(block.lead for block in group.blocks if asks(block))
    for start, end in _pieces(text, first.start, last.end, group.most):
        inside = [block for block in group.blocks if block.start < end and block.end > start]
        tables = {block.table for block in inside if block.table is not None}
        source = Source(
            file=file,
            page=inside[0].page,
            sheet=inside[0].sheet,
            cells=_cells(inside),
            heading=group.heading,
            start=start,
            end=end,
            table=tables.pop() if len(tables) == 1 else None,
        )
        yield PassageText(text[start:end], source, questions)


def _cells(blocks: Iterable[Block]) -> str | None:
    ranges = [block.cells for block in blocks if block.cells]
    return f"{ranges[0].split(':')[0]}:{ranges[-1].split(':')[-1]}" if ranges else None


def _pieces(text: str, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut [start, end) at sentence ends into stretches of about `most`; each begins and ends with a visible mark."""
    if end - start <= most * 4 // 3:
        yield start, end
        return
    begin = start
    for stop in _sentence_ends(text, start, end, most):
        if stop - begin > most // 3 and (stop == end or stop - begin >= most * 2 // 3):
            yield from _trimmed(text, begin, stop)
            begin = stop
    yield from _trimmed(text, begin, end)


def _sentence_ends(text: str, start: int, end: int, most: int) -> Iterable[int]:
    at = start
    paragraphs = most > _LONG and all(len(line) <= most for line in text[start:end].split("\n"))
    for found in (_PARAGRAPH if paragraphs else _SENTENCE).finditer(text, start, end):
        while found.end() - at > most:  # a sentence without an end: cut it where it is too long
            at += most
            yield at
        at = found.end()
        yield at


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
