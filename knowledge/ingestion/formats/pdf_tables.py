"""Tables on a PDF page: drawn with lines, or only set in columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.ingestion.characters import repaired
from knowledge.ingestion.formats.headers import header_depth, is_figure
from knowledge.ingestion.formats.merged import Area, GridRow, Span, filled, placed
from knowledge.ingestion.formats.pdf_layout import Key, Piece, rows
from knowledge.ingestion.formats.pdf_letters import Box, Letter

_MIN_ROWS = 3
_FIGURES = 0.6  # of a column must be figures, so that aligned words alone make no table
_NEAR = 2.5  # line heights between rows of one table
_EDGE = 2.0  # points by which drawn lines may miss each other


@dataclass(frozen=True, slots=True)
class Table:
    """A table, where it stands, and where it comes in reading order.

    `names` are the columns' names when they stand in a part of the table on an earlier page.
    """

    box: Box
    rows: tuple[GridRow, ...]
    key: Key
    names: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return max((len(row.cells) for row in self.rows), default=0)


class DrawnTables:
    """Tables with drawn lines; opens the document a second time only when a page may have some."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._document: Any = None

    def on(self, number: int, letters: Sequence[Letter]) -> list[Table]:
        """Tables of a page (from 1) with the letters that stand in their cells; none inside another."""
        kept: list[Table] = []
        for cells in sorted(self._cells(number), key=lambda cells: -_outer(cells).height):
            box = _outer(cells)
            if any(table.box.meets(box) for table in kept):
                continue
            table = _drawn(cells, box, letters)
            if table is not None:
                kept.append(table)
        return kept

    def _cells(self, number: int) -> list[list[Box]]:
        import pdfplumber
        from pdfminer.pdfexceptions import PDFException

        try:
            if self._document is None:
                self._document = pdfplumber.open(io.BytesIO(self._data))
            page = self._document.pages[number - 1]
            found = [[Box(*map(float, cell)) for cell in table.cells] for table in page.find_tables()]
            page.close()
        except (
            PDFException,
            pdfplumber.utils.exceptions.PdfminerException,
            ValueError,
            KeyError,
            TypeError,
            IndexError,
        ):
            return []  # pdfium has read the text; only the cells are not told apart
        return [cells for cells in found if len(cells) >= 2]


def _outer(cells: Sequence[Box]) -> Box:
    return Box(
        min(cell.x0 for cell in cells),
        min(cell.y0 for cell in cells),
        max(cell.x1 for cell in cells),
        max(cell.y1 for cell in cells),
    )


def _drawn(cells: Sequence[Box], box: Box, letters: Sequence[Letter]) -> Table | None:
    inside = [letter for letter in letters if box.holds(letter)]
    across, down = _edges([cell.x0 for cell in cells]), _edges([cell.y0 for cell in cells])
    if len(across) < 2 or len(down) < 2 or not inside:
        return None
    values: dict[int, dict[int, str]] = {}
    areas: list[Area] = []
    claimed = 0
    for cell in cells:
        held = [letter for letter in inside if cell.holds(letter)]
        claimed += len(held)
        top, left = _position(down, cell.y0), _position(across, cell.x0)
        areas.append(Area(top, left, _position(down, cell.y1 - _EDGE), _position(across, cell.x1 - _EDGE)))
        text = _text(held)
        if text:
            values.setdefault(top, {})[left] = text
    if claimed < len(inside) or sum(map(len, values.values())) * 2 < len(cells):
        return None  # some of the text stands in no cell: this is a drawing, not a table
    found = filled(values, [area for area in areas if area.bottom > area.top or area.right > area.left])
    if len(found) < 2 or max(len(row.cells) for row in found) < 2:
        return None
    return Table(box, tuple(found), (inside[0].order,))


def _edges(places: Sequence[float]) -> list[float]:
    edges: list[float] = []
    for place in sorted(places):
        if not edges or place - edges[-1] > _EDGE:
            edges.append(place)
    return edges


def _position(edges: Sequence[float], place: float) -> int:
    return max(sum(edge <= place + _EDGE for edge in edges), 1)


def _text(letters: Sequence[Letter]) -> str:
    parts: list[str] = []
    last: Letter | None = None
    for letter in letters:
        if last is not None and letter.box.y0 > last.box.y0 + last.box.height / 2:
            parts.append("\n")
        elif letter.spaced and parts:
            parts.append(" ")
        parts.append(letter.char)
        last = letter
    return repaired("".join(parts)).strip()


def aligned_tables(pieces: Sequence[Piece]) -> tuple[list[Table], list[Piece]]:
    """Tables without lines, and the pieces that belong to none: at least three rows whose words stand in the columns
    of the first, which names them, with figures in at least one column."""
    lines = rows(piece for piece in pieces if not piece.column)
    tables: list[Table] = []
    taken: set[int] = set()
    at = 0
    while at < len(lines):
        end = _table_end(lines, at)
        table = _aligned(lines[at:end]) if end - at >= _MIN_ROWS else None
        if table is None:
            at += 1
            continue
        tables.append(table)
        taken |= {id(piece) for line in lines[at:end] for piece in line}
        at = end
    return tables, [piece for piece in pieces if id(piece) not in taken]


def _table_end(lines: Sequence[Sequence[Piece]], at: int) -> int:
    """The line after the last that fits the columns of line `at`."""
    if len(lines[at]) < 2:
        return at
    end = at + 1
    columns = [(piece.box.x0, piece.box.x1) for piece in lines[at]]
    while end < len(lines):
        above, line = lines[end - 1][0].box, lines[end]
        merged = _merged([*columns, *((piece.box.x0, piece.box.x1) for piece in line)])
        far = line[0].box.y0 - above.y1 > _NEAR * max(above.height, line[0].box.height)
        if far or len(line) < 2 or len(merged) < len(lines[at]) or len(merged) > len(lines[at]) + 1:
            break
        if len({_column(merged, piece) for piece in line}) < len(line):
            break
        columns = merged
        end += 1
    return end


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    done: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        if done and left <= done[-1][1]:
            done[-1] = (done[-1][0], max(done[-1][1], right))
        else:
            done.append((left, right))
    return done


def _column(columns: Sequence[tuple[float, float]], piece: Piece) -> int:
    return next((at for at, (left, right) in enumerate(columns) if left <= piece.box.x0 <= right), -1)


def _aligned(lines: Sequence[Sequence[Piece]]) -> Table | None:
    columns = _merged([(piece.box.x0, piece.box.x1) for line in lines for piece in line])
    grid = []
    for line in lines:
        texts = dict.fromkeys(range(len(columns)), "")
        for piece in line:
            texts[_column(columns, piece)] = piece.text
        grid.append([Span(texts[at]) for at in range(len(columns))])
    found = placed(grid)
    depth = header_depth(found)
    below = found[depth:]
    if not depth or len(below) < _MIN_ROWS - 1:
        return None
    figures = max(
        sum(is_figure(row.cells[at]) for row in below if at < len(row.cells)) / len(below)
        for at in range(1, len(columns))
    )
    if figures < _FIGURES:
        return None
    pieces = [piece for line in lines for piece in line]
    return Table(_outer([piece.box for piece in pieces]), tuple(found), min(piece.key for piece in pieces))
