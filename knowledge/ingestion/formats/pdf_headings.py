"""Headings told by their size, and lines joined to paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from knowledge.ingestion.extracted import Block, BlockKind
from knowledge.ingestion.formats.paragraphs import full_widths, paragraphs
from knowledge.ingestion.formats.pdf_layout import Line
from knowledge.ingestion.formats.plain_text import heading_level

_LARGER = 1.15
_DEEPEST = 3
_HEADING_CHARS = 60
_MOST_SHARE = 0.2  # of the letters may stand in headings; else sizes mean something else
_NO_HEADING = re.compile(r"^第[零〇一二三四五六七八九十百千0-9]+条|[。；;，,：:]$|^[(（].*[)）]$|^[\d\s.,%()（）/\-]+$")
_OPENS = re.compile(r"^(?:第[零〇一二三四五六七八九十百千0-9]+[编章节]|[一二三四五六七八九十]+、|[（(]|\d+[.、])")


@dataclass(frozen=True, slots=True)
class Headings:
    """Line heights, in whole points, that are larger than the text's, with the depth that each stands for."""

    depths: dict[int, int]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Headings:
        """The heights of a whole document."""
        letters: Counter[int] = Counter()
        for line in lines:
            letters[_height(line)] += len(line.text)
        if not letters:
            return cls({})
        body = letters.most_common(1)[0][0]
        larger = sorted((height for height in letters if height > body * _LARGER), reverse=True)
        if sum(letters[height] for height in larger) > _MOST_SHARE * letters.total():
            return cls({})
        return cls({height: min(depth, _DEEPEST) for depth, height in enumerate(larger, start=1)})

    def depth(self, line: Line) -> int:
        """The depth of a heading, or 0."""
        if len(line.text) > _HEADING_CHARS or len(line.text) < 2 or _NO_HEADING.search(line.text):
            return 0
        return self.depths.get(_height(line), 0)


def _height(line: Line) -> int:
    return round(line.box.height)


def text_blocks(lines: Sequence[Line], headings: Headings, page: int) -> Iterator[Block]:
    """Headings and paragraphs of lines that follow each other."""
    widths = full_widths([(line.text, line.column) for line in lines])
    for depth, group in groupby(lines, key=headings.depth):
        held = list(group)
        if depth:
            for text in _titles(held):
                level = 0 if _NO_HEADING.search(text) else heading_level(text) or depth
                yield Block(BlockKind.HEADING if level else BlockKind.PARAGRAPH, text, level=level, page=page)
            continue
        for text in paragraphs([line.text for line in held], [widths[line.column] for line in held]):
            level = heading_level(text)
            yield Block(BlockKind.HEADING if level else BlockKind.PARAGRAPH, text, level=level, page=page)


def _titles(lines: Sequence[Line]) -> list[str]:
    """A title that was broken into lines is one again."""
    done: list[str] = []
    last: Line | None = None
    for line in lines:
        near = last is not None and 0 <= line.box.y0 - last.box.y0 < 2 * line.box.height
        if last is not None and near and not _OPENS.match(line.text) and len(done[-1] + line.text) <= _HEADING_CHARS:
            spaced = done[-1][-1].isascii() and line.text[0].isascii()
            done[-1] += f" {line.text}" if spaced else line.text
        else:
            done.append(line.text)
        last = line
    return done
