"""Which days a message speaks of, counted from the day on which it is said: 上个月, 今年3月, 下周二, 大后天.

One span or none: a length of time (三个月, 90天) is no day, and neither is a day without a beginning (最近).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from assistant.reading import fold
from assistant.wording import load_toml

_NUMERALS = {n: v for v, n in enumerate("〇一二三四五六七八九十", start=0)} | {"十一": 11, "十二": 12, "两": 2, "零": 0}


@dataclass(frozen=True, slots=True)
class Days:
    """From `since` to `until`, exclusive."""

    since: date
    until: date


def spoken_days(text: str, *, on: date) -> Days | None:
    """The days that `text` speaks of, None when it names none; the first of several that are equally exact."""
    words = fold(text)
    for kind, read in _READERS.items():
        for pattern in load_toml("days.zh")[kind]:
            found = re.search(pattern, words)
            if found and (days := read(found, on)):
                return days
    return None


def _year_of(word: str, on: date) -> int:
    if word.isdigit():
        return int(word) if len(word) == 4 else 2000 + int(word)
    return on.year + int(load_toml("days.zh")["years"].get(word, 0))


def _number(word: str) -> int:
    return int(word) if word.isdigit() else _NUMERALS.get(word, 0)


def _month(year: int, month: int) -> Days:
    until = date(year + month // 12, month % 12 + 1, 1)
    return Days(date(year, month, 1), until)


def _day(found: re.Match[str], on: date) -> Days | None:
    year = _year_of(found["year"] or "", on)
    try:
        day = date(year, _number(found["month"]), _number(found["day"]))
    except ValueError:
        return None
    return Days(day, day + timedelta(days=1))


def _month_of_year(found: re.Match[str], on: date) -> Days | None:
    month = _number(found["month"])
    return _month(_year_of(found["year"] or "", on), month) if 1 <= month <= 12 else None


def _whole_year(found: re.Match[str], on: date) -> Days:
    year = _year_of(found["year"], on)
    return Days(date(year, 1, 1), date(year + 1, 1, 1))


def _counted_month(found: re.Match[str], on: date) -> Days:
    months = on.year * 12 + on.month - 1 + int(load_toml("days.zh")["months"][found["which"]])
    return _month(months // 12, months % 12 + 1)


def _counted_day(found: re.Match[str], on: date) -> Days:
    day = on + timedelta(days=int(load_toml("days.zh")["day_words"][found["which"]]))
    return Days(day, day + timedelta(days=1))


def _week(found: re.Match[str], on: date) -> Days:
    monday = on - timedelta(days=on.weekday()) + timedelta(weeks=int(load_toml("days.zh")["weeks"][found["which"]]))
    if not found["weekday"]:
        return Days(monday, monday + timedelta(days=7))
    day = monday + timedelta(days="一二三四五六日".index(found["weekday"].replace("天", "日")))
    return Days(day, day + timedelta(days=1))


def _rest_of(found: re.Match[str], on: date) -> Days:
    whole = _month(on.year, on.month) if "月" in found.group() else Days(on, date(on.year + 1, 1, 1))
    return Days(on, whole.until)


_READERS: dict[str, Callable[[re.Match[str], date], Days | None]] = {
    "day": _day,
    "month_of_year": _month_of_year,
    "week": _week,
    "counted_day": _counted_day,
    "counted_month": _counted_month,
    "rest": _rest_of,
    "whole_year": _whole_year,
}
