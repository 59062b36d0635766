"""Word documents: headings, paragraphs and tables in reading order, merged cells repeated."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import GridRow, grid_blocks
from knowledge.ingestion.formats.plain_text import heading_level

_STYLE = re.compile(r"^(?:heading|标题)\s*([1-9])$", re.I)


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (broken)."""
    import docx  # slow to import

    try:
        document = docx.Document(io.BytesIO(data))
    except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as exc:
        raise DocumentRefused(reason="broken") from exc
    doubts = []
    pictures = len(document.inline_shapes)
    if pictures:
        doubts.append(Doubt("pictures", (("count", str(pictures)),)))
    return joined(_blocks(document), doubts)


def _blocks(document: Any) -> Iterator[Block]:
    tables = 0
    for item in document.iter_inner_content():
        if hasattr(item, "rows"):
            tables += 1
            yield from _table(item, tables)
        else:
            yield _paragraph(item)


def _paragraph(paragraph: Any) -> Block:
    text = repaired(paragraph.text).strip()
    style = paragraph.style.name if paragraph.style is not None else ""
    found = _STYLE.match(style or "")
    level = int(found.group(1)) if found else 1 if style == "Title" else heading_level(text)
    return Block(BlockKind.HEADING if level else BlockKind.PARAGRAPH, text, level=level)


def _table(table: Any, number: int) -> Iterator[Block]:
    rows = []
    for position, row in enumerate(table.rows, start=1):
        cells = tuple(repaired(cell.text).strip() for cell in row.cells)
        if any(cells):
            rows.append(GridRow(position, cells))
    if rows and len({len(row.cells) for row in rows}) == 1 and len(rows[0].cells) == 1:
        for row in rows:  # a frame around text, not a table
            yield from (Block(BlockKind.PARAGRAPH, line) for line in row.cells[0].split("\n"))
        return
    yield from grid_blocks(_with_depth(rows), table=number)


def _with_depth(rows: list[GridRow]) -> list[GridRow]:
    """A first row that repeats a name across columns, or hands one down to the next row, is a header of two rows."""
    if len(rows) < 3:
        return rows
    first, second = rows[0].cells, rows[1].cells
    across = any(left and left == right for left, right in pairwise(first))
    down = any(above and above == below for above, below in zip(first, second, strict=False))
    if across and down and first != second:
        return [GridRow(rows[0].number, first, 2), *rows[1:]]
    return rows
