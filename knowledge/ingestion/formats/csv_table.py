"""Separated values, in any encoding that `plain_text` knows; the separator is told from what makes even rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import count, islice

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Doubt, ExtractedText, joined
from knowledge.ingestion.formats.merged import GridRow
from knowledge.ingestion.formats.plain_text import capped, decoded
from knowledge.ingestion.formats.regions import sheet_blocks

MAX_ROWS = 50_000
MAX_COLUMNS = 200
_SEPARATORS = ",\t;|，"
_TRIED_ROWS = 50


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (empty, unknown_encoding, broken)."""
    doubts: list[Doubt] = []
    text = capped(repaired(decoded(data)), doubts)
    separator, text = _separator(text)
    rows: list[GridRow] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator), start=1):
            if number > MAX_ROWS:
                doubts.append(Doubt("rows_cut", (("count", str(MAX_ROWS)),)))
                break
            if any(cell.strip() for cell in cells):
                rows.append(GridRow(number, tuple(cell.strip() for cell in cells[:MAX_COLUMNS])))
    except csv.Error as exc:
        raise DocumentRefused(reason="broken") from exc
    return joined(sheet_blocks(rows, count(1)), doubts)


def _separator(text: str) -> tuple[str, str]:
    """The separator and the text behind Excel's own `sep=;` line; the one that gives most rows the same width."""
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        return first.strip()[-1], rest
    return max(_SEPARATORS, key=lambda mark: _evenness(text, mark)), text


def _evenness(text: str, separator: str) -> float:
    """How many of the first rows have the most frequent width, with wider rows ahead; 0 where nothing is cut."""
    try:
        rows = list(islice(csv.reader(io.StringIO(text[:100_000]), delimiter=separator), _TRIED_ROWS))
    except csv.Error:
        return 0.0
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0
    width, times = widths.most_common(1)[0]
    return times / len(rows) + min(width, 10) / 1000
