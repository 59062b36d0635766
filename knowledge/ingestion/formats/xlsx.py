"""Excel workbooks: visible sheets, merged cells filled, values as people see them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.csv_table import MAX_COLUMNS, MAX_ROWS
from knowledge.ingestion.formats.grids import GridRow, grid_blocks

_NO_VALUE = re.compile(rb"<f\b[^>]*>[^<]*</f>\s*(?:<v\s*/>|<v></v>|</c>)|<f\b[^>]*/>\s*(?:<v\s*/>|<v></v>|</c>)")
_DECIMALS = re.compile(r"\.(0+)")


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (broken, empty)."""
    import openpyxl  # slow to import
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        SyntaxError,
    ) as exc:
        raise DocumentRefused(reason="broken") from exc
    doubts: list[Doubt] = []
    blocks: list[Block] = []
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    for number, sheet in enumerate((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), start=1):
        found = list(_sheet_blocks(sheet, number, doubts))
        if found:
            blocks += [Block(BlockKind.HEADING, repaired(sheet.title), level=1, sheet=sheet.title), *found]
    if hidden:
        doubts.append(Doubt("hidden_sheets", (("names", "、".join(hidden)),)))
    if _has_formulas_without_values(data):
        doubts.append(Doubt("formulas_without_values"))
    return joined(blocks, doubts)


def _sheet_blocks(sheet: Any, number: int, doubts: list[Doubt]) -> Iterator[Block]:
    regions: list[list[GridRow]] = [[]]
    for row in _rows(sheet, doubts):
        if regions[-1] and row.number != regions[-1][-1].number + 1:
            regions.append([])
        regions[-1].append(row)
    for position, region in enumerate(regions):
        yield from grid_blocks(region, table=number * 1000 + position, sheet=sheet.title)


def _rows(sheet: Any, doubts: list[Doubt]) -> Iterator[GridRow]:
    """Rows with something in them. The cells that exist are read from the sheet's own table: `iter_rows` would make
    every empty cell up to the last one, a million rows for one stray value."""
    values: dict[int, dict[int, str]] = {}
    cut_rows = cut_columns = False
    for (row, column), cell in sheet._cells.items():
        text = _shown(cell.value, cell.number_format)
        cut_columns = cut_columns or (column > MAX_COLUMNS and bool(text))
        if text and column <= MAX_COLUMNS:
            values.setdefault(row, {})[column] = text
    depths = _fill_merged(sheet, values)
    for position, row in enumerate(sorted(values)):
        if position >= MAX_ROWS:
            cut_rows = True
            break
        cells = values[row]
        yield GridRow(row, tuple(cells.get(column, "") for column in range(1, max(cells) + 1)), depths.get(row, 1))
    if cut_rows:
        doubts.append(Doubt("rows_cut", (("count", str(MAX_ROWS)),)))
    if cut_columns:
        doubts.append(Doubt("columns_cut", (("count", str(MAX_COLUMNS)),)))


def _fill_merged(sheet: Any, values: dict[int, dict[int, str]]) -> dict[int, int]:
    """Write a merged cell's text into all of it; returns how many rows a header that begins in a row would take."""
    depths: dict[int, int] = {}
    for area in sheet.merged_cells.ranges:
        text = values.get(area.min_row, {}).get(area.min_col, "")
        if not text or area.max_row - area.min_row > MAX_ROWS:
            continue
        rows = area.max_row - area.min_row + 1
        across = area.max_col > area.min_col
        if rows <= 3:
            depths[area.min_row] = max(depths.get(area.min_row, 1), rows, 2 if across else 1)
        for row in range(area.min_row, area.max_row + 1):
            for column in range(area.min_col, min(area.max_col, MAX_COLUMNS) + 1):
                values.setdefault(row, {})[column] = text
    return depths


def _shown(value: Any, number_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return _number(value, number_format or "General")
    return repaired(str(value)).strip()


def _number(value: float, number_format: str) -> str:
    decimals = _DECIMALS.search(number_format)
    places = len(decimals.group(1)) if decimals else 0
    if "%" in number_format:
        return f"{value * 100:.{places}f}%"
    if number_format == "General" or "0" not in number_format:
        return f"{value:.12g}" if isinstance(value, float) else str(value)
    return f"{value:,.{places}f}" if "," in number_format else f"{value:.{places}f}"


def _has_formulas_without_values(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet") and _NO_VALUE.search(archive.read(name)):
                return True
    return False
