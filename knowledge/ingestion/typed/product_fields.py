"""From a value as printed to a field of a product sheet; what cannot be read for certain stays out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from knowledge.ingestion.wording import words

_EMPTY = re.compile(r"^[\s\-—–/／\\无暂]*$|^(?:无|暂无|不适用|n/?a|null|none)$", re.I)
_LEVEL = re.compile(r"(?<![A-Za-z0-9])(?:PR|R)\s*([1-5])(?!\d)", re.I)
_DAYS = re.compile(r"(\d+)\s*(?:天|日|个自然日|自然日)")
_AMOUNT = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*(亿|万|千)?\s*(?:元|人民币|美元|港元|欧元|份)?")
_UNIT = re.compile(r"[（(【\[](?:单位[:：])?\s*([%‰]|[亿万千百]?(?:元|份|美元)|天|日|个?月|年)\s*[)）】\]]")
_BARE = re.compile(r"^\s*[\d,]+(?:\.\d+)?\s*$")
_DAY = re.compile(r"(\d{4})\s*[-年./]\s*(\d{1,2})\s*[-月./]\s*(\d{1,2})")
_UNITS = {"亿": Decimal(100_000_000), "万": Decimal(10_000), "千": Decimal(1_000), None: Decimal(1)}
_PARTS = re.compile(r"[\n；;]+")
_NAMES = re.compile(r"[、,，/\s；;]+")


def put(data: dict[str, Any], name: str, label: str, text: str) -> bool:
    """Put one printed value into a partial sheet; whether it could be read."""
    if _EMPTY.match(text):
        return False
    text = _with_unit(label, text)
    if name == "fees":
        data.setdefault("fees", []).append({"name": _fee_name(label), "rate": text})
    elif name == "rates":
        data.setdefault("rates", []).append({"name": label, "rate": text})
    elif name in _PLACES:
        part, key = _PLACES[name]
        value = _day(text) if key == "as_of" else text
        if value is None:
            return False
        data.setdefault(part, {})[key] = value
    elif name in _LISTS:
        data.setdefault(name, []).extend(part.strip() for part in _PARTS.split(text) if part.strip())
    else:
        value = _READERS.get(name, _as_printed)(text)
        if value is None:
            return False
        data[name] = value
    return True


def _with_unit(label: str, text: str) -> str:
    """A bare figure takes the unit that stands in its label: 起购金额（万元） over 1 is 1万元."""
    unit = _UNIT.search(label)
    return f"{text}{unit.group(1)}" if unit and _BARE.match(text) else text


def _as_printed(text: str) -> str | None:
    return text


def _risk_level(text: str) -> str | None:
    levels = {f"R{digit}" for digit in _LEVEL.findall(text)}
    if not levels:
        plain = text.replace("风险", "").replace("等级", "").strip()
        levels = {level for level, names in words("risk_words").items() if plain in names}
    return levels.pop() if len(levels) == 1 else None


def _term(text: str) -> dict[str, Any]:
    days = {int(found) for found in _DAYS.findall(text)}
    return {"text": text, "days": days.pop() if len(days) == 1 else None}


def _minimum(text: str) -> dict[str, Any]:
    found = {_amount(number, unit) for number, unit in _AMOUNT.findall(text)} - {None}
    amount = found.pop() if len(found) == 1 else None
    currency = next((code for code, names in words("currency_words").items() if any(n in text for n in names)), "CNY")
    return {"text": text, "amount": str(amount) if amount is not None else None, "currency": currency}


def _amount(number: str, unit: str) -> Decimal | None:
    try:
        amount = Decimal(number.replace(",", "")) * _UNITS[unit or None]
    except InvalidOperation:
        return None
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount


def _day(text: str) -> str | None:
    found = _DAY.search(text)
    try:
        return date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None


def _one_of(table: str) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        found = [value for value, names in words(table).items() if any(name in text for name in names)]
        return found[0] if len(found) == 1 else None

    return read


def _nicknames(text: str) -> list[str]:
    return [name for name in _NAMES.split(text) if name]


def _currency(text: str) -> str | None:
    return next((code for code, names in words("currency_words").items() if text in (code, *names)), None)


def _fee_name(label: str) -> str:
    return label.removesuffix("率") if label.endswith("费率") and label != "费率" else label


_READERS: dict[str, Callable[[str], Any]] = {
    "risk_level": _risk_level,
    "term": _term,
    "minimum": _minimum,
    "product_kind": _one_of("product_kind_words"),
    "sold_as": _one_of("sold_as_words"),
    "nicknames": _nicknames,
    "currency": _currency,
    "effective_from": _day,
    "effective_until": _day,
}
_LISTS = frozenset({"limits", "selling_points", "success_stories", "fit", "unfit", "risks", "must_say"})
_PLACES = {
    "benchmark": ("benchmark", "text"),
    "benchmark_basis": ("benchmark", "basis"),
    "benchmark_as_of": ("benchmark", "as_of"),
    "benchmark_statement": ("benchmark", "statement"),
    "redemption": ("redemption", "text"),
    "early": ("redemption", "early"),
    "past_performance": ("past_performance", "text"),
    "past_interval": ("past_performance", "interval"),
    "past_source": ("past_performance", "source"),
}
