"""A sheet as tables: regions apart by empty rows or an empty column, each with its number and its column names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from knowledge.ingestion.extracted import Block
from knowledge.ingestion.formats.grids import body, column_names, grid_blocks
from knowledge.ingestion.formats.headers import is_figure
from knowledge.ingestion.formats.merged import GridRow


def sheet_blocks(rows: Sequence[GridRow], numbers: Iterator[int], *, sheet: str | None = None) -> Iterator[Block]:
    """The blocks of a sheet; `numbers` gives the next table's number.

    A region without a header below a table of the same columns goes on with that table: an empty row is only spacing.
    """
    above: dict[frozenset[int], tuple[int, list[str]]] = {}  # by columns: number and names of the last such table
    for region in _regions(rows):
        below = body(region)
        own, depth = column_names(below)
        here = frozenset(_columns(below[:1]))
        if not depth and here in above:
            number, names = above[here]
        else:
            number, names = next(numbers), []
        if depth:
            above[frozenset(at for at, name in enumerate(own) if name)] = (number, own)
        yield from grid_blocks(region, table=number, sheet=sheet, names=names)


def _regions(rows: Sequence[GridRow]) -> Iterator[list[GridRow]]:
    region: list[GridRow] = []
    for row in rows:
        if region and row.number != region[-1].number + 1:
            yield from _side_by_side(region)
            region = []
        region.append(row)
    if region:
        yield from _side_by_side(region)


def _side_by_side(region: list[GridRow]) -> Iterator[list[GridRow]]:
    """Tables beside each other with an empty column between, where the right one has a header and labels of its own."""
    used = _columns(region)
    gap = next((at for at in range(min(used, default=0), max(used, default=0)) if at not in used), None)
    if gap is None:
        yield region
        return
    left = [_part(row, 0, gap) for row in region if any(row.cells[:gap])]
    right = [_part(row, gap, len(row.cells)) for row in region if any(row.cells[gap:])]
    if _stands_alone(left) and _stands_alone(right):
        yield left
        yield from _side_by_side(right)
    else:
        yield region


def _part(row: GridRow, first: int, last: int) -> GridRow:
    across = frozenset(at for at in row.across if first <= at < last)
    return GridRow(row.number, ("",) * first + row.cells[first:last], row.down, across, row.page, row.marked)


def _stands_alone(part: Sequence[GridRow]) -> bool:
    below = body(part)
    _, depth = column_names(below)
    used = sorted(_columns(below))
    if not depth or len(used) < 2:
        return False
    labels = [row.cells[used[0]] for row in below[depth:] if len(row.cells) > used[0] and row.cells[used[0]].strip()]
    return bool(labels) and sum(is_figure(label) for label in labels) * 2 < len(labels)


def _columns(rows: Sequence[GridRow]) -> set[int]:
    return {at for row in rows for at, cell in enumerate(row.cells) if cell.strip()}
