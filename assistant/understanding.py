"""Understands a customer's words: which situation, which attributes of a product, how much money for how long.

Words that point to a situation or an attribute are data: prompts/situations.zh.toml and prompts/attributes.zh.toml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from assistant.reading import fold
from assistant.wording import load_toml

STRONG_CUE = 3.0
WEAK_CUE = 1.0
CHINESE_DIGITS = {**{digit: value for value, digit in enumerate("零一二三四五六七八九十")}, "两": 2, "半": 0.5}
UNITS = {"千": 1_000, "万": 10_000, "w": 10_000, "W": 10_000, "亿": 100_000_000, "十万": 100_000, "百万": 1_000_000}
_SAVING = re.compile(r"存(?!单|折)|定期|存款|死期")


@dataclass(frozen=True, slots=True)
class Situation:
    """One kind of customer message. `acknowledge`: the feeling comes first; `selling`: a product may be offered."""

    code: str
    title: str
    acknowledge: bool = False
    selling: bool = True


@dataclass(frozen=True, slots=True)
class Understanding:
    """A customer's words, understood. `situations` by falling score; `attributes` in the order people mention them."""

    words: str
    situations: tuple[tuple[str, float], ...]
    attributes: tuple[str, ...]
    amount: Decimal | None = None
    term: str | None = None

    @property
    def asks_deposit_interest(self) -> bool:
        """Whether the words ask what a sum or a term earns when it is saved, without naming a product."""
        return self.term is not None and "rate" in self.attributes and bool(_SAVING.search(self.words))

    @property
    def situation(self) -> str | None:
        """The likeliest situation, None when no cue was found."""
        return self.situations[0][0] if self.situations else None


@cache
def situations() -> Mapping[str, Situation]:
    """All situations by code."""
    return {
        code: Situation(code, entry["title"], entry.get("acknowledge", False), entry.get("selling", True))
        for code, entry in load_toml("situations.zh").items()
    }


@cache
def _cues() -> tuple[tuple[str, re.Pattern[str], float], ...]:
    cues: list[tuple[str, re.Pattern[str], float]] = []
    for code, entry in load_toml("situations.zh").items():
        for cue in entry["cues"]:
            strong = cue.startswith("!")
            cues.append((code, re.compile(cue.removeprefix("!"), re.IGNORECASE), STRONG_CUE if strong else WEAK_CUE))
    return tuple(cues)


@cache
def _attributes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    table: dict[str, Any] = load_toml("attributes.zh")
    return tuple((name, re.compile("|".join(f"(?:{cue})" for cue in cues))) for name, cues in table.items())


def score_situations(words: str) -> dict[str, float]:
    """Score of each situation that has a cue in `words`; larger is likelier, unitless."""
    scores: dict[str, float] = {}
    for code, pattern, weight in _cues():
        if pattern.search(words):
            scores[code] = scores.get(code, 0.0) + weight
    return scores


def attributes_in(words: str) -> tuple[str, ...]:
    """Attributes of a product that `words` ask about, in order of mention."""
    found = [(match.start(), name) for name, pattern in _attributes() if (match := pattern.search(words))]
    return tuple(name for _, name in sorted(found))


_AMOUNT = re.compile(r"(\d+(?:\.\d+)?|[零一二两三四五六七八九十半]+)\s*(百万|十万|万|w|W|千|亿)?\s*(?:元|块)?(?:钱)?")
_TERM = re.compile(r"(\d+|[一二两三四五六七八九十半]+)\s*(年|个月|月|天|日)")


def _number(text: str) -> Decimal:
    if text[0].isdigit():
        return Decimal(text)
    total = Decimal(0)
    for digit in text:
        value = Decimal(str(CHINESE_DIGITS[digit]))
        total = (total or Decimal(1)) * value if digit == "十" else total + value
    return total


def amount_in(words: str) -> Decimal | None:
    """The sum of money named in `words`, in yuan: 「10万」 is 100000; None when none is named with its unit."""
    for found in _AMOUNT.finditer(words):
        number, unit = found.groups()
        if unit:
            return _number(number) * UNITS[unit]
    return None


def term_in(words: str) -> str | None:
    """The term named in `words`, normalised: `3年`, `6个月`, `90天`; None when none is named."""
    found = _TERM.search(words)
    if not found:
        return None
    number, unit = _number(found.group(1)), found.group(2)
    if unit == "年" and number == Decimal("0.5"):
        return "6个月"
    return f"{number.normalize():f}{ {'月': '个月', '日': '天'}.get(unit, unit) }"


def understand(text: str) -> Understanding:
    """Understand a customer's (or about a customer's) words; `text` as typed."""
    words = fold(text)
    scores = score_situations(words)
    ordered = tuple(sorted(scores.items(), key=lambda item: -item[1]))
    return Understanding(words, ordered, attributes_in(words), amount_in(words), term_in(words))
