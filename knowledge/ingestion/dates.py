"""Since when and until when a document says that it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

_DAY = r"(\d{4})\s*[-年./]\s*(\d{1,2})\s*[-月./]\s*(\d{1,2})(?!\d)"
_EFFECT = r"\s*日?\s*起\s*(?:正式)?(?:施行|实施|执行|生效)"
_MARKS = r"[*\s]*[:：][*\s]*"
_FROM = re.compile(rf"(?:生效|施行|实施|执行|启用)(?:日期|时间|日)?{_MARKS}{_DAY}")
_SINCE = re.compile(rf"自\s*{_DAY}\s*日?\s*起\s*(?:正式)?(?:施行|实施|执行|生效)")
_UNTIL = re.compile(rf"(?:失效|废止|终止|停用)(?:日期|时间|日)?{_MARKS}{_DAY}")
_LAST_DAY = re.compile(rf"有效期?(?:截止)?至(?:{_MARKS})?\s*{_DAY}")
_REPEALED = re.compile(rf"已(?:于|自)\s*{_DAY}\s*日?\s*(?:起\s*)?(?:废止|失效|停止(?:执行|施行|使用))")
_IN_FORCE = re.compile(rf"(?:本[\w（）()]{{1,12}}|现予公布，?)\s*自\s*{_DAY}{_EFFECT}")
_OPENING = 1000


def stated_in_front_matter(front: Mapping[str, Any], *endings: str) -> date | None:
    """The first date whose key begins with `effective` or `expir` and has one of these words in it."""
    for key, value in front.items():
        if str(key).startswith(("effective", "expir")) and any(ending in str(key) for ending in endings):
            try:
                return date.fromisoformat(str(value))
            except ValueError:
                continue
    return None


def stated_in_opening(text: str) -> tuple[date | None, date | None]:
    """(first day, day from which it no longer holds) as labelled in a document's first lines.

    「有效期至」 names the last day, 「失效日期」 the first day without; both give the latter.
    """
    opening = text[:_OPENING]
    until = _found(_UNTIL, opening)
    if until is None:
        last = _found(_LAST_DAY, opening)
        until = last + timedelta(days=1) if last else None
    until = until or _found(_REPEALED, opening)
    return _found(_FROM, opening) or _found(_SINCE, opening), until


def stated_in_articles(text: str) -> date | None:
    """The first day that a regulation itself gives (本办法自2026年1月1日起施行); the last such sentence counts."""
    days = [day for found in _IN_FORCE.finditer(text) if (day := _day(found.groups()))]
    return days[-1] if days else None


def _found(pattern: re.Pattern[str], text: str) -> date | None:
    return next((day for found in pattern.finditer(text) if (day := _day(found.groups()))), None)


def _day(parts: tuple[str, ...]) -> date | None:
    try:
        return date(*map(int, parts))
    except ValueError:
        return None
