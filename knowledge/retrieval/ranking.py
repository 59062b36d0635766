"""From what the stages found to one order: fused, then raised or lowered for reasons that are shown as scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from knowledge.documents import Evidence, Passage
from knowledge.retrieval.admission import is_addressed
from knowledge.retrieval.fusion import weighted
from knowledge.retrieval.products import Resolution

Stages = Mapping[str, Mapping[str, float]]  # stage -> passage id -> score, larger is better


@dataclass(frozen=True, slots=True)
class StageWeights:
    """Shares of the stages in the fused score (0 to 1), and what else adds to it.

    `same_question` is added in full for a known question worded as this one is, in part from `alike` (cosine) on.
    `counter_question` outweighs everything else together: the passage says itself that it does not answer this.
    `addressed` lets the asker's own branch, role or line go before the same words for everybody.
    """

    text: float = 0.7
    dense: float = 0.3
    same_question: float = 0.3
    same_product: float = 0.5
    other_product: float = -0.5
    counter_question: float = -3.0
    addressed: float = 0.1
    alike: float = 0.85

    @property
    def shares(self) -> dict[str, float]:
        """Shares by stage name."""
        return {"text": self.text, "dense": self.dense}


def ranked(
    stages: Stages, passage_of: Callable[[str], Passage], product: Resolution, weights: StageWeights
) -> list[Evidence]:
    """Every candidate of the stages, best first, ties by id; the scores of all stages stand in each."""
    fused = weighted(stages, weights.shares)
    found = [_evidence(passage_of(name), score, stages, product, weights) for name, score in fused]
    return sorted(found, key=lambda evidence: (-evidence.score, evidence.passage.passage_id))


def is_countered(evidence: Evidence) -> bool:
    """Whether the question is one that the passage is known not to answer."""
    return "counter" in evidence.scores


def _evidence(passage: Passage, fused: float, stages: Stages, product: Resolution, weights: StageWeights) -> Evidence:
    name = passage.passage_id
    scores = {stage: found[name] for stage, found in stages.items() if name in found and stage != "counter"}
    effects = {"fused": fused, "product": _product_score(passage, product, weights)}
    if is_addressed(passage):
        effects["addressed"] = weights.addressed
    if (nearness := stages.get("counter", {}).get(name)) is not None:
        effects["counter"] = weights.counter_question * nearness
    scores |= effects
    return Evidence(passage, sum(effects.values()) + _question_score(scores, weights), scores)


def _question_score(scores: Mapping[str, float], weights: StageWeights) -> float:
    alike = weights.alike
    return weights.same_question * max(0.0, (scores.get("question", alike) - alike) / (1 - alike))


def _product_score(passage: Passage, product: Resolution, weights: StageWeights) -> float:
    meant = product.codes
    if not meant or passage.product_code is None:
        return 0.0
    return weights.same_product if passage.product_code in meant else weights.other_product
