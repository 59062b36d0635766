"""Cut a law or a rule by article: 第三条 with its chapter, never cut in two, without the table of contents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.ingestion.extracted import Block, BlockKind
from knowledge.ingestion.numerals import numeral
from knowledge.ingestion.stretches import AIM, Group, HeadingPath

ARTICLE_MOST = 4_500  # with the third above that a passage may have: 6,000 characters
_NUMBER = "[零〇一二三四五六七八九十百千0-9]+"
_AFTER = "之[一二三四五六七八九十]+"
_SEPARATED = re.compile(rf"^\s*(第\s*({_NUMBER})\s*条\s*({_AFTER})?)(?:[\s　:：、.．【（(\[]|$)")
_GLUED = re.compile(rf"^\s*(第({_NUMBER})条({_AFTER})?)(?=[^\s款项第规的之、和至到及或与等中所，,；;。）)》])")
_PART = re.compile(
    r"^\s*第[零〇一二三四五六七八九十百0-9]+\s*(编|分编|章|节)(?:[\s　:：].{0,40}|[^\s的、，,；;。]{0,30})?$"
)
_RANK = {"编": 11, "分编": 12, "章": 13, "节": 14}
_ANNEX_RANK = 10
_ITEM = re.compile(r"^\s*(?:[（(][一二三四五六七八九十\d]{1,3}[)）]|\d{1,3}[)）、.．])")  # part of an article
_ANNEX = re.compile(r"^\s*附\s*(?:件|表|录|图)\s*(?:[一二三四五六七八九十\d]{0,3})\s*(?:[:：、.．\s]|$)")
_CONTENTS = re.compile(r"^\s*目\s*(?:录|次)\s*$")
_LEADERS = re.compile(r"[\s.．…·•\-—]*\d*\s*$")
_LINE = re.compile(r"[^\n]+")
_PREFACE_LINES = 400


@dataclass(frozen=True, slots=True)
class Opening:
    """The number at the beginning of an article: 第十五条之一 is ("第十五条之一", 15, "之一")."""

    name: str
    number: int
    after: str
    separated: bool


def article_number(text: str) -> str:
    """第三条 where a line opens an article, else nothing."""
    opening = opening_of(text)
    return opening.name if opening else ""


def opening_of(text: str) -> Opening | None:
    """How a line opens an article, or None."""
    separated = _SEPARATED.match(text)
    found = separated or _GLUED.match(text)
    if found is None:
        return None
    name = "".join(found.group(1).split())
    return Opening(name, numeral(found.group(2)), found.group(3) or "", separated is not None)


def reads_like_articles(blocks: Sequence[Block], *, declared: bool) -> bool:
    """Whether text is to be cut by article; a file declared to be a regulation needs one article only."""
    articles = sum(opening_of(block.text) is not None for block in blocks)
    return articles >= 1 if declared else articles >= 5 and articles * 12 >= len(blocks)


def by_article(blocks: Sequence[Block]) -> Iterator[Group]:
    """One group per article, with 编 / 章 / 节 and its number as heading; the preface and annexes in pieces."""
    path, group, last = HeadingPath(), Group(""), _Numbering()
    for block in _body(blocks):
        opening = opening_of(block.text)
        rank = _rank(block)
        if opening is not None and last.follows(opening):
            yield group
            group = Group(_inner(path, opening.name), [block], most=ARTICLE_MOST)
        elif _ANNEX.match(block.text) or (rank and not (_is_article(group) and _ITEM.match(block.text))):
            yield group
            if _ANNEX.match(block.text):
                rank, last = _ANNEX_RANK, _Numbering()
            path.enter(rank, block.text)
            group = Group(str(path), [block])
        elif _is_article(group) or not group.blocks or group.size < AIM:
            group.blocks.append(block)
        else:
            yield group
            group = Group(str(path), [block])
    yield group


def _is_article(group: Group) -> bool:
    return group.most == ARTICLE_MOST


class _Numbering:
    """Tells an article from a line that only begins with the number of another one."""

    def __init__(self) -> None:
        self._last: tuple[int, str] | None = None

    def follows(self, opening: Opening) -> bool:
        if not self._may_follow(opening):
            return False
        self._last = (opening.number, opening.after)
        return True

    def _may_follow(self, opening: Opening) -> bool:
        if self._last is None:
            return True
        number, after = self._last
        if opening.after:
            return opening.number == number and opening.after != after
        if opening.number == number + 1:
            return True
        # A summary leaves articles out, and a second rule in the same file begins again.
        return opening.separated and (opening.number > number or opening.number == 1)


def _rank(block: Block) -> int:
    found = _PART.match(block.text) if len(block.text) <= 60 else None
    if found:
        return _RANK[found.group(1)]
    return block.level if block.kind is BlockKind.HEADING else 0


def _inner(path: HeadingPath, article: str) -> str:
    """The path without the document's own title, down to the article."""
    return " / ".join([*path.names(above=1), article])


def _body(blocks: Sequence[Block]) -> list[Block]:
    """Blocks cut at lines that open an article or a part, without the table of contents."""
    lines = [piece for block in blocks for piece in _lines(block)]
    begin = next((at for at, line in enumerate(lines[:_PREFACE_LINES]) if _CONTENTS.match(line.text)), None)
    if begin is None:
        return lines
    end = _contents_end(lines, begin + 1)
    return lines[:begin] + lines[end:]


def _contents_end(lines: Sequence[Block], begin: int) -> int:
    """The first line below a table of contents: one that names again what it listed, or whole sentences."""
    listed: set[str] = set()
    for at in range(begin, len(lines)):
        name = _entry(lines[at].text)
        if name in listed or lines[at].text.rstrip().endswith("。"):
            return at
        if not (_rank(replace(lines[at], text=name)) or opening_of(name) or len(name) <= 40):
            return at
        listed.add(name)
    return begin


def _entry(line: str) -> str:
    """One line of a table of contents without its leaders and page number."""
    return "".join(_LEADERS.sub("", line).split())


def _lines(block: Block) -> Iterator[Block]:
    if "\n" not in block.text or block.kind is BlockKind.ROW:
        yield block
        return
    begin = 0
    for found in _LINE.finditer(block.text):
        if found.start() and (opening_of(found.group()) or _PART.match(found.group())):
            yield from _part(block, begin, found.start())
            begin = found.start()
    yield from _part(block, begin, len(block.text))


def _part(block: Block, begin: int, end: int) -> Iterator[Block]:
    text = block.text[begin:end]
    lead = len(text) - len(text.lstrip())
    text = text.strip()
    if text:
        start = block.start + begin + lead
        yield replace(block, text=text, start=start, end=start + len(text))
