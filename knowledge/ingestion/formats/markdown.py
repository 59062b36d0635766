"""Markdown: headings, paragraphs, lists and pipe tables; no HTML is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import grid_blocks
from knowledge.ingestion.formats.merged import GridRow
from knowledge.ingestion.formats.plain_text import capped, decoded

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(\S.*)")
_LEAD = re.compile(r"^\s*(?:[-*+]\s+)?\*\*(.{1,200}?)\*\*")
_EMPHASIS = re.compile(r"\*\*(.{1,500}?)\*\*|(?<!\w)__(.{1,500}?)__(?!\w)")
_LINK = re.compile(r"!?\[([^\]\n]{0,100})\]\([^)\n]{0,500}\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_BREAK = re.compile(r"<br\s*/?>", re.I)
_QUOTE = re.compile(r"^ {0,3}(?:> ?)+")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)、])\s+")
_ARTICLE = re.compile(r"^第[零〇一二三四五六七八九十百千0-9]+条")


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (empty, unknown_encoding)."""
    return parse(decoded(data))


def parse(text: str) -> ExtractedText:
    """The blocks of markdown text without front matter."""
    doubts: list[Doubt] = []
    lines = _without_comments(capped(repaired(text), doubts)).split("\n")
    return joined(_blocks(lines), doubts)


def _without_comments(text: str) -> str:
    kept: list[str] = []
    at = 0
    while (opened := text.find("<!--", at)) >= 0 and (closed := text.find("-->", opened)) >= 0:
        kept.append(text[at:opened])
        at = closed + 3
    return "".join((*kept, text[at:]))


def _blocks(lines: list[str]) -> Iterator[Block]:
    paragraph: list[str] = []
    tables = 0
    at = 0
    while at < len(lines):
        line = _QUOTE.sub("", lines[at])
        heading = _HEADING.match(line)
        if _is_divider(line):
            line = ""
        if heading or not line.strip() or _starts_own_block(line) or _table_at(lines, at):
            yield from _flush(paragraph)
        if heading:
            yield Block(BlockKind.HEADING, _plain(heading.group(2).rstrip("# \t")), level=len(heading.group(1)))
        elif _table_at(lines, at):
            tables += 1
            end = _table_end(lines, at)
            yield from _rows(lines[at:end], tables)
            at = end
            continue
        elif line.strip():
            paragraph.append(line)
        at += 1
    yield from _flush(paragraph)


def _starts_own_block(line: str) -> bool:
    return bool(_ITEM.match(line) or _LEAD.match(line) or _ARTICLE.match(line.strip()))


def _flush(paragraph: list[str]) -> Iterator[Block]:
    if not paragraph:
        return
    raw = "\n".join(line.rstrip() for line in paragraph)
    lead = _LEAD.match(raw)
    paragraph.clear()
    yield Block(BlockKind.PARAGRAPH, _plain(raw), lead=_plain(lead.group(1)) if lead else "")


def _table_at(lines: list[str], at: int) -> bool:
    return "|" in lines[at] and at + 1 < len(lines) and _is_rule(lines[at + 1])


def _is_divider(line: str) -> bool:
    solid = line.replace(" ", "").strip()
    return len(solid) >= 3 and solid in {mark * len(solid) for mark in "-*_="}


def _is_rule(line: str) -> bool:
    return "|" in line and "--" in line and set(line) <= set(" \t|:-")


def _table_end(lines: list[str], at: int) -> int:
    end = at + 2
    while end < len(lines) and "|" in lines[end] and lines[end].strip():
        end += 1
    return end


def _rows(lines: list[str], table: int) -> Iterator[Block]:
    header = GridRow(1, tuple(_cells(lines[0])), marked=True)
    data = [GridRow(number, tuple(_cells(line))) for number, line in enumerate(lines[2:], start=2)]
    yield from grid_blocks([header, *(row for row in data if any(row.cells))], table=table)


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [_plain(cell.replace("\\|", "|").strip()) for cell in re.split(r"(?<!\\)\|", inner)]


def _plain(text: str) -> str:
    without = _LINK.sub(r"\1", _BREAK.sub("\n", text))
    return _TAG.sub("", _EMPHASIS.sub(lambda found: found.group(1) or found.group(2), without)).strip()
