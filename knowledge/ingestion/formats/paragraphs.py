"""Printed lines back into paragraphs."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeVar

Column = TypeVar("Column", bound=Hashable)
_OPENS = re.compile(
    r"^(?:第[零〇一二三四五六七八九十百千0-9]+[编章节条]|[（(]?[一二三四五六七八九十\d]{1,3}[)）、.．]|[•·●■◆\-—※*])"
)
_CLOSES = re.compile(r"[。！？!?；;：:…][”’」』）)]*$")
_PAGE_NUMBER = re.compile(r"^[-—–\s第页/共PpageofOF.\d]{1,14}$")
_EDGE = 3  # lines at the top and at the bottom of a page that may be running heads
_FEW_PAGES = 4
_LONG_HEAD = 8  # characters: what is shorter may stand on two pages by chance
_DIGITS = re.compile(r"\d+")


def visual_width(line: str) -> int:
    """Columns that a line takes; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def full_widths(lines: Sequence[tuple[str, Column]]) -> dict[Column, float]:
    """From which width on a line counts as full, for each column of text."""
    widths: dict[Column, list[int]] = {}
    for text, column in lines:
        widths.setdefault(column, []).append(visual_width(text))
    return {column: sorted(found)[int(len(found) * 0.9)] * 0.8 for column, found in widths.items()}


def paragraphs(lines: Sequence[str], full: Sequence[float] = ()) -> Iterator[str]:
    """Join a line with the next when it runs to the right margin and ends no sentence, and the next opens no item.

    `full` is the width from which each line counts as full; left out, it is taken from the lines themselves.
    """
    full = full or [full_widths([(line, 0) for line in lines])[0]] * len(lines)
    open_text = ""
    for line, width in zip(lines, full, strict=True):
        if open_text and not _OPENS.match(line):
            tight = unicodedata.east_asian_width(open_text[-1]) in "WF" or unicodedata.east_asian_width(line[0]) in "WF"
            open_text += line if tight else f" {line}"
        else:
            if open_text:
                yield open_text
            open_text = line
        if visual_width(line) < width or _CLOSES.search(line):
            yield open_text
            open_text = ""
    if open_text:
        yield open_text


def without_running_heads(pages: Sequence[Sequence[str]]) -> list[set[str]]:
    """Lines of each page to leave out: heads and feet that repeat on most pages, and bare page numbers."""
    edges = [{*page[:_EDGE], *page[-_EDGE:]} for page in pages]
    seen = Counter(shape for edge in edges for shape in {_shape(line) for line in edge})
    often = {shape for shape, times in seen.items() if _repeats(shape, times, len(pages))}
    return [
        {line for line in edge if _shape(line) in often or _is_page_number(line, number)}
        for number, edge in enumerate(edges, start=1)
    ]


def _repeats(shape: str, times: int, pages: int) -> bool:
    if pages <= _FEW_PAGES and len(shape) >= _LONG_HEAD:
        return times >= 2 and times * 2 >= pages
    return times >= 3 and times * 2 > pages


def _is_page_number(line: str, page: int) -> bool:
    return bool(_PAGE_NUMBER.match(line)) and str(page) in _DIGITS.findall(line)


def _shape(line: str) -> str:
    return _DIGITS.sub("#", "".join(line.split()))
