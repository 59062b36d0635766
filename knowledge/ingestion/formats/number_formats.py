"""Values of a workbook as people see them: percent, thousands, decimals, dates, amounts in 万."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from knowledge.ingestion.characters import repaired

_DECIMALS = re.compile(r"\.([0#?]+)")
_QUOTED = re.compile(r'"([^"]*)"|\\(.)|_.|\*.')
_TEN_THOUSANDS = re.compile(r"[!\\]\.(0+),")  # 0!.0,"万" shows 123456 as 12.3万
_BRACKETS = re.compile(r"\[[^\]]*\]")


def shown(value: Any, number_format: str) -> str:
    """The text of a cell. `number_format` is Excel's, e.g. `0.00%`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return _number(value, number_format or "General")
    return repaired(str(value)).strip()


def shows_nothing(number_format: str) -> bool:
    """Whether a format such as `;;;` hides every value."""
    return number_format.strip().startswith(";;") and not number_format.strip(" ;")


def _number(value: float, number_format: str) -> str:
    positive = _BRACKETS.sub("", number_format).split(";")[0]
    pattern = _QUOTED.sub("", positive)
    if ("0" not in pattern and "#" not in pattern) or "E+" in pattern:
        return f"{value:.12g}" if isinstance(value, float) else str(value)
    tail = "".join(
        found.group(1) or found.group(2) or "" for found in _QUOTED.finditer(positive[positive.rfind("0") :])
    )
    try:
        return (_in_ten_thousands(value, positive) or _rounded(value, pattern)) + tail.strip()
    except InvalidOperation:  # too long, or not a number at all
        return f"{value:.12g}"


def _in_ten_thousands(value: float, positive: str) -> str:
    found = _TEN_THOUSANDS.search(positive)
    if not found:
        return ""
    thousands = (Decimal(repr(value)) / 1000).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{thousands.scaleb(-len(found.group(1))):f}"


def _rounded(value: float, pattern: str) -> str:
    found = _DECIMALS.search(pattern)
    most = len(found.group(1)) if found else 0
    least = found.group(1).count("0") if found else 0
    percent = "%" in pattern
    scaled = Decimal(repr(value)) * 100 if percent else Decimal(repr(value))
    exact = scaled.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP)
    text = f"{exact:,f}" if "," in pattern else f"{exact:f}"
    if "." in text and most > least:
        whole, _, decimals = text.partition(".")
        decimals = decimals[:least] + decimals[least:].rstrip("0")
        text = f"{whole}.{decimals}" if decimals else whole
    return f"{text}%" if percent else text
