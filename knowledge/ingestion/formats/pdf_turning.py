"""Tables that run over the end of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from knowledge.ingestion.formats.grids import column_names
from knowledge.ingestion.formats.headers import is_figure
from knowledge.ingestion.formats.merged import GridRow
from knowledge.ingestion.formats.pdf_layout import Line
from knowledge.ingestion.formats.pdf_tables import Table

_SHIFT = 8.0  # points by which the same table may stand elsewhere on the next page

Part = Line | Table


def continued(pages: Sequence[Sequence[Part]]) -> list[list[Part]]:
    """Parts by page, in which a table that goes on at the top of the next page has been put to the one it continues.

    Its rows keep their own page; a header that is printed again is left out. Where lines stand between, as when a row
    was broken by the page, the table stays apart and takes over the columns' names.
    """
    done: list[list[Part]] = []
    before: tuple[int, int] | None = None  # page and place of the last table of the page before
    for number, parts in enumerate(pages):
        kept = list(parts)
        place = next((at for at, part in enumerate(kept) if isinstance(part, Table)), None)
        if before is not None and place is not None:
            table, above = kept[place], done[before[0]][before[1]]
            if isinstance(table, Table) and isinstance(above, Table) and _same_columns(above, table):
                turned = place == 0 and before[1] == len(done[before[0]]) - 1
                if turned and _goes_on(above, table):
                    done[before[0]][before[1]] = _with_rows(above, table, number + 1)
                    del kept[0]
                elif not column_names(table.rows)[1]:
                    kept[place] = replace(table, names=tuple(column_names(above.rows)[0]) or above.names)
        done.append(kept)
        last = max((at for at, part in enumerate(kept) if isinstance(part, Table)), default=None)
        before = (number, last) if last is not None else before if not kept else None
    return done


def _same_columns(before: Table, table: Table) -> bool:
    shifts = abs(before.box.x0 - table.box.x0), abs(before.box.x1 - table.box.x1)
    return before.columns == table.columns and max(shifts) <= _SHIFT


def _goes_on(before: Table, table: Table) -> bool:
    _, depth = column_names(before.rows)
    own = column_names(table.rows)[1]
    if not own or not depth or _repeats(before, table, depth):
        return True
    return not _has_figures(before.rows[depth:])  # words below words: a new header cannot be told from a row


def _repeats(before: Table, table: Table, depth: int) -> bool:
    return [row.cells for row in table.rows[:depth]] == [row.cells for row in before.rows[:depth]]


def _has_figures(rows: Sequence[GridRow]) -> bool:
    cells = [cell for row in rows for cell in row.cells[1:] if cell]
    return any(map(is_figure, cells))


def _with_rows(before: Table, table: Table, page: int) -> Table:
    _, depth = column_names(before.rows)
    added = table.rows[depth:] if depth and _repeats(before, table, depth) else table.rows
    last = before.rows[-1].number
    first = added[0].number if added else 0
    moved = [replace(row, number=last + 1 + row.number - first, page=row.page or page) for row in added]
    return replace(before, rows=(*before.rows, *moved))
