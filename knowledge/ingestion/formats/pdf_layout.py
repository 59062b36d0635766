"""From letters to lines in the order in which people read them: columns one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from statistics import median

from knowledge.ingestion.characters import repaired
from knowledge.ingestion.formats.pdf_letters import Box, Letter

_SAME_LINE = 0.5  # of the lower letter's height must be shared
_WIDE_GAP = 1.5  # of a letter's height: what is further away is another piece
_MIN_LINES = 4
_MIN_CHARS = 12
_FILL = 0.7
_MOST_GUTTERS = 60
_MOST_PIECES = 3_000  # of a page that anybody reads

Key = tuple[float, ...]


@dataclass(slots=True)
class Piece:
    """Letters on one line without a wide gap. `key` sorts pieces as they are read; `column` is its text column."""

    text: str
    box: Box
    key: Key
    column: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line."""

    text: str
    box: Box
    key: Key
    column: tuple[int, ...]


def pieces(letters: Iterable[Letter]) -> list[Piece]:
    """Pieces in the order of the file."""
    found: list[Piece] = []
    for letter in letters:
        last = found[-1] if found else None
        if last is not None and _goes_on(last.box, letter.box):
            last.text += f" {letter.char}" if letter.spaced else letter.char
            last.box = _around(last.box, letter.box)
        else:
            found.append(Piece(letter.char, letter.box, (letter.order,)))
    for piece in found:
        piece.text = " ".join(repaired(piece.text).split())
    return [piece for piece in found if piece.text]


def _goes_on(box: Box, letter: Box) -> bool:
    size = max(letter.height, 1.0)
    return same_line(box, letter) and -size < letter.x0 - box.x1 < _WIDE_GAP * size


def same_line(one: Box, other: Box) -> bool:
    """Whether two boxes stand on one line."""
    shared = min(one.y1, other.y1) - max(one.y0, other.y0)
    return shared > _SAME_LINE * min(one.height, other.height)


def _around(one: Box, other: Box) -> Box:
    return Box(min(one.x0, other.x0), min(one.y0, other.y0), max(one.x1, other.x1), max(one.y1, other.y1))


def rows(found: Iterable[Piece]) -> list[list[Piece]]:
    """Pieces that stand on one line, from left to right; lines from the top."""
    lines: list[list[Piece]] = []
    for piece in sorted(found, key=lambda piece: (piece.box.y0 + piece.box.y1, piece.box.x0)):
        if lines and same_line(lines[-1][0].box, piece.box):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [sorted(line, key=lambda piece: piece.box.x0) for line in lines]


def in_columns(found: list[Piece], depth: int = 0) -> list[Piece]:
    """Give pieces that stand in two columns of running text a key that reads the left column first."""
    gutter = _gutter(found)
    if gutter is None or depth > 1:
        return found
    done: list[Piece] = []
    for number, band in enumerate(_bands(found, gutter)):
        left, right = _sides(band, gutter)
        if not _is_text(left, right):
            done += band
            continue
        first = min(piece.key for piece in band)
        for side, half in enumerate((left, right)):
            ordered = sorted(in_columns(half, depth + 1), key=lambda piece: piece.key) if side else half
            ordered = [piece for row in rows(ordered) for piece in row] if not _split_again(ordered) else ordered
            done += [
                replace(piece, key=(*first, side, place), column=(number, side, *piece.column))
                for place, piece in enumerate(ordered)
            ]
    return done


def _split_again(found: Sequence[Piece]) -> bool:
    return any(piece.column for piece in found)


def _gutter(found: Sequence[Piece]) -> float | None:
    if not 2 * _MIN_LINES <= len(found) <= _MOST_PIECES:
        return None
    right_edge = max(piece.box.x1 for piece in found)
    left_edge = min(piece.box.x0 for piece in found)
    inner = (left_edge + 0.15 * (right_edge - left_edge), left_edge + 0.85 * (right_edge - left_edge))
    starts = sorted({round(piece.box.x0) - 1.0 for piece in found if inner[0] < piece.box.x0 < inner[1]})
    starts = starts[:: len(starts) // _MOST_GUTTERS + 1]
    best, most = None, 0
    for at in starts:
        held = 0
        for band in _bands(found, at):
            left, right = _sides(band, at)
            held += len(band) if _is_text(left, right) else 0
        if held > most:
            best, most = at, held
    return best


def _bands(found: Sequence[Piece], gutter: float) -> list[list[Piece]]:
    """Stretches from top to bottom, cut where a piece crosses the gutter; each crossing piece is one of its own."""
    ordered = sorted(found, key=lambda piece: piece.box.y0)
    bands: list[list[Piece]] = []
    for crosses, group in groupby(ordered, key=lambda piece: piece.box.x0 < gutter - 1 and piece.box.x1 > gutter + 1):
        held = list(group)
        bands += [[piece] for piece in held] if crosses else [held]
    return bands


def _sides(band: Sequence[Piece], gutter: float) -> tuple[list[Piece], list[Piece]]:
    left = [piece for piece in band if piece.box.x1 <= gutter + 1]
    return left, [piece for piece in band if piece.box.x1 > gutter + 1]


def _is_text(left: Sequence[Piece], right: Sequence[Piece]) -> bool:
    """Whether both sides are lines of running text beside each other, not cells of a table."""
    if len(left) < _MIN_LINES or len(right) < _MIN_LINES:
        return False
    top = max(min(piece.box.y0 for piece in side) for side in (left, right))
    bottom = min(max(piece.box.y1 for piece in side) for side in (left, right))
    heights = [max(piece.box.y1 for piece in side) - min(piece.box.y0 for piece in side) for side in (left, right)]
    return bottom - top > 0.4 * min(heights) and _is_filled(left) and _is_filled(right)


def _is_filled(side: Sequence[Piece]) -> bool:
    width = max(piece.box.x1 for piece in side) - min(piece.box.x0 for piece in side)
    lines = [sum(piece.box.x1 - piece.box.x0 for piece in row) for row in rows(side)]
    chars = [sum(len(piece.text) for piece in row) for row in rows(side)]
    return len(lines) >= _MIN_LINES and median(lines) >= _FILL * width and median(chars) >= _MIN_CHARS


def lines(found: Iterable[Piece]) -> list[Line]:
    """Pieces joined to lines, in reading order."""
    done: list[Line] = []
    for piece in sorted(found, key=lambda piece: piece.key):
        last = done[-1] if done else None
        if (
            last is not None
            and last.column == piece.column
            and same_line(last.box, piece.box)
            and piece.box.x0 >= last.box.x1 - piece.box.height
        ):
            done[-1] = Line(f"{last.text} {piece.text}", _around(last.box, piece.box), last.key, last.column)
        else:
            done.append(Line(piece.text, piece.box, piece.key, piece.column))
    return done
