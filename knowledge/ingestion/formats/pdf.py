"""PDF: letters by pdfium, tables as cells, columns in reading order, lines joined, running heads left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import looks_damaged, repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import grid_blocks
from knowledge.ingestion.formats.paragraphs import without_running_heads
from knowledge.ingestion.formats.pdf_headings import Headings, text_blocks
from knowledge.ingestion.formats.pdf_layout import Line, in_columns, lines, pieces
from knowledge.ingestion.formats.pdf_letters import Box, letters
from knowledge.ingestion.formats.pdf_tables import DrawnTables, Table, aligned_tables
from knowledge.ingestion.formats.pdf_turning import continued

_MAX_PAGES = 500
_MAX_TABLE_PAGES = 60
_PATH, _IMAGE = 2, 3  # pdfium's numbers for kinds of page objects


@dataclass(slots=True)
class _Page:
    """Lines and tables in reading order, and the text that nobody sees."""

    number: int
    parts: list[Line | Table]
    unseen: str
    has_pictures: bool


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (encrypted, broken, no_text_layer, empty)."""
    pages, doubts = _pages(data)
    if not any(page.parts for page in pages):
        raise DocumentRefused(reason="no_text_layer" if any(page.has_pictures for page in pages) else "empty")
    blank = sum(not page.parts and page.has_pictures for page in pages)
    if blank:
        doubts.append(Doubt("pages_without_text", (("count", str(blank)),)))
    _drop_running_heads(pages)
    merged = continued([page.parts for page in pages])
    for page, parts in zip(pages, merged, strict=True):
        page.parts = parts
    extracted = joined(_blocks(pages), doubts)
    if looks_damaged(extracted.text):
        return replace(extracted, warnings=(*extracted.warnings, Doubt("suspicious_text")))
    return extracted


def _pages(data: bytes) -> tuple[list[_Page], list[Doubt]]:
    import pypdfium2

    doubts: list[Doubt] = []
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        raise DocumentRefused(reason="encrypted" if "assword" in str(exc) else "broken") from exc
    try:
        amount = len(document)
        if amount > _MAX_PAGES:
            doubts.append(Doubt("pages_cut", (("count", str(_MAX_PAGES)),)))
        if amount > _MAX_TABLE_PAGES:
            doubts.append(Doubt("tables_skipped", (("count", str(_MAX_TABLE_PAGES)),)))
        drawn = DrawnTables(data)
        return [_page(document[at], at + 1, drawn) for at in range(min(amount, _MAX_PAGES))], doubts
    except pypdfium2.PdfiumError as exc:
        raise DocumentRefused(reason="broken") from exc
    finally:
        document.close()


def _page(page: Any, number: int, drawn: DrawnTables) -> _Page:
    kinds = Counter(item.type for item in page.get_objects(max_depth=3))
    text = page.get_textpage()
    if page.get_rotation() != 0:
        return _Page(number, _as_written(text), "", kinds[_IMAGE] > 0)
    seen, unseen = letters(page, text)
    straight = tuple(page.get_mediabox()[:2]) == (0, 0) == tuple(page.get_bbox()[:2])
    tables = drawn.on(number, seen) if straight and kinds[_PATH] >= 4 and number <= _MAX_TABLE_PAGES else []
    loose = [letter for letter in seen if not any(table.box.holds(letter) for table in tables)]
    aligned, rest = aligned_tables(in_columns(pieces(loose)))
    parts: list[Line | Table] = [*tables, *aligned, *lines(rest)]
    return _Page(number, sorted(parts, key=lambda part: part.key), repaired(unseen), kinds[_IMAGE] > 0)


def _as_written(text: Any) -> list[Line | Table]:
    """Lines of a turned page, in the order of the file."""
    found = (line.strip() for line in repaired(text.get_text_bounded().replace("\ufffe", "")).split("\n"))
    return [
        Line(line, Box(0, 12.0 * at, 500, 12.0 * at + 12), (at,), ()) for at, line in enumerate(filter(None, found))
    ]


def _drop_running_heads(pages: Sequence[_Page]) -> None:
    by_height = [
        sorted((part for part in page.parts if isinstance(part, Line)), key=lambda line: line.box.y0) for page in pages
    ]
    dropped = without_running_heads([[line.text for line in found] for found in by_height])
    for page, found, gone in zip(pages, by_height, dropped, strict=True):
        edges = {id(line) for line in (*found[:3], *found[-3:]) if line.text in gone}
        page.parts = [part for part in page.parts if id(part) not in edges]


def _blocks(pages: Sequence[_Page]) -> Iterator[Block]:
    numbers = count(1)
    headings = Headings.of([part for page in pages for part in page.parts if isinstance(part, Line)])
    for page in pages:
        stretch: list[Line] = []
        for part in page.parts:
            if isinstance(part, Line):
                stretch.append(part)
                continue
            yield from text_blocks(stretch, headings, page.number)
            stretch = []
            yield from grid_blocks(part.rows, table=next(numbers), page=page.number, names=part.names)
        yield from text_blocks(stretch, headings, page.number)
        yield Block(BlockKind.PARAGRAPH, page.unseen, page=page.number, hidden=True)
