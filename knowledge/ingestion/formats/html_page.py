"""HTML pages: headings, paragraphs and tables; scripts, styles and hidden parts are left out."""

from __future__ import annotations

from html.parser import HTMLParser

from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import GridRow, grid_blocks
from knowledge.ingestion.formats.plain_text import capped, decoded

_SILENT = {"script", "style", "head", "template", "noscript", "svg", "nav"}
_BREAKS = {"p", "div", "br", "li", "section", "article", "tr", "ul", "ol", "blockquote", "pre"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._words: list[str] = []
        self._silent = 0
        self._level = 0
        self._rows: list[GridRow] | None = None
        self._row: list[str] = []
        self._tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _HEADINGS:
            self.flush()
            self._level = _HEADINGS[tag]
        elif tag == "table" and self._rows is None:
            self.flush()
            self._rows = []
        elif tag in {"td", "th"} and self._rows is not None:
            self._words.clear()
        elif tag in _BREAKS and self._rows is None:
            self.flush()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _HEADINGS:
            self.flush()
        elif self._rows is not None:
            self._in_table(tag, self._rows)
        elif tag in _BREAKS:
            self.flush()

    def _in_table(self, tag: str, rows: list[GridRow]) -> None:
        if tag in {"td", "th"}:
            self._row.append(self._taken())
        elif tag == "tr":
            if any(self._row):
                rows.append(GridRow(len(rows) + 1, tuple(self._row)))
            self._row = []
        elif tag == "table":
            self._tables += 1
            self.blocks += grid_blocks(rows, table=self._tables)
            self._rows = None

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._words.append(data)

    def flush(self) -> None:
        """Close the paragraph or heading that is open."""
        text = self._taken()
        if text:
            kind = BlockKind.HEADING if self._level else BlockKind.PARAGRAPH
            self.blocks.append(Block(kind, text, level=self._level))
        self._level = 0

    def _taken(self) -> str:
        text = " ".join("".join(self._words).split())
        self._words.clear()
        return text


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (empty, unknown_encoding)."""
    doubts: list[Doubt] = []
    page = _Page()
    page.feed(capped(repaired(decoded(data)), doubts))
    page.close()
    page.flush()
    return joined(page.blocks, doubts)
