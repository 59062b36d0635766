"""Comparing Chinese wordings: what holds what, which figures stand where, how much two texts share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

from evals.cases import Wording

_BLANK = re.compile(r"[\s\u3000]+")
_MARKS = re.compile(r"[\W_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_DECIMAL = re.compile(r"(?<![\d.])(\d+\.\d+)(?![\d.])")


def folded(text: str) -> str:
    """NFKC, lower case, without white space and without commas inside figures."""
    return _THOUSANDS.sub("", _BLANK.sub("", unicodedata.normalize("NFKC", text).lower()))


def holds(text: str, part: str) -> bool:
    """Whether `part` stands in `text`, however it is spaced and whatever the width of its characters."""
    return folded(part) in folded(text)


def first_held(text: str, wording: Wording) -> str | None:
    """The first of the wordings that stands in `text`."""
    return next((one for one in wording.any if holds(text, one)), None)


def rates(text: str) -> set[Decimal]:
    """Every percentage and every decimal figure, as numbers: `1.10%` and `1.1 %` are the same."""
    plain = folded(text)
    return {Decimal(found).normalize() for pattern in (_RATE, _DECIMAL) for found in pattern.findall(plain)}


def figure_stands(text: str, figure: str) -> bool:
    """Whether a figure stands in `text`: rates by value, anything else by its characters."""
    wanted = rates(figure)
    return wanted <= rates(text) if wanted else holds(text, figure)


def plain(text: str) -> str:
    """Letters and digits only."""
    return _MARKS.sub("", folded(text))


def grams(text: str, size: int) -> set[str]:
    """Runs of `size` characters of the plain text."""
    letters = plain(text)
    return {letters[at : at + size] for at in range(len(letters) - size + 1)}


def containment(one: str, other: str, *, size: int = 4) -> float:
    """Share of the shorter text's runs that stand in the longer one, 0 to 1; 0 when either is shorter than a run."""
    left, right = grams(one, size), grams(other, size)
    least = min(len(left), len(right))
    return len(left & right) / least if least else 0.0


def longest_shared_run(one: str, other: str) -> int:
    """Characters of the longest run that both plain texts have."""
    left, right = plain(one), plain(other)
    row, longest = [0] * (len(right) + 1), 0
    for character in left:
        above = row
        row = [0] * (len(right) + 1)
        for at, theirs in enumerate(right, start=1):
            if character == theirs:
                row[at] = above[at - 1] + 1
                longest = max(longest, row[at])
    return longest


def without(texts: Iterable[str], clauses: Sequence[str]) -> list[str]:
    """The texts without clauses that the rules prescribe."""
    kept = []
    for text in texts:
        for clause in clauses:
            text = text.replace(clause, "")
        kept.append(text)
    return kept
