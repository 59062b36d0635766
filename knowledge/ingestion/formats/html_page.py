"""HTML pages: headings, paragraphs, lists and tables; scripts and styles are left out, hidden parts told apart."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import grid_blocks
from knowledge.ingestion.formats.html_styles import Styles, hides, is_coloured, is_white
from knowledge.ingestion.formats.merged import Span, placed
from knowledge.ingestion.formats.plain_text import capped, decoded

_SILENT = {"script", "style", "head", "template", "noscript", "svg", "nav", "iframe", "object", "select"}
_VOID = {"br", "hr", "img", "input", "meta", "link", "col", "wbr", "area", "base", "embed", "source", "track"}
_BREAKS = {"p", "div", "br", "li", "section", "article", "tr", "ul", "ol", "blockquote", "pre", "dt", "dd", "hr"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{2,20})", re.I)
_MOST_SPAN = 100


@dataclass(frozen=True, slots=True)
class _Element:
    """An open element: whether what is in it is hidden, and whether it stands on a colour of its own."""

    tag: str
    hidden: bool
    coloured: bool


@dataclass(slots=True)
class _Table:
    rows: list[list[Span]] = field(default_factory=list)
    row: list[Span] = field(default_factory=list)
    cell: dict[str, str | None] | None = None
    is_header: bool = False


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._words: list[str] = []
        self._unseen: list[str] = []
        self._open: list[_Element] = []
        self._styles = Styles()
        self._in_style = False
        self._silent = 0
        self._level = 0
        self._lists: list[int | None] = []  # the number of the last item; None in a list of bullets
        self._table: _Table | None = None
        self._nested = 0
        self._tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._enter(tag, dict(attrs))
        if tag in _SILENT:
            self._silent += 1
        elif tag in {"ul", "ol"} and self._table is None:
            self.flush()
            self._lists.append(0 if tag == "ol" else None)
        elif tag in _HEADINGS and self._table is None:
            self.flush()
            self._level = _HEADINGS[tag]
        elif tag == "table":
            self._open_table()
        elif self._table is not None:
            self._open_in_table(tag, dict(attrs), self._table)
        elif tag in _BREAKS:
            self.flush()
            if tag == "li":
                self._words.append(self._bullet())

    def handle_endtag(self, tag: str) -> None:
        self._leave(tag)
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif self._table is not None:
            self._close_in_table(tag, self._table)
        elif tag in _BREAKS or tag in _HEADINGS:
            self.flush()
            if tag in {"ul", "ol"} and self._lists:
                self._lists.pop()

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._styles.add(data)
        elif not self._silent:
            unseen = bool(self._open) and self._open[-1].hidden
            (self._unseen if unseen else self._words).append(data)

    def flush(self) -> None:
        """Close the paragraph or heading that is open."""
        text = self._taken()
        if text:
            kind = BlockKind.HEADING if self._level else BlockKind.PARAGRAPH
            self.blocks.append(Block(kind, text, level=self._level))
        self._level = 0
        unseen = " ".join("".join(self._unseen).split())
        self._unseen.clear()
        if unseen:
            self.blocks.append(Block(BlockKind.PARAGRAPH, unseen, hidden=True))

    def _enter(self, tag: str, attributes: dict[str, str | None]) -> None:
        self._in_style = tag == "style"
        if tag in _VOID:
            return
        style = self._styles.of(tag, attributes)
        above = self._open[-1] if self._open else _Element("", hidden=False, coloured=False)
        coloured = above.coloured or is_coloured(style, attributes)
        hidden = "hidden" in attributes or hides(style) or (not coloured and is_white(style, attributes))
        self._open.append(_Element(tag, above.hidden or hidden, coloured))

    def _leave(self, tag: str) -> None:
        self._in_style = False
        for at in range(len(self._open) - 1, max(-1, len(self._open) - 50), -1):
            if self._open[at].tag == tag:
                del self._open[at:]
                return

    def _bullet(self) -> str:
        if not self._lists or self._lists[-1] is None:
            return "- "
        self._lists[-1] += 1
        return f"{self._lists[-1]}. "

    def _open_table(self) -> None:
        if self._table is not None:
            self._nested += 1  # a table in a cell is read as the cell's text
            return
        self.flush()
        self._table = _Table()

    def _open_in_table(self, tag: str, attributes: dict[str, str | None], table: _Table) -> None:
        if self._nested:
            self._words.append(" ")
            return
        if tag in {"td", "th"}:
            self._close_cell(table)
            table.cell, table.is_header = attributes, tag == "th"
        elif tag == "tr":
            self._close_row(table)
        elif tag in _BREAKS or tag in _HEADINGS:
            self._words.append("\n")

    def _close_in_table(self, tag: str, table: _Table) -> None:
        if self._nested:
            self._words.append(" ")
            self._nested -= tag == "table"
        elif tag in {"td", "th"}:
            self._close_cell(table)
        elif tag == "tr":
            self._close_row(table)
        elif tag == "caption":
            self.blocks.append(Block(BlockKind.PARAGRAPH, self._taken()))
        elif tag == "table":
            self._close_row(table)
            self._tables += 1
            self.blocks += grid_blocks(placed(table.rows), table=self._tables)
            self._table = None

    def _close_cell(self, table: _Table) -> None:
        if table.cell is None:
            return
        rows, columns = _number(table.cell.get("rowspan")), _number(table.cell.get("colspan"))
        table.row.append(Span("\n".join(_lines("".join(self._words))), rows, columns, table.is_header))
        self._words.clear()
        table.cell = None

    def _close_row(self, table: _Table) -> None:
        self._close_cell(table)
        if table.row:
            table.rows.append(table.row)
        table.row = []

    def close(self) -> None:
        """End of the page, also of a table that was left open."""
        super().close()
        if self._table is not None:
            self._nested = 0
            self._close_in_table("table", self._table)
        self.flush()

    def _taken(self) -> str:
        text = " ".join("".join(self._words).split())
        self._words.clear()
        return "" if re.fullmatch(r"-|\d+\.", text) else text


def _lines(text: str) -> list[str]:
    return [line for part in text.split("\n") if (line := " ".join(part.split()))]


def _number(value: str | None) -> int:
    return min(int(value), _MOST_SPAN) if value and value.strip().isdecimal() and len(value) < 6 else 1


def _text(data: bytes) -> str:
    """The page's text in the encoding that it names, where that fits."""
    found = _META.search(data[:4096])
    if found and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = found.group(1).decode("ascii").lower()
        try:
            return data.decode("gb18030" if name in {"gb2312", "gbk", "gb_2312-80"} else name)
        except (LookupError, UnicodeDecodeError):
            pass
    return decoded(data)


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (empty, unknown_encoding)."""
    doubts: list[Doubt] = []
    page = _Page()
    page.feed(capped(repaired(_text(data)), doubts))
    page.close()
    return joined(page.blocks, doubts)
