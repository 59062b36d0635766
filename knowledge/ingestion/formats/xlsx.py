"""Excel workbooks: visible sheets, merged cells filled, values as people see them, hidden cells told apart."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import count
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.csv_table import MAX_COLUMNS, MAX_ROWS
from knowledge.ingestion.formats.merged import Area
from knowledge.ingestion.formats.number_formats import shown, shows_nothing
from knowledge.ingestion.formats.sheets import Sheet, sheet_parts
from knowledge.ingestion.formats.visibility import is_pale, is_tiny

_NO_VALUE = re.compile(rb"<f\b[^>]*>[^<]*</f>\s*(?:<v\s*/>|<v></v>|</c>)|<f\b[^>]*/>\s*(?:<v\s*/>|<v></v>|</c>)")
_WHITE_THEME = 0


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
    numbers = count(1)
    blocks: list[Block] = []
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            blocks += sheet_parts(_sheet(sheet), numbers, doubts)
    if hidden:
        doubts.append(Doubt("hidden_sheets", (("names", "、".join(hidden)),)))
    pictures = sum(len(getattr(sheet, "_images", ())) for sheet in book.worksheets)
    if pictures:
        doubts.append(Doubt("pictures", (("count", str(pictures)),)))
    if _has_formulas_without_values(data):
        doubts.append(Doubt("formulas_without_values"))
    return joined(blocks, doubts)


def _sheet(sheet: Any) -> Sheet:
    """The cells that exist are read from the sheet's own table: `iter_rows` would make every empty cell up to the
    last one, a million rows for one stray value."""
    found = Sheet(repaired(sheet.title), sheet.title)
    styles: dict[tuple[int, int, int], bool] = {}
    rows = {number for number, row in sheet.row_dimensions.items() if row.hidden}
    columns = set(_hidden_columns(sheet))
    for (row, column), cell in sheet._cells.items():
        text = shown(cell.value, cell.number_format)
        if not text:
            continue
        style = (cell._style.fontId, cell._style.fillId, cell._style.numFmtId)
        if style not in styles:
            styles[style] = _unseen(cell)
        found.put(row, column, text, unseen=row in rows or column in columns or styles[style])
    found.areas = [
        Area(area.min_row, area.min_col, area.max_row, area.max_col)
        for area in sheet.merged_cells.ranges
        if area.max_row - area.min_row <= MAX_ROWS
    ]
    return found


def _hidden_columns(sheet: Any) -> Iterator[int]:
    for dimension in sheet.column_dimensions.values():
        if dimension.hidden and dimension.min and dimension.max:
            yield from range(dimension.min, min(dimension.max, MAX_COLUMNS) + 1)


def _unseen(cell: Any) -> bool:
    """Whether nobody sees the cell's text: white on white, tiny, or a format that shows nothing."""
    if shows_nothing(cell.number_format or "") or is_tiny(cell.font.sz):
        return True
    if not _is_white(cell.font.color):
        return False
    fill = cell.fill
    return not getattr(fill, "fill_type", None) or _is_white(getattr(fill, "fgColor", None))


def _is_white(color: Any) -> bool:
    if color is None:
        return False
    if color.type == "theme":
        return bool(color.theme == _WHITE_THEME and not color.tint)
    return color.type == "rgb" and isinstance(color.rgb, str) and is_pale(color.rgb[-6:])


def _has_formulas_without_values(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet") and _NO_VALUE.search(archive.read(name)):
                return True
    return False
