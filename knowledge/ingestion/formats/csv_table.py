"""Comma, tab or semicolon separated values, in any encoding that `plain_text` knows."""

from __future__ import annotations

import csv
import io

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import GridRow, grid_blocks
from knowledge.ingestion.formats.plain_text import capped, decoded

MAX_ROWS = 50_000
MAX_COLUMNS = 200


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (empty, unknown_encoding, broken)."""
    doubts: list[Doubt] = []
    text = capped(repaired(decoded(data)), doubts)
    opening = text[:4000]
    separator = max(",\t;|", key=opening.count)
    try:
        rows = [
            GridRow(number, tuple(cell.strip() for cell in cells[:MAX_COLUMNS]))
            for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator), start=1)
            if number <= MAX_ROWS and any(cell.strip() for cell in cells)
        ]
    except csv.Error as exc:
        raise DocumentRefused(reason="broken") from exc
    if text.count("\n") > MAX_ROWS:
        doubts.append(Doubt("rows_cut", (("count", str(MAX_ROWS)),)))
    return joined(grid_blocks(rows, table=1), doubts)
