"""How alike two short Chinese texts are, by character bigrams."""

from __future__ import annotations

import re
from functools import lru_cache

_SKIP = re.compile(r"[^\w]|_", re.UNICODE)


@lru_cache(maxsize=16_384)  # the same questions and turns are compared with every message
def bigrams(text: str) -> frozenset[str]:
    """Character bigrams of the letters and digits in `text`; single characters stand for texts of length 1."""
    letters = _SKIP.sub("", text.lower())
    return frozenset(letters[i : i + 2] for i in range(len(letters) - 1)) or frozenset(letters)


def likeness(one: str, other: str) -> float:
    """Dice coefficient over bigrams, 0 to 1."""
    left, right = bigrams(one), bigrams(other)
    if not left or not right:
        return 0.0
    return 2 * len(left & right) / (len(left) + len(right))


def coverage(part: str, whole: str) -> float:
    """Share of the bigrams of `part` that stand in `whole`, 0 to 1."""
    left = bigrams(part)
    return len(left & bigrams(whole)) / len(left) if left else 0.0
