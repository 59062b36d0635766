"""A sheet or a table as rows of cells: find its title, its header rows and its data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.ingestion.extracted import Block, BlockKind
from knowledge.ingestion.formats.tables import header_names, row_text

_FIGURE = re.compile(r"^[\s¥$€-]*\d[\d,.]*\s*[%‰]?$|^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row with its number in the file (from 1) and whether its cells belong to a merged header."""

    number: int
    cells: tuple[str, ...]
    header_depth: int = 1  # rows that a header beginning here takes, told from merged cells


def grid_blocks(
    rows: Sequence[GridRow], *, table: int, sheet: str | None = None, page: int | None = None
) -> Iterator[Block]:
    """Blocks of a region without empty rows: title lines, then one row block per data row with its column names."""
    at = 0
    while at < len(rows) and len(_filled(rows[at])) == 1 and len(rows) > 1:
        title = _filled(rows[at])[0]
        heading = at == 0 and len(title) <= 60 and len(rows) > 2
        kind = BlockKind.HEADING if heading else BlockKind.PARAGRAPH
        level = 2 if heading else 0
        yield Block(kind, title, level=level, page=page, sheet=sheet, cells=_cells(rows[at], sheet))
        at += 1
    if at >= len(rows):
        return
    depth = rows[at].header_depth if _is_header(rows, at) else 0
    headers = header_names([row.cells for row in rows[at : at + depth]])
    if depth and at + depth >= len(rows):
        names = "；".join(name for name in headers if name)
        yield Block(BlockKind.ROW, names, page=page, sheet=sheet, cells=_cells(rows[at], sheet), table=table)
    for row in rows[at + depth :]:
        text = row_text(headers, row.cells)
        yield Block(BlockKind.ROW, text, page=page, sheet=sheet, cells=_cells(row, sheet), table=table)


def _filled(row: GridRow) -> list[str]:
    """Different texts in a row; a merged cell that was filled in counts once."""
    return list(dict.fromkeys(cell.strip() for cell in row.cells if cell.strip()))


def _is_header(rows: Sequence[GridRow], at: int) -> bool:
    cells = [cell for cell in rows[at].cells if cell.strip()]
    if len(cells) < 2 or any(_FIGURE.match(cell) for cell in cells[1:]):
        return False
    return all(len(cell) <= 40 for cell in cells)


def column_letters(number: int) -> str:
    """A, B, ... Z, AA for 1, 2, ... 26, 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _cells(row: GridRow, sheet: str | None) -> str | None:
    if sheet is None:
        return None
    filled = [column for column, cell in enumerate(row.cells, start=1) if cell.strip()]
    if not filled:
        return None
    return f"{column_letters(filled[0])}{row.number}:{column_letters(filled[-1])}{row.number}"
