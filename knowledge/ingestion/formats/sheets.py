"""One sheet of a workbook, old or new, as blocks: its name, its tables, and what is hidden in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from knowledge.ingestion.extracted import Block, BlockKind, Doubt
from knowledge.ingestion.formats.csv_table import MAX_COLUMNS, MAX_ROWS
from knowledge.ingestion.formats.merged import Area, filled
from knowledge.ingestion.formats.regions import sheet_blocks


@dataclass(slots=True)
class Sheet:
    """Text by row and column, each from 1; `unseen` is what a person does not see."""

    title: str
    name: str
    values: dict[int, dict[int, str]] = field(default_factory=dict)
    unseen: dict[int, list[str]] = field(default_factory=dict)
    areas: list[Area] = field(default_factory=list)
    too_wide: bool = False

    def put(self, row: int, column: int, text: str, *, unseen: bool) -> None:
        """Keep one cell."""
        if column > MAX_COLUMNS:
            self.too_wide = True
        elif unseen:
            self.unseen.setdefault(row, []).append(text)
        else:
            self.values.setdefault(row, {})[column] = text


def sheet_parts(sheet: Sheet, numbers: Iterator[int], doubts: list[Doubt]) -> list[Block]:
    """The blocks of a sheet; `numbers` gives the next table's number, and what was cut goes to `doubts`."""
    rows = filled(sheet.values, sheet.areas, max_columns=MAX_COLUMNS)
    found = list(sheet_blocks(rows[:MAX_ROWS], numbers, sheet=sheet.name))
    if len(rows) > MAX_ROWS:
        doubts.append(Doubt("rows_cut", (("count", str(MAX_ROWS)),)))
    if sheet.too_wide:
        doubts.append(Doubt("columns_cut", (("count", str(MAX_COLUMNS)),)))
    unseen = [
        Block(BlockKind.PARAGRAPH, " ".join(texts), sheet=sheet.name, hidden=True)
        for _, texts in sorted(sheet.unseen.items())
    ]
    heading = [Block(BlockKind.HEADING, sheet.title, level=1, sheet=sheet.name)] if found else []
    return [*heading, *found, *unseen]
