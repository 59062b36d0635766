"""PDF: text by pdfium, bordered tables by pdfplumber, lines joined into paragraphs, running heads left out."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import looks_damaged, repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import grid_blocks
from knowledge.ingestion.formats.merged import GridRow
from knowledge.ingestion.formats.paragraphs import paragraphs, without_running_heads
from knowledge.ingestion.formats.plain_text import heading_level

_MAX_PAGES = 500
_MAX_TABLE_PAGES = 60
_PATH, _IMAGE = 2, 3  # pdfium's numbers for kinds of page objects


@dataclass(frozen=True, slots=True)
class _Table:
    """A bordered table and the band of the page it takes; heights count from the page's top."""

    top: float
    bottom: float
    rows: tuple[GridRow, ...]


@dataclass(slots=True)
class _Page:
    """Stretches of lines and tables in reading order."""

    number: int
    parts: list[list[str] | _Table]
    has_pictures: bool

    @property
    def is_empty(self) -> bool:
        return not any(isinstance(part, _Table) or any(part) for part in self.parts)


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (encrypted, broken, no_text_layer, empty)."""
    pages, doubts = _pages(data)
    if all(page.is_empty for page in pages):
        raise DocumentRefused(reason="no_text_layer" if any(page.has_pictures for page in pages) else "empty")
    blank = sum(page.is_empty and page.has_pictures for page in pages)
    if blank:
        doubts.append(Doubt("pages_without_text", (("count", str(blank)),)))
    _drop_running_heads(pages)
    extracted = joined((block for page in pages for block in _blocks(page)), doubts)
    if looks_damaged(extracted.text):
        doubts.append(Doubt("suspicious_text"))
    return ExtractedText(extracted.text, extracted.blocks, tuple(doubts))


def _pages(data: bytes) -> tuple[list[_Page], list[Doubt]]:
    import pypdfium2

    doubts: list[Doubt] = []
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        raise DocumentRefused(reason="encrypted" if "assword" in str(exc) else "broken") from exc
    try:
        count = len(document)
        if count > _MAX_PAGES:
            doubts.append(Doubt("pages_cut", (("count", str(_MAX_PAGES)),)))
        if count > _MAX_TABLE_PAGES:
            doubts.append(Doubt("tables_skipped", (("count", str(_MAX_TABLE_PAGES)),)))
        finder = _TableFinder(data)
        return [_page(document[at], at + 1, finder) for at in range(min(count, _MAX_PAGES))], doubts
    except pypdfium2.PdfiumError as exc:
        raise DocumentRefused(reason="broken") from exc
    finally:
        document.close()


def _page(page: Any, number: int, finder: _TableFinder) -> _Page:
    kinds = Counter(item.type for item in page.get_objects(max_depth=3))
    width, height = page.get_size()
    upright = page.get_rotation() == 0 and tuple(page.get_mediabox()[:2]) == (0, 0)
    text = page.get_textpage()
    tables = finder.tables(number) if upright and kinds[_PATH] >= 4 and number <= _MAX_TABLE_PAGES else []
    parts: list[list[str] | _Table] = []
    top = 0.0
    for table in tables:
        if table.top - top > 2:
            parts.append(_lines(text.get_text_bounded(0, height - table.top, width, height - top)))
        parts.append(table)
        top = table.bottom
    parts.append(_lines(text.get_text_bounded(0, 0, width, height - top) if tables else text.get_text_bounded()))
    return _Page(number, parts, kinds[_IMAGE] > 0)


def _lines(text: str) -> list[str]:
    cleaned = repaired(text.replace("\ufffe", ""))
    return [line.strip() for line in cleaned.split("\n") if line.strip()]


def _drop_running_heads(pages: Sequence[_Page]) -> None:
    outer = [(page, part) for page in pages for part in page.parts if isinstance(part, list)]
    by_page = [[line for owner, part in outer if owner is page for line in part] for page in pages]
    dropped = without_running_heads(by_page)
    for page, gone in zip(pages, dropped, strict=True):
        for part in page.parts:
            if isinstance(part, list):
                part[:] = [line for line in part if line not in gone]


def _blocks(page: _Page) -> Iterator[Block]:
    for position, part in enumerate(page.parts):
        if isinstance(part, _Table):
            yield from grid_blocks(part.rows, table=page.number * 100 + position, page=page.number)
            continue
        for text in paragraphs(part):
            level = heading_level(text)
            kind = BlockKind.HEADING if level else BlockKind.PARAGRAPH
            yield Block(kind, text, level=level, page=page.number)


class _TableFinder:
    """Bordered tables of a document; opens it only when a page may have some."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._document: Any = None

    def tables(self, number: int) -> list[_Table]:
        """Tables of a page (from 1), top first, none above another."""
        import pdfplumber
        from pdfminer.pdfexceptions import PDFException

        try:
            if self._document is None:
                self._document = pdfplumber.open(io.BytesIO(self._data))
            page = self._document.pages[number - 1]
            found = [_table(table) for table in page.find_tables()]
            page.close()
        except (
            PDFException,
            pdfplumber.utils.exceptions.PdfminerException,
            ValueError,
            KeyError,
            TypeError,
            IndexError,
        ):
            return []  # pdfium has read the text; only the cells are not told apart
        kept: list[_Table] = []
        for table in sorted((table for table in found if table is not None), key=lambda table: table.top):
            if not kept or table.top >= kept[-1].bottom - 1:
                kept.append(table)
        return kept


def _table(table: Any) -> _Table | None:
    rows = [[repaired(cell or "").strip() for cell in row] for row in table.extract()]
    filled = sum(bool(cell) for row in rows for cell in row)
    if len(rows) < 2 or max(map(len, rows)) < 2 or filled * 2 < sum(map(len, rows)):
        return None
    numbered = tuple(GridRow(number, tuple(row)) for number, row in enumerate(rows, start=1) if any(row))
    return _Table(table.bbox[1], table.bbox[3], numbered)
