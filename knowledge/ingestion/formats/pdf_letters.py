"""The letters of a PDF page with their places, and which of them nobody sees."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from knowledge.ingestion.formats.visibility import TINY_POINTS, is_pale_rgb

_TEXT, _PATH, _IMAGE, _SHADING = 1, 2, 3, 4  # pdfium's numbers for kinds of page objects
_INVISIBLE = 3  # render mode
_MOST_LETTERS = 60_000  # of one page


class Box(NamedTuple):  # a tuple, since a long document has a million of them
    """A rectangle in points; y counts from the top of the page."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    def holds(self, letter: Letter) -> bool:
        """Whether the middle of a letter lies inside."""
        box = letter.box
        return self.x0 <= (box.x0 + box.x1) / 2 <= self.x1 and self.y0 <= (box.y0 + box.y1) / 2 <= self.y1

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1


class Letter(NamedTuple):
    """One visible mark; `order` is its place in the file, `spaced` whether a space goes before it."""

    char: str
    box: Box
    order: int
    spaced: bool


@dataclass(frozen=True, slots=True)
class _Look:
    invisible: bool
    pale: bool


_PLAIN = _Look(invisible=False, pale=False)


def letters(page: Any, text: Any) -> tuple[list[Letter], str]:
    """The letters that people see, in the file's order, and the text that they do not see."""
    left, bottom, right, top = page.get_bbox()
    paper = Box(0, 0, right - left, top - bottom)
    look = _looks(text.raw) if _has_strange_text(page) else _looks_plain
    scenery = _Scenery(page, left, top, paper)
    seen: list[Letter] = []
    unseen: list[str] = []
    spaced = False
    for number, char, box in _boxes(text, left, top):
        if char.isspace():
            spaced = True
            continue
        if _is_unseen(box, paper, look(number), scenery):
            unseen.append(f" {char}" if spaced else char)
        else:
            seen.append(Letter(char, box, number, spaced))
        spaced = False
    return seen, "".join(unseen).strip()


def _boxes(text: Any, left: float, top: float) -> Iterator[tuple[int, str, Box]]:
    import pypdfium2.raw as pdfium

    raw = text.raw
    rect = pdfium.FS_RECTF()
    reference = ctypes.byref(rect)
    high = 0
    for number in range(min(text.count_chars(), _MOST_LETTERS)):
        code = pdfium.FPDFText_GetUnicode(raw, number)
        if 0xD800 <= code < 0xDC00:  # half of a rare character
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code, high = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), 0
        if code in {0, 0xFFFE, 0xFFFF} or 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            continue
        if not pdfium.FPDFText_GetLooseCharBox(raw, number, reference):
            continue
        yield number, chr(code), Box(rect.left - left, top - rect.top, rect.right - left, top - rect.bottom)


def _looks_plain(_: int) -> _Look:
    return _PLAIN


def _has_strange_text(page: Any) -> bool:
    """Whether any text of a page is pale or drawn invisibly, so that each letter must be asked for its look."""
    parts = _colour_parts()
    return any(_look_of(item.raw, parts) != _PLAIN for item in page.get_objects(filter=[_TEXT]))


def _colour_parts() -> list[Any]:
    return [ctypes.c_uint() for _ in range(4)]


def _look_of(drawn: Any, parts: list[Any]) -> _Look:
    import pypdfium2.raw as pdfium

    pale = False
    if pdfium.FPDFPageObj_GetFillColor(drawn, *map(ctypes.byref, parts)):
        red, green, blue, solid = (part.value for part in parts)
        pale = solid == 0 or is_pale_rgb(red, green, blue)
    return _Look(pdfium.FPDFTextObj_GetTextRenderMode(drawn) == _INVISIBLE, pale)


def _looks(raw: Any) -> Callable[[int], _Look]:
    """How the letter of a number is drawn; asked once for each text object."""
    import pypdfium2.raw as pdfium

    known: dict[int, _Look] = {}
    parts = _colour_parts()

    def look(number: int) -> _Look:
        drawn = pdfium.FPDFText_GetTextObject(raw, number)
        if not drawn:
            return _PLAIN
        address = ctypes.cast(drawn, ctypes.c_void_p).value or 0
        if address not in known:
            known[address] = _look_of(drawn, parts)
        return known[address]

    return look


class _Scenery:
    """What is drawn besides text: coloured areas and pictures, looked at only when a letter may be hidden."""

    def __init__(self, page: Any, left: float, top: float, paper: Box) -> None:
        self._page, self._left, self._top, self._paper = page, left, top, paper
        self._areas: list[Box] | None = None
        self._pictures = 0.0

    def is_behind(self, box: Box) -> bool:
        """Whether something that is not white is drawn where the letter stands."""
        return any(area.meets(box) for area in self._all())

    def is_scan(self) -> bool:
        """Whether pictures take half of the page, so that invisible text is what was recognised in them."""
        self._all()
        size = (self._paper.x1 - self._paper.x0) * self._paper.height
        return self._pictures * 2 >= size > 0

    def _all(self) -> list[Box]:
        if self._areas is None:
            self._areas = []
            for item in self._page.get_objects(max_depth=3):
                if item.type in {_IMAGE, _SHADING} or (item.type == _PATH and _is_coloured(item)):
                    left, bottom, right, top = item.get_bounds()
                    box = Box(left - self._left, self._top - top, right - self._left, self._top - bottom)
                    self._areas.append(box)
                    if item.type == _IMAGE:
                        self._pictures += max(0.0, box.x1 - box.x0) * max(0.0, box.height)
        return self._areas


def _is_coloured(path: Any) -> bool:
    import pypdfium2.raw as pdfium

    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium.FPDFPath_GetDrawMode(path.raw, ctypes.byref(fill), ctypes.byref(stroke)) or not fill.value:
        return False
    parts = [ctypes.c_uint() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetFillColor(path.raw, *map(ctypes.byref, parts)):
        return True  # a pattern
    red, green, blue, solid = (part.value for part in parts)
    return solid > 0 and not is_pale_rgb(red, green, blue)


def _is_unseen(box: Box, paper: Box, look: _Look, scenery: _Scenery) -> bool:
    # Some fonts give 一 no height; letters that nobody can read are small both ways.
    if max(box.height, box.x1 - box.x0) < TINY_POINTS or not box.meets(paper):
        return True
    if look.invisible:
        return not scenery.is_scan()
    return look.pale and not scenery.is_behind(box)
