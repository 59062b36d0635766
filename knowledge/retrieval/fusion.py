"""Merging the rankings of several stages into one; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def reciprocal_rank(rankings: Sequence[Sequence[str]], *, k: int = 60) -> list[tuple[str, float]]:
    """Merge ranked lists by reciprocal rank fusion.

    Args:
        rankings: one list of ids per stage, best first; lengths may differ, ids are unique in a list.
        k: rank offset, unitless; larger values flatten the head.
    Returns: (id, score), best first, ties in first-seen order; 0 < score <= len(rankings) / (k + 1).
    Raises: ValueError when k is below 1.
    Source: Cormack, Clarke and Büttcher, SIGIR 2009, which also gives k = 60.
    """
    if k < 1:
        raise ValueError("k must be at least 1")
    totals: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            totals[name] = totals.get(name, 0.0) + 1 / (k + rank)
    return sorted(totals.items(), key=lambda pair: -pair[1])


def scaled(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores of one stage divided by its best, so that stages of different units can be added; <= 0 becomes 0."""
    best = max(scores.values(), default=0.0)
    return {name: max(score, 0.0) / best if best > 0 else 0.0 for name, score in scores.items()}


def weighted(stages: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]) -> list[tuple[str, float]]:
    """Add the scaled scores of all stages by weight; an id that a stage did not find has 0 there.

    Returns: (id, score), best first, ties by id; 0 <= score <= 1, a share of the weights of stages that found anything.
    """
    live = {stage: scaled(scores) for stage, scores in stages.items() if scores and weights.get(stage, 0) > 0}
    whole = sum(weights[stage] for stage in live)
    totals: dict[str, float] = {}
    for stage, scores in live.items():
        for name, score in scores.items():
            totals[name] = totals.get(name, 0.0) + score * weights[stage] / whole
    return sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
