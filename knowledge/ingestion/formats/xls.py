"""Excel 97-2003 workbooks, by xlrd: unlike faster readers it tells number formats, fonts and what is hidden."""

from __future__ import annotations

import io
from datetime import datetime
from itertools import count
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.csv_table import MAX_COLUMNS, MAX_ROWS
from knowledge.ingestion.formats.merged import Area
from knowledge.ingestion.formats.number_formats import shown, shows_nothing
from knowledge.ingestion.formats.sheets import Sheet, sheet_parts
from knowledge.ingestion.formats.visibility import is_pale_rgb, is_tiny

_TWIPS = 20  # of a font's height in one point


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (encrypted, wrong_format, broken)."""
    import xlrd
    from xlrd.compdoc import CompDocError

    try:
        book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO())
    except (xlrd.XLRDError, CompDocError) as exc:
        raise DocumentRefused(reason=_reason(str(exc))) from exc
    doubts: list[Doubt] = []
    numbers = count(1)
    blocks: list[Block] = []
    for sheet in book.sheets():
        if sheet.visibility == 0:
            blocks += sheet_parts(_sheet(book, sheet), numbers, doubts)
    hidden = [sheet.name for sheet in book.sheets() if sheet.visibility != 0]
    if hidden:
        doubts.append(Doubt("hidden_sheets", (("names", "、".join(hidden)),)))
    return joined(blocks, doubts)


def _reason(problem: str) -> str:
    if "encrypted" in problem:
        return "encrypted"
    return "wrong_format" if "Can't find workbook" in problem or "Unsupported format" in problem else "broken"


def _sheet(book: Any, sheet: Any) -> Sheet:
    found = Sheet(repaired(sheet.name), sheet.name)
    rows = {number for number, info in sheet.rowinfo_map.items() if info.hidden}
    columns = {number for number, info in sheet.colinfo_map.items() if info.hidden}
    styles: dict[int, bool] = {}
    for row in range(sheet.nrows):
        for column, cell in enumerate(sheet.row(row)):
            text = _text(book, cell)
            if not text:
                continue
            if cell.xf_index not in styles:
                styles[cell.xf_index] = _unseen(book, cell)
            found.put(row + 1, column + 1, text, unseen=row in rows or column in columns or styles[cell.xf_index])
    found.areas = [
        Area(top + 1, left + 1, bottom, min(right, MAX_COLUMNS))
        for top, bottom, left, right in sheet.merged_cells
        if bottom - top <= MAX_ROWS
    ]
    return found


def _text(book: Any, cell: Any) -> str:
    import xlrd

    if cell.ctype in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK}:
        return ""
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, ""))
    value: Any = cell.value
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        value = bool(value)
    elif cell.ctype == xlrd.XL_CELL_DATE:
        value = _moment(book, value)
    return shown(value, _format(book, cell))


def _moment(book: Any, value: float) -> datetime | float | Any:
    import xlrd

    try:
        if value < 1:
            return xlrd.xldate_as_datetime(value, book.datemode).time()
        return xlrd.xldate_as_datetime(value, book.datemode)
    except (xlrd.XLDateError, ValueError, OverflowError):
        return value


def _format(book: Any, cell: Any) -> str:
    found = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return found.format_str if found is not None else "General"


def _unseen(book: Any, cell: Any) -> bool:
    style = book.xf_list[cell.xf_index]
    font = book.font_list[style.font_index]
    if shows_nothing(_format(book, cell)) or is_tiny(font.height / _TWIPS):
        return True
    ink, paper = book.colour_map.get(font.colour_index), book.colour_map.get(style.background.pattern_colour_index)
    if ink is None or not is_pale_rgb(*ink):
        return False
    return style.background.fill_pattern == 0 or (paper is not None and is_pale_rgb(*paper))
