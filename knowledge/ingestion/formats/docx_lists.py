"""The numbers and bullets that Word draws before paragraphs without keeping them in the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DIGITS = "零一二三四五六七八九"
_SLOT = re.compile(r"%([1-9])")
_BULLET = "•"
_ROMAN = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass(frozen=True, slots=True)
class _Level:
    form: str
    pattern: str
    start: int


class Lists:
    """Counts the paragraphs of every list of a document; give it `numbering.xml` as an element, or None."""

    def __init__(self, numbering: Any) -> None:
        self._lists: dict[str, dict[int, _Level]] = {}
        self._shared: dict[str, str] = {}
        self._counts: dict[str, list[int]] = {}
        if numbering is None:
            return
        abstract = {item.get(f"{W}abstractNumId"): _levels(item) for item in numbering.findall(f"{W}abstractNum")}
        for item in numbering.findall(f"{W}num"):
            number, reference = item.get(f"{W}numId"), item.find(f"{W}abstractNumId")
            key = reference.get(f"{W}val") if reference is not None else None
            levels = dict(abstract.get(key, {}))
            starts = _overrides(item, levels)
            self._lists[number] = levels
            # Lists of one abstract definition count on together unless one of them starts again.
            self._shared[number] = number if starts else f"abstract {key}"

    def mark(self, number: str, depth: int) -> str:
        """What stands before the next paragraph of list `number` at `depth` (from 0); empty for an unknown list."""
        levels = self._lists.get(number, {})
        level = levels.get(depth)
        if level is None:
            return ""
        counts = self._counts.setdefault(self._shared[number], [])
        for at in range(len(counts), depth + 1):
            counts.append(levels[at].start - 1 if at in levels else 0)
        del counts[depth + 1 :]
        counts[depth] += 1
        if level.form == "bullet":
            return _BULLET
        if level.form == "none":
            return ""
        return _SLOT.sub(lambda found: _slot(levels, counts, int(found.group(1)) - 1), level.pattern).strip()


def _levels(element: Any) -> dict[int, _Level]:
    found = {}
    for item in element.findall(f"{W}lvl"):
        depth = item.get(f"{W}ilvl", "")
        if depth.isdecimal():
            start = _value(item, "start")
            form, pattern = _value(item, "numFmt") or "decimal", _value(item, "lvlText")
            found[int(depth)] = _Level(form, pattern, int(start) if start.isdecimal() else 1)
    return found


def _overrides(number: Any, levels: dict[int, _Level]) -> bool:
    starts = False
    for item in number.findall(f"{W}lvlOverride"):
        depth, start = item.get(f"{W}ilvl", ""), _value(item, "startOverride")
        levels |= _levels(item)
        if depth.isdecimal() and start.isdecimal() and int(depth) in levels:
            level = levels[int(depth)]
            levels[int(depth)] = _Level(level.form, level.pattern, int(start))
            starts = True
    return starts


def _value(element: Any, name: str) -> str:
    child = element.find(f"{W}{name}")
    return "" if child is None else str(child.get(f"{W}val", ""))


def _slot(levels: dict[int, _Level], counts: list[int], depth: int) -> str:
    if depth >= len(counts):
        return ""
    form = levels[depth].form if depth in levels else "decimal"
    return _FORMS.get(form, str)(max(counts[depth], 1))


def chinese(number: int) -> str:
    """一, 十, 十一, 二十, 一百零一 for 1, 10, 11, 20, 101; below 1,000."""
    hundreds, rest = divmod(number % 1000, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "") or _DIGITS[0]


def _letters(number: int) -> str:
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _roman(number: int) -> str:
    text = ""
    for value, mark in _ROMAN:
        while number >= value:
            text, number = text + mark, number - value
    return text


def _circled(number: int) -> str:
    return chr(0x2460 + number - 1) if number <= 20 else str(number)


_FORMS: dict[str, Callable[[int], str]] = {
    "chineseCounting": chinese,
    "chineseCountingThousand": chinese,
    "chineseLegalSimplified": chinese,
    "taiwaneseCounting": chinese,
    "japaneseCounting": chinese,
    "ideographDigital": chinese,
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": lambda number: _roman(number % 1000),
    "upperRoman": lambda number: _roman(number % 1000).upper(),
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalZero": lambda number: f"{number:02d}",
}
