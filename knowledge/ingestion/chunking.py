"""Cut extracted text into passages: by article, by heading and paragraph, by rows.

Every passage is one stretch of the extracted text, so `text[source.start:source.end] == passage.text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from knowledge.documents import DocumentKind, PassageText, Source
from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText

CHUNKER = "1"  # raise it when the cutting changes: it is part of every content hash
_AIM = 300
_MOST = 450
_ARTICLE_MOST = 1500
_NUMBER = "[零〇一二三四五六七八九十百千0-9]+"
_ARTICLE = re.compile(rf"^\s*(第{_NUMBER}条(?:之[一二三四五六七八九十])?)(?=[\s　:：、]|[^\d款项第规的之、和至到及])")
_ITEM = re.compile(r"^\s*[（(]?[一二三四五六七八九十\d]{1,3}[)）、.．]")  # （一）, 1. and the like, part of an article
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+[”’」』）)]*|[^。！？!?；;\n]+")
_QUESTION = re.compile(r"[？?]\s*$|^\s*(?:Q|问)\s*[:：]", re.I)


@dataclass(slots=True)
class _Group:
    """Blocks that will be one passage; `heading` is the path of headings above them."""

    heading: str
    blocks: list[Block] = field(default_factory=list)
    most: int = _MOST

    @property
    def size(self) -> int:
        return self.blocks[-1].end - self.blocks[0].start if self.blocks else 0

    @property
    def only_headings(self) -> bool:
        return all(block.kind is BlockKind.HEADING and not article_number(block.text) for block in self.blocks)


def chunk(extracted: ExtractedText, kind: DocumentKind, *, file: str = "") -> list[PassageText]:
    """The passages of a document in reading order; never empty when the text is not."""
    if kind is DocumentKind.REGULATION or _reads_like_a_regulation(extracted):
        # A heading alone says nothing here; what stands below keeps it in `source.heading`.
        groups = [group for group in _by_article(extracted.blocks) if not group.only_headings]
    else:
        groups = list(_by_heading(extracted.blocks))
    return [passage for group in groups for passage in _passages(extracted.text, group, file)]


def article_number(text: str) -> str:
    """第三条 where a line opens an article, else nothing."""
    found = _ARTICLE.match(text)
    return found.group(1) if found else ""


def _reads_like_a_regulation(extracted: ExtractedText) -> bool:
    articles = sum(bool(article_number(block.text)) for block in extracted.blocks)
    return articles >= 5 and articles * 12 >= len(extracted.blocks)


class _Path:
    """The headings above the current block."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, text: str) -> None:
        self._open = [(depth, name) for depth, name in self._open if depth < level]
        self._open.append((level, " ".join(text.split())[:60]))

    def __str__(self) -> str:
        return " / ".join(name for _, name in self._open)

    def inner(self, last: str) -> str:
        """The path without the document's own title, down to `last`."""
        names = [name for depth, name in self._open if depth > 1 or "章" in name or "编" in name]
        return " / ".join([*names, last])


def _by_article(blocks: Sequence[Block]) -> Iterator[_Group]:
    path, group = _Path(), _Group("", most=_MOST)
    for block in blocks:
        article = article_number(block.text)
        if article:
            yield group
            group = _Group(path.inner(article), [block], most=_ARTICLE_MOST)
        elif block.kind is BlockKind.HEADING and not (group.most == _ARTICLE_MOST and _ITEM.match(block.text)):
            yield group
            path.enter(block.level, block.text)
            group = _Group(str(path), [block])
        elif group.most == _ARTICLE_MOST or not group.blocks or group.size < _AIM:
            group.blocks.append(block)
        else:
            yield group
            group = _Group(str(path), [block])
    yield group


def _by_heading(blocks: Sequence[Block]) -> Iterator[_Group]:
    path, group = _Path(), _Group("")
    for block in blocks:
        if block.kind is BlockKind.HEADING:
            if not group.only_headings:
                yield group
                group = _Group("")
            path.enter(block.level, block.text)
            group.heading = str(path)
        elif not group.only_headings and _breaks(group, block):
            yield group
            group = _Group(str(path))
        group.blocks.append(block)
        group.heading = group.heading or str(path)
    yield group


def _breaks(group: _Group, block: Block) -> bool:
    """Whether `block` begins a passage of its own under the same heading."""
    last = group.blocks[-1]
    if last.sheet != block.sheet or (last.table != block.table and group.size > _AIM // 3):
        return True
    if block.lead and _QUESTION.search(block.lead):
        return True
    return group.size + len(block.text) > _MOST and (group.size >= _AIM // 3 or len(block.text) >= _MOST)


def _passages(text: str, group: _Group, file: str) -> Iterator[PassageText]:
    if not group.blocks:
        return
    first, last = group.blocks[0], group.blocks[-1]
    questions = tuple(block.lead for block in group.blocks if block.lead and _QUESTION.search(block.lead))
    for start, end in _pieces(text, first.start, last.end, group.most):
        inside = [block for block in group.blocks if block.start < end and block.end > start]
        source = Source(
            file=file,
            page=inside[0].page,
            sheet=inside[0].sheet,
            cells=_cells(inside),
            heading=group.heading,
            start=start,
            end=end,
        )
        yield PassageText(text[start:end], source, questions)


def _cells(blocks: Sequence[Block]) -> str | None:
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
    for found in _SENTENCE.finditer(text, start, end):
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
