"""Rows of a grid with merged cells filled in: every position that a merged cell covers holds its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_SPAN = 200
_LONG = 120  # characters; a longer text is not repeated in every row of its merged cell


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row: its number in the sheet or table (from 1) and its cells from column A on.

    `down` is how many rows the tallest cell that begins here takes, `across` the columns in which a cell is merged
    with its neighbour. `page` is for tables that run over pages; `marked` is a row that the file calls a header.
    """

    number: int
    cells: tuple[str, ...]
    down: int = 1
    across: frozenset[int] = frozenset()
    page: int | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A merged cell: first and last row and column, from 1, both included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class Span:
    """A cell as HTML and slides write it: only where it begins, with how far it reaches."""

    text: str
    rows: int = 1
    columns: int = 1
    header: bool = False


def placed(rows: Sequence[Sequence[Span]]) -> list[GridRow]:
    """Rows of spans as a grid; rows without text are left out but counted."""
    values: dict[int, dict[int, str]] = {}
    areas: list[Area] = []
    taken: set[tuple[int, int]] = set()
    for number, spans in enumerate(rows, start=1):
        column = 1
        for span in spans:
            while (number, column) in taken:
                column += 1
            bottom = min(number + max(span.rows, 1), number + MAX_SPAN, len(rows) + 1) - 1
            right = column + min(max(span.columns, 1), MAX_SPAN) - 1
            if bottom > number:
                taken |= {(row, at) for row in range(number + 1, bottom + 1) for at in range(column, right + 1)}
            if bottom > number or right > column:
                areas.append(Area(number, column, bottom, right))
            if span.text.strip():
                values.setdefault(number, {})[column] = span.text.strip()
            column = right + 1
    marked = {number for number, spans in enumerate(rows, start=1) if spans and all(span.header for span in spans)}
    return filled(values, areas, marked=marked)


def filled(
    values: dict[int, dict[int, str]],
    areas: Iterable[Area],
    *,
    marked: set[int] | frozenset[int] = frozenset(),
    max_columns: int = MAX_SPAN,
) -> list[GridRow]:
    """Rows from text by row and column, each from 1; `values` is filled in place."""
    down: dict[int, int] = {}
    across: dict[int, set[int]] = {}
    for area in areas:
        text = values.get(area.top, {}).get(area.left, "")
        if not text:
            continue
        right = min(area.right, max_columns)
        down[area.top] = max(down.get(area.top, 1), area.bottom - area.top + 1)
        if right > area.left:
            across.setdefault(area.top, set()).update(range(area.left - 1, right))
        bottom = area.bottom if len(text) <= _LONG else area.top
        for row in range(area.top, bottom + 1):
            for column in range(area.left, right + 1):
                values.setdefault(row, {}).setdefault(column, text)
    return [
        GridRow(
            number,
            tuple(cells.get(column, "") for column in range(1, max(cells) + 1)),
            down.get(number, 1),
            frozenset(across.get(number, ())),
            marked=number in marked,
        )
        for number, cells in sorted(values.items())
        if cells
    ]
