"""The one search: chat, console, command line, harness and the doors for other assistants all come here.

scope and date filters -> product named -> lexical text, known questions, vectors -> fused
-> passages of that product preferred, counter-questions heeded -> reranked, where a model is set -> confidence
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from knowledge.documents import DocumentKind, Evidence, Passage, Scope, SearchResult
from knowledge.errors import IndexUnavailable
from knowledge.retrieval.admission import Filter
from knowledge.retrieval.confidence import THRESHOLD, coverage
from knowledge.retrieval.dense import DenseStages, countered
from knowledge.retrieval.embedding import Embedder, load_embedder
from knowledge.retrieval.explanation import Explanation, filtered_candidates, found_candidates
from knowledge.retrieval.following import Follower, Status
from knowledge.retrieval.products import Resolution
from knowledge.retrieval.ranking import StageWeights, is_countered, ranked
from knowledge.retrieval.reranking import STAGE as RERANK
from knowledge.retrieval.reranking import Reranking
from knowledge.retrieval.snapshot import Snapshot
from knowledge.retrieval.source import PassageSource
from knowledge.retrieval.vectors import ExactVectors, VectorIndex

__all__ = ["KnowledgeRetriever", "PassageSource", "StageWeights", "Status"]

log = logging.getLogger(__name__)

_DEPTH = 50  # candidates per stage, at least
_Stages = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class _Looked:
    """One search with everything that an explanation needs; `evidence` has all candidates, best first."""

    snapshot: Snapshot
    allowed: Filter
    product: Resolution
    stages: _Stages
    evidence: Sequence[Evidence]
    confidence: float
    depth: int


class KnowledgeRetriever:
    """Finds evidence for a question. Safe to call from many threads; follows the database by its revision number.

    Without `folder`, everything derived is kept in memory; without `vectors`, vectors are compared exactly.
    """

    def __init__(
        self,
        source: PassageSource,
        *,
        folder: Path | None = None,
        embedder: Embedder | None = None,
        vectors: VectorIndex | None = None,
        weights: StageWeights | None = None,
        threshold: float = THRESHOLD,
        reranking: Reranking | None = None,
    ) -> None:
        self._source, self._reranking = source, reranking
        self._weights = weights or StageWeights()
        self._threshold = threshold
        embedder, vectors = embedder or load_embedder("own"), vectors or ExactVectors()
        self._follower = Follower(source, embedder, vectors if self._weights.dense > 0 else None, folder)
        self._vectors = DenseStages(vectors, embedder, self._weights.alike)

    def search(
        self,
        question: str,
        *,
        scope: Scope,
        on: date,
        top_k: int = 10,
        kinds: frozenset[DocumentKind] | None = None,
    ) -> SearchResult:
        """The best `top_k` passages that are approved, in force on `on` and within `scope`.

        Passages are listed also when the result abstains. Each evidence carries the scores of its stages.
        """
        return self._result(self._look(question, scope, on, top_k, kinds), top_k)

    def explain(
        self,
        question: str,
        *,
        scope: Scope,
        on: date,
        top_k: int = 10,
        kinds: frozenset[DocumentKind] | None = None,
    ) -> Explanation:
        """The same search laid open: every candidate's stages, and what was filtered out of the first and why.

        For those who curate: `filtered` shows passages that the asker may not read.
        """
        looked = self._look(question, scope, on, top_k, kinds)
        snapshot, product, allowed = looked.snapshot, looked.product, looked.allowed
        unfiltered = self._stages(question, snapshot, None, product, looked.depth)
        would_be = ranked(unfiltered, snapshot.passages.__getitem__, product, self._weights)
        result = self._result(looked, top_k)
        return Explanation(
            question=question,
            scope=scope,
            on=on,
            top_k=top_k,
            kinds=kinds,
            revision=snapshot.revision,
            product_code=product.code,
            candidates=product.candidates,
            names_unknown_product=product.unknown,
            confidence=looked.confidence,
            threshold=self._threshold,
            abstained=result.abstained,
            found=found_candidates(looked.evidence, looked.stages, product),
            filtered=filtered_candidates(would_be, unfiltered, allowed, top_k),
            result=result,
        )

    def readable(
        self, *, scope: Scope, on: date, document_id: str | None = None, passage_id: str | None = None
    ) -> tuple[Passage, ...]:
        """A passage or a document's passages in reading order, as far as a search could find them; else empty."""
        snapshot, in_step = self._follower.current()
        allowed = Filter(on=on, scope=scope)
        named = [snapshot.passages[name] for name in (passage_id,) if name is not None and name in snapshot.passages]
        if document_id is not None:
            named += snapshot.of_document(document_id)
        found = [Evidence(passage, 0.0) for passage in named if allowed.admits(passage)]
        kept = found if in_step else self._still_served(found, on)
        passages = (evidence.passage for evidence in kept)
        return tuple(sorted(passages, key=lambda passage: (len(passage.passage_id), passage.passage_id)))

    def refresh(self) -> Snapshot:
        """Bring every index in step with the database; cheap when nothing changed."""
        return self._follower.current()[0]

    def close(self) -> None:
        """Let go of files, locks and threads."""
        self._follower.close()
        if self._reranking is not None:
            self._reranking.close()

    @property
    def status(self) -> Status:
        """For readiness checks and `doctor`."""
        return self._follower.status

    # -- one search

    def _look(
        self, question: str, scope: Scope, on: date, top_k: int, kinds: frozenset[DocumentKind] | None
    ) -> _Looked:
        snapshot, in_step = self._follower.current()
        product = snapshot.products.resolve(question, on=on, scope=scope)
        allowed, depth = Filter(on=on, scope=scope, kinds=kinds), max(_DEPTH, top_k * 4)
        stages = self._stages(question, snapshot, allowed, product, depth)
        evidence = ranked(stages, snapshot.passages.__getitem__, product, self._weights)
        if not in_step:
            evidence = self._still_served(evidence, on)
        if self._reranking is not None:
            evidence = self._reranking.reordered(question, evidence)
            stages[RERANK] = {e.passage.passage_id: e.scores[RERANK] for e in evidence if RERANK in e.scores}
        read = [found.passage for found in evidence if not is_countered(found)]
        sure = coverage(question, read, snapshot.lexical.frequency, snapshot.lexical.entries)
        return _Looked(snapshot, allowed, product, stages, evidence, sure, depth)

    def _result(self, looked: _Looked, top_k: int) -> SearchResult:
        evidence = tuple(looked.evidence[:top_k])
        for found in evidence:
            found.scores["confidence"] = looked.confidence
        return SearchResult(
            evidence=evidence,
            product_code=looked.product.code,
            candidates=looked.product.candidates,
            abstained=looked.product.unknown or looked.confidence < self._threshold,
            names_unknown_product=looked.product.unknown,
        )

    def _still_served(self, evidence: Sequence[Evidence], on: date) -> list[Evidence]:
        """While another thread follows a change: nothing that was withdrawn or replaced in the meantime."""
        days = self._source.days_of({found.passage.version_id for found in evidence})
        in_force = {
            version for version, (first, until) in days.items() if first <= on and (until is None or on < until)
        }
        return [found for found in evidence if found.passage.version_id in in_force]

    # -- stages

    def _stages(
        self, question: str, snapshot: Snapshot, allowed: Filter | None, product: Resolution, depth: int
    ) -> _Stages:
        """Scores by stage and passage; `allowed` None: of everything, whoever may read it."""
        dense, asked = self._dense(question, snapshot, allowed, depth)
        stages = {"text": self._text(question, snapshot, allowed, product, depth), "dense": dense, "question": asked}
        # The filters once more, in the database's own words: no derived index is trusted with them alone.
        stages = {
            stage: {name: score for name, score in scores.items() if snapshot.admits(name, allowed)}
            for stage, scores in stages.items()
        }
        if counter := self._countered(question, snapshot, stages):
            stages["counter"] = counter
        return stages

    @staticmethod
    def _text(
        question: str, snapshot: Snapshot, allowed: Filter | None, product: Resolution, depth: int
    ) -> dict[str, float]:
        """BM25, also of what must be among the candidates however many others say similar things."""
        found = snapshot.lexical.search(question, allowed=allowed, limit=depth)
        if allowed is None:
            return found
        scope = allowed.scope
        narrow = [replace(allowed, product_codes=product.codes)] if product.codes else []
        if scope.branches or scope.roles or scope.lines:
            narrow += [replace(one, addressed=True) for one in (allowed, *narrow)]
        for one in narrow:
            found |= snapshot.lexical.search(question, allowed=one, limit=depth)
        return found

    def _dense(
        self, question: str, snapshot: Snapshot, allowed: Filter | None, depth: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        if not self._follower.vectors_ready:
            return {}, {}
        try:
            return self._vectors.nearest(question, snapshot, allowed, depth)
        except IndexUnavailable as exc:
            log.warning("vectors_unavailable", extra=dict(exc.ids))
            return {}, {}

    def _countered(self, question: str, snapshot: Snapshot, stages: _Stages) -> dict[str, float]:
        names = dict.fromkeys(name for scores in stages.values() for name in scores)
        if self._follower.vectors_ready:
            try:
                return self._vectors.countered(question, names, snapshot)
            except IndexUnavailable as exc:
                log.warning("vectors_unavailable", extra=dict(exc.ids))
        return countered(question, [snapshot.passages[name] for name in names], {}, self._weights.alike)
