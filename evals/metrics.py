"""Rank metrics as trec_eval defines them: linear gain, log2 discount, over the judged queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], *, at: int) -> float:
    """Normalised discounted cumulative gain of the first `at` ids.

    Args:
        ranking: ids, best first, each once.
        grades: relevance by id; absent or <= 0: not relevant.
    Returns: 0 to 1; 0 when nothing is relevant.
    """
    ideal = _gain(sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:at])
    return _gain([max(grades.get(name, 0), 0) for name in ranking[:at]]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def recall(ranking: Sequence[str], grades: Mapping[str, int], *, at: int) -> float:
    """Share of the relevant ids that stand among the first `at`; 0 when nothing is relevant."""
    relevant = {name for name, grade in grades.items() if grade > 0}
    return len(relevant & set(ranking[:at])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int], *, at: int) -> float:
    """One over the rank of the first relevant id among the first `at`; 0 when there is none."""
    ranks = (rank for rank, name in enumerate(ranking[:at], start=1) if grades.get(name, 0) > 0)
    return next((1 / rank for rank in ranks), 0.0)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed; 0 for no values."""
    ordered = sorted(values)
    rank = max(1, -int(-share * len(ordered) // 1))
    return ordered[rank - 1] if ordered else 0.0
