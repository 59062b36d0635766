"""A sheet or a table as rows of cells: find its title, its header rows and its data, and name every cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.ingestion.extracted import Block, BlockKind, Cell
from knowledge.ingestion.formats.headers import header_depth, is_figure, is_form, is_section, spread
from knowledge.ingestion.formats.merged import GridRow
from knowledge.ingestion.formats.tables import cell_lines, cell_text, header_names, names_and_values, sentence

_TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a table stands; `left` columns before it are empty."""

    table: int
    sheet: str | None
    page: int | None
    left: int = 0


def grid_blocks(
    rows: Sequence[GridRow],
    *,
    table: int,
    sheet: str | None = None,
    page: int | None = None,
    names: Sequence[str] = (),
) -> Iterator[Block]:
    """Blocks of a region without empty rows: title lines, then one row block per data row with its column names.

    Args:
        rows: cells merged in the file hold their text in every position that they cover.
        table: the table's number, from 1 within the file.
        names: column names of the table that this region continues, used when it brings no header of its own.
    """
    left = empty_left(rows)
    place = _Place(table, sheet, page, left)
    rows = [shifted(row, left) for row in rows]
    titles = _title_rows(rows)
    yield from (_title(rows, at, place) for at in range(titles))
    data = rows[titles:]
    if is_form(data):
        yield from (_row(row, _pairs(row, place), place) for row in data)
        return
    headers, depth = column_names(data)
    if depth and depth == len(data):
        cells = tuple(Cell("", name, _ref(at, data[-1], place)) for at, name in enumerate(headers) if name)
        yield _row(data[-1], cells, place)
        return
    yield from _data_rows(_labelled(data[depth:]), headers or list(names)[left:], place)


def column_names(rows: Sequence[GridRow]) -> tuple[list[str], int]:
    """The column names of a region, and how many rows they take; ([], 0) where there is no header."""
    depth = header_depth(rows)
    return header_names(spread(rows[:depth])), depth


def empty_left(rows: Sequence[GridRow]) -> int:
    """How many columns before the first text of any row."""
    return min((at for row in rows for at, cell in enumerate(row.cells) if cell.strip()), default=0)


def shifted(row: GridRow, left: int) -> GridRow:
    """The row without its first `left` columns."""
    if not left:
        return row
    return replace(row, cells=row.cells[left:], across=frozenset(at - left for at in row.across if at >= left))


def body(rows: Sequence[GridRow]) -> Sequence[GridRow]:
    """The rows of a region below its title lines."""
    return rows[_title_rows(rows) :]


def _title_rows(rows: Sequence[GridRow]) -> int:
    """How many rows above the table proper hold one text each; in a list of one column only the first may."""
    table = next((at for at, row in enumerate(rows) if row.marked or len(_different(row)) > 1), None)
    if table is not None:
        return table
    return 1 if len(rows) == 1 or (len(rows) > 2 and max(len(row.cells) for row in rows) == 1) else 0


def _title(rows: Sequence[GridRow], at: int, place: _Place) -> Block:
    title = _different(rows[at])[0]
    heading = at == 0 and len(title) <= _TITLE_CHARS and len(rows) > 2
    kind, level = (BlockKind.HEADING, 2) if heading else (BlockKind.PARAGRAPH, 0)
    page = rows[at].page or place.page
    return Block(kind, title, level=level, page=page, sheet=place.sheet, cells=_range(rows[at], place.left))


def _data_rows(rows: Sequence[GridRow], names: Sequence[str], place: _Place) -> Iterator[Block]:
    section = ""
    paired = names_and_values(names)
    for position, row in enumerate(rows):
        if is_section(row, position == len(rows) - 1):
            section = cell_text(_different(row)[0])
            yield replace(_row(row, (), place), text=section)
            continue
        alone = not any(names) and _is_pair(row)
        cells = _pairs(row, place) if paired or alone else _named(row, names, place)
        yield _row(row, cells, place, section)


def _is_pair(row: GridRow) -> bool:
    """A label with its figure beside it (起点 | 200,000) where no row names the columns."""
    filled = [cell.strip() for cell in row.cells if cell.strip()]
    together = len(filled) == 2 and bool(row.cells[0].strip()) and bool(row.cells[1].strip())
    return together and not is_figure(filled[0]) and is_figure(filled[1])


def _labelled(rows: Sequence[GridRow]) -> list[GridRow]:
    """Rows whose first cell is empty below a label that was written once take that label."""
    done: list[GridRow] = []
    label = ""
    for row in rows:
        first, rest = (row.cells[0].strip(), row.cells[1:]) if row.cells else ("", ())
        if first:
            label = first if any(cell.strip() for cell in rest) and not is_figure(first) else ""
        elif label and rest and rest[0].strip() and not is_figure(rest[0]):
            row = replace(row, cells=(label, *rest))
        done.append(row)
    return done


def _named(row: GridRow, names: Sequence[str], place: _Place) -> tuple[Cell, ...]:
    return tuple(
        Cell(names[at] if at < len(names) else "", value, _ref(at, row, place), cell_lines(text))
        for at, text in enumerate(row.cells)
        if (value := cell_text(text))
    )


def _pairs(row: GridRow, place: _Place) -> tuple[Cell, ...]:
    """Cells of a row of labels and values; a value over several columns counts once."""
    cells: list[Cell] = []
    for at in range(0, len(row.cells), 2):
        label = cell_text(row.cells[at])
        value = cell_text(row.cells[at + 1]) if at + 1 < len(row.cells) else ""
        if cells and label == cells[-1].value:
            continue
        if label and value and label != value:
            cells.append(Cell(label, value, _ref(at + 1, row, place)))
        elif label or value:
            cells.append(Cell("", label or value, _ref(at if label else at + 1, row, place)))
    return tuple(cells)


def _row(row: GridRow, cells: tuple[Cell, ...], place: _Place, section: str = "") -> Block:
    text = sentence(cells)
    return Block(
        BlockKind.ROW,
        f"{section}；{text}" if section and text else text,
        page=row.page or place.page,
        sheet=place.sheet,
        cells=_range(row, place.left),
        table=place.table,
        row=cells,
    )


def _ref(at: int, row: GridRow, place: _Place) -> str:
    return f"{column_letters(place.left + at + 1)}{row.number}"


def _different(row: GridRow) -> list[str]:
    """Different texts in a row; a merged cell that was filled in counts once."""
    return list(dict.fromkeys(cell.strip() for cell in row.cells if cell.strip()))


def column_letters(number: int) -> str:
    """A, B, ... Z, AA for 1, 2, ... 26, 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _range(row: GridRow, left: int) -> str | None:
    filled = [column for column, cell in enumerate(row.cells, start=left + 1) if cell.strip()]
    if not filled:
        return None
    return f"{column_letters(filled[0])}{row.number}:{column_letters(filled[-1])}{row.number}"
