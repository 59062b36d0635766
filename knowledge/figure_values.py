"""Money, shares, periods, risk levels and settlement days as texts write them, in one unit each."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parents[1] / "prompts" / "figures.zh.toml"
_NUMBER = r"(?<![\d.,])(?P<number>\d[\d,]*(?:\.\d+)?|[一二两三四五六七八九十百千零〇]{1,7})"
DURATION = re.compile(_NUMBER + r"\s*(?P<unit>天|日|个月|月|年|周)(?![份年])")
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_UNITS = {"": Decimal(1), "百": Decimal(100), "千": Decimal(1000), "万": Decimal(10_000), "亿": Decimal(100_000_000)}
_PERCENT_UNITS = {"%": Decimal(1), "‰": Decimal("0.1")}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in one unit of its dimension: money in units of a currency, percent, days, months, level, T+ days."""

    dimension: str
    amount: Decimal

    def contradicts(self, other: Figure) -> bool:
        """Whether both cannot be true; figures that cannot be compared (90 days, 3 months) do not contradict."""
        if not self.amount or not other.amount:
            return self.amount != other.amount
        return self.dimension == other.dimension and self.amount != other.amount


@cache
def figure_words() -> Mapping[str, Any]:
    """The whole of prompts/figures.zh.toml; shared, so treat it as read-only."""
    with _FILE.open("rb") as file:
        return tomllib.load(file)


def figures_in(text: str, kind: str) -> Iterator[tuple[Figure, str, int, int]]:
    """(figure, as written, start, end) of every figure of this kind, in order; `fee`: a share or a sum."""
    found = []
    for each in {"fee": ("percent", "money")}.get(kind, (kind,)):
        for match in _PATTERNS[each].finditer(text):
            figure = _READERS[each](match)
            if figure is not None:
                found.append((figure, match.group().strip(), match.start(), match.end()))
    return iter(sorted(found, key=lambda item: item[2]))


def _money(match: re.Match[str]) -> Figure | None:
    number = _number(match["number"])
    currency = next((code for code, names in figure_words()["currencies"].items() if match["currency"] in names), "CNY")
    return None if number is None else Figure(currency, number * _UNITS[match["unit"] or ""])


def _percent(match: re.Match[str]) -> Figure | None:
    number = _number(match["number"])
    unit = match["unit"].lower()
    scale = _PERCENT_UNITS.get(unit, Decimal("0.01"))
    return None if number is None else Figure("%", number * scale)


def duration(match: re.Match[str]) -> Figure | None:
    """A match of DURATION as days or months; None for what is none, like a calendar year."""
    number, unit = _number(match["number"]), match["unit"]
    if number is None or (number > 1000 and unit == "年") or (unit == "年" and number > 100):
        return None
    if unit in ("天", "日"):
        return Figure("天", number)
    if unit == "周":
        return Figure("天", number * 7)
    return Figure("月", number * 12 if unit == "年" else number)


def _level(match: re.Match[str]) -> Figure:
    return Figure("R", Decimal(match["number"]))


def _settlement(match: re.Match[str]) -> Figure:
    return Figure("T+", Decimal(match["number"]))


_PATTERNS = {
    "money": re.compile(
        _NUMBER + r"\s*(?P<unit>[亿万千百])?\s*(?P<currency>元|块|美元|美金|港元|港币|欧元|英镑|日元|澳元|USD|HKD|EUR)"
        r"|(?<![\d.])(?P<number_>\d[\d,]*(?:\.\d+)?)\s*(?P<unit_>[亿万])(?=起|即可|就)"
    ),
    "percent": re.compile(_NUMBER + r"\s*(?P<unit>%|‰|BP|bp|Bp|个?基点)"),
    "duration": DURATION,
    "level": re.compile(r"(?<![A-Za-z0-9])P?[Rr]\s?(?P<number>[1-5])(?![\d.])"),
    "settlement": re.compile(r"(?<![A-Za-z])[Tt]\s*\+\s*(?P<number>\d)(?!\d)"),
}
_READERS: Mapping[str, Any] = {
    "money": lambda match: _money(match) if match["number"] else _bare_money(match),
    "percent": _percent,
    "duration": duration,
    "level": _level,
    "settlement": _settlement,
}


def _bare_money(match: re.Match[str]) -> Figure | None:
    number = _number(match["number_"])
    return None if number is None else Figure("CNY", number * _UNITS[match["unit_"]])


def _number(text: str) -> Decimal | None:
    """The value of a figure or a Chinese numeral; None for what is no number, like 一九."""
    plain = text.replace(",", "")
    if plain[:1].isdigit():
        return Decimal(plain) if len(plain) <= 18 else None
    total = digit = 0
    for at, char in enumerate(text):
        if char in _SCALES:
            total += (digit or (0 if at else 1) or 1) * _SCALES[char]
            digit = 0
        elif digit and char != "零":
            return None
        else:
            digit = _DIGITS.get(char, 0)
    return Decimal(total + digit)
