"""Why a search gave what it gave: every stage's score and rank, and what stood in the way of what was not found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.documents import DocumentKind, Evidence, Passage, Scope, SearchResult
from knowledge.retrieval.admission import Filter, Reason, Refusal
from knowledge.retrieval.products import Resolution
from knowledge.retrieval.ranking import Stages, is_countered

_FILTERED_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class StageScore:
    """What a stage gave a passage, and the place it had there, from 1; `rank` None: it adds, and does not rank."""

    score: float
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was looked at. `rank` from 1; of a filtered one, the place it would have had.

    `reasons`: why it was filtered out, or what lowered it; empty for one that simply ranks where it ranks.
    """

    passage: Passage
    rank: int
    score: float
    stages: Mapping[str, StageScore]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """One search laid open. `result` is what `search` gives for the same arguments.

    `found` are all candidates that may be shown, best first, those beyond `top_k` too; `filtered` those that would
    have stood among the first but may not be shown to this asker on this day.
    """

    question: str
    scope: Scope
    on: date
    top_k: int
    kinds: frozenset[DocumentKind] | None
    revision: int
    product_code: str | None
    candidates: tuple[str, ...]
    names_unknown_product: bool
    confidence: float
    threshold: float
    abstained: bool
    found: tuple[Candidate, ...]
    filtered: tuple[Candidate, ...]
    result: SearchResult


def found_candidates(evidence: Sequence[Evidence], stages: Stages, product: Resolution) -> tuple[Candidate, ...]:
    """Everything that may be shown, in its order, with what lowered it."""
    places = _places(stages)
    return tuple(
        Candidate(found.passage, rank, found.score, _stage_scores(found, places), _lowered_by(found, product))
        for rank, found in enumerate(evidence, start=1)
    )


def filtered_candidates(
    evidence: Sequence[Evidence], stages: Stages, allowed: Filter, top_k: int
) -> tuple[Candidate, ...]:
    """Of a ranking without filters, what stands before the `top_k`-th passage that may be shown and may not be."""
    filtered: list[Candidate] = []
    places, shown = _places(stages), 0
    for rank, found in enumerate(evidence, start=1):
        if shown >= top_k or len(filtered) >= _FILTERED_AT_MOST:
            break
        if reasons := allowed.reasons(found.passage):
            scores = _stage_scores(found, places)
            filtered.append(Candidate(found.passage, rank, found.score, scores, reasons))
        else:
            shown += 1
    return tuple(filtered)


def _places(stages: Stages) -> dict[str, dict[str, int]]:
    """Place from 1 by stage and passage; equal scores by id."""
    ordered = {stage: sorted(scores, key=lambda name: (-scores[name], name)) for stage, scores in stages.items()}
    return {stage: {name: place for place, name in enumerate(names, start=1)} for stage, names in ordered.items()}


def _stage_scores(found: Evidence, places: Mapping[str, Mapping[str, int]]) -> dict[str, StageScore]:
    name = found.passage.passage_id
    return {
        stage: StageScore(score, places[stage].get(name) if stage in places and stage != "counter" else None)
        for stage, score in found.scores.items()
        if stage != "confidence"
    }


def _lowered_by(found: Evidence, product: Resolution) -> tuple[Reason, ...]:
    code, reasons = found.passage.product_code, []
    if product.codes and code is not None and code not in product.codes:
        reasons.append(Reason(Refusal.OTHER_PRODUCT, code))
    if is_countered(found):
        reasons.append(Reason(Refusal.COUNTER_QUESTION))
    return tuple(reasons)
