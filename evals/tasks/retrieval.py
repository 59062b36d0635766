"""Retrieval: does the right passage of the right version come first, and is silence kept when nothing answers?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evals.cases import Label, RetrievalCase
from evals.house import House
from evals.metrics import ndcg, recall, reciprocal_rank
from evals.scores import Score
from evals.wording import holds
from knowledge.documents import Evidence, Scope

DEPTH = 10
FIRST = 5
NEAR_MISS, UNANSWERABLE = "near_miss", "unanswerable"


def run(house: House, case: RetrievalCase) -> dict[str, Any]:
    """What the product's one search finds, and whether each version may be shown at all, by the database's word."""
    scope = house.scope(case.userid)
    asked = house.asking.in_context(case.question, case.context, scope=scope, on=case.on)
    found = house.retriever.search(asked, scope=scope, on=case.on, top_k=DEPTH)
    return {
        "abstained": found.abstained,
        "product": found.product_code,
        "candidates": list(found.candidates),
        "evidence": [_shown(house, case, scope, evidence) for evidence in found.evidence],
    }


def _shown(house: House, case: RetrievalCase, scope: Scope, evidence: Evidence) -> dict[str, Any]:
    passage = evidence.passage
    version = house.versions.get(passage.version_id)
    return {
        "document": passage.document_id,
        "version": passage.version_id,
        "kind": str(passage.kind),
        "title": passage.title,
        "text": passage.text,
        "score": round(evidence.score, 6),
        "in_force": version is not None and version.in_force_on(case.on),
        "in_scope": version is not None and scope.admits(version),
    }


def rank(case: RetrievalCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """nDCG@10, recall@5, MRR@10 over the labelled passages; only where something answers.

    Recall counts every label, also those that say the same; `answer@5` is whether one of the best is there.
    """
    if not case.relevant:
        return
    ranking = labelled(case.relevant, output["evidence"])
    grades = {str(number): label.grade for number, label in enumerate(case.relevant)}
    missing = [label.document for n, label in enumerate(case.relevant) if str(n) not in ranking[:FIRST]]
    yield Score("ndcg@10", ndcg(ranking, grades, at=DEPTH))
    yield Score("recall@5", recall(ranking, grades, at=FIRST), f"not among 5: {', '.join(missing)}" if missing else "")
    yield Score("mrr@10", reciprocal_rank(ranking, grades, at=DEPTH))
    best = {name for name, grade in grades.items() if grade == max(grades.values())}
    yield Score("answer@5", float(bool(best & set(ranking[:FIRST]))))


def labelled(labels: Sequence[Label], evidence: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ranking in terms of labels: each label's number where a passage first meets it, else a name of its own.

    A passage stands for the best label that it meets and that none before it stood for.
    """
    open_labels = sorted(range(len(labels)), key=lambda number: -labels[number].grade)
    ranking = []
    for place, passage in enumerate(evidence):
        met = next((number for number in open_labels if meets(labels[number], passage)), None)
        if met is not None:
            open_labels.remove(met)
        ranking.append(f"other-{place}" if met is None else str(met))
    return ranking


def meets(label: Label, passage: Mapping[str, Any]) -> bool:
    """Whether a passage is of the label's document and says what the label wants."""
    return passage["document"] == label.document and (label.says is None or holds(passage["text"], label.says))


def forbidden(case: RetrievalCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Passages that may never be shown (stale, foreign) among ten, and those that this question must not meet."""
    shown = output["evidence"]
    stale = [passage["version"] for passage in shown if not passage["in_force"]]
    foreign = [passage["version"] for passage in shown if not passage["in_scope"]]
    yield Score("stale", float(bool(stale)), ", ".join(stale))
    yield Score("foreign", float(bool(foreign)), ", ".join(foreign))
    if case.must_not and NEAR_MISS not in case.slices:
        hit = [p["version"] for p in shown[:FIRST] if _named(p, case.must_not)]
        yield Score("must_not@5", float(bool(hit)), ", ".join(hit))


def near_miss(case: RetrievalCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The right one of two that look alike stands before the wrong one, and among the first five."""
    if NEAR_MISS not in case.slices or not case.relevant:
        return
    shown = output["evidence"]
    right = next((n for n, p in enumerate(shown) if any(meets(label, p) for label in case.relevant)), DEPTH)
    wrong = next((n for n, p in enumerate(shown) if _named(p, case.must_not)), DEPTH)
    reason = "" if right < wrong else f"right one at {right + 1}, wrong one at {wrong + 1}"
    yield Score("near_miss_first", float(right < wrong and right < FIRST), reason)


def abstention(case: RetrievalCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Recall over what nothing answers; precision over all times that the search said it was not sure."""
    unanswerable, abstained = not case.relevant, bool(output["abstained"])
    if unanswerable:
        yield Score("abstain_recall", float(abstained), "" if abstained else "answered what nothing answers")
    if abstained:
        yield Score("abstain_precision", float(unanswerable), "" if unanswerable else "kept silent beside an answer")


def _named(passage: Mapping[str, Any], ids: Sequence[str]) -> bool:
    return passage["document"] in ids or passage["version"] in ids


def expected(case: RetrievalCase) -> Iterator[tuple[str, Any]]:
    """For the report."""
    yield "relevant", [label.model_dump() for label in case.relevant]
    yield "must_not", list(case.must_not)


SCORERS = (rank, forbidden, near_miss, abstention)
