"""The one search: chat, console, command line and harness all call `KnowledgeRetriever.search`.

scope and date filters -> product named -> lexical text, known questions, vectors -> fused
-> passages of that product preferred -> confidence
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from knowledge.documents import DocumentKind, Evidence, Passage, Scope, SearchResult
from knowledge.errors import IndexUnavailable
from knowledge.products import ProductSheet
from knowledge.retrieval.cached_embeddings import CachedEmbeddings, content_key
from knowledge.retrieval.confidence import THRESHOLD, coverage
from knowledge.retrieval.embedding import Embedder, HashEmbedder
from knowledge.retrieval.fusion import weighted
from knowledge.retrieval.lexical import Filter, LexicalIndex
from knowledge.retrieval.products import ProductNames, Resolution
from knowledge.retrieval.vectors import ExactVectors, VectorIndex

log = logging.getLogger(__name__)

_QUESTIONS_REMEMBERED = 64


class PassageSource(Protocol):
    """The database, truth of everything that is retrieved."""

    def revision(self) -> int:
        """Grows with every change of servable knowledge."""
        ...

    def passages(self) -> Iterator[Passage]:
        """All passages of approved versions, of any date, ordered by passage_id."""
        ...

    def products(self) -> list[tuple[ProductSheet, date, date | None]]:
        """Approved sheets with the days from and until (exclusive) which they hold."""
        ...

    def cached_embeddings(self, embedder_id: str) -> dict[str, bytes]:
        """Vectors by content key (sha256 of the text), float32 little-endian."""
        ...

    def store_embeddings(self, embedder_id: str, rows: Mapping[str, bytes]) -> None:
        """Keep vectors for the next rebuild."""
        ...


@dataclass(frozen=True, slots=True)
class StageWeights:
    """Shares of the stages in the fused score (0 to 1), and what else adds to it.

    `same_question` is added in full for a known question worded as this one is, in part from `alike` (cosine) on.
    """

    text: float = 0.9
    dense: float = 0.1
    same_question: float = 0.3
    same_product: float = 0.5
    other_product: float = -0.5
    alike: float = 0.85

    @property
    def shares(self) -> dict[str, float]:
        """Shares by stage name."""
        return {"text": self.text, "dense": self.dense}


@dataclass(frozen=True, slots=True)
class Status:
    """What retrieval serves now; revision -1: nothing yet."""

    revision: int
    passages: int
    lexical_on_disk: bool
    vectors_ready: bool
    embedder_id: str


@dataclass
class _Snapshot:
    """What one revision of the database says, ready to be looked up."""

    revision: int
    passages: dict[str, Passage]
    holders: dict[str, list[str]]  # content key -> passages that hold this text or known question
    asked: dict[str, list[str]]  # content key -> passages that have this known question
    sheets: list[tuple[ProductSheet, date, date | None]]
    names: dict[date, ProductNames] = field(default_factory=dict)
    named: dict[tuple[str, date], Resolution] = field(default_factory=dict)

    def admits(self, name: str, allowed: Filter) -> bool:
        """Whether this revision holds the passage and the filter lets it through."""
        passage = self.passages.get(name)
        return passage is not None and allowed.admits(passage)

    def product_names(self, on: date) -> ProductNames:
        if on not in self.names:
            if len(self.names) > 64:
                self.names.clear()
            in_force = [s for s, start, end in self.sheets if start <= on and (end is None or on < end)]
            self.names[on] = ProductNames(in_force)
        return self.names[on]

    def product_of(self, question: str, on: date) -> Resolution:
        """The product a question names; remembered, because one draft searches several times with the same words."""
        found = self.named.get((question, on))
        if found is None:
            if len(self.named) >= _QUESTIONS_REMEMBERED:
                self.named.clear()
            found = self.named[question, on] = self.product_names(on).resolve(question)
        return found


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
    ) -> None:
        self._source = source
        self._embedder = embedder or HashEmbedder()
        self._vectors = vectors or ExactVectors()
        self._lexical = LexicalIndex(folder / "lexical" if folder else None)
        self._weights = weights or StageWeights()
        self._threshold = threshold
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None
        self._vectors_ready = False
        # One draft searches several times with the same words.
        self._nearest = lru_cache(maxsize=_QUESTIONS_REMEMBERED)(self._nearest_now)

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
        snapshot = self.refresh()
        product = snapshot.product_of(question, on)
        allowed = Filter(on=on, scope=scope, kinds=kinds)
        stages = self._stages(question, snapshot, allowed, product, depth=max(50, top_k * 4))
        fused = weighted(stages, self._weights.shares)
        evidence = [self._evidence(snapshot.passages[name], score, stages, product) for name, score in fused]
        evidence.sort(key=lambda found: (-found.score, found.passage.passage_id))
        sure = self._confidence(question, [found.passage for found in evidence])
        for found in evidence[:top_k]:
            found.scores["confidence"] = sure
        return SearchResult(
            evidence=tuple(evidence[:top_k]),
            product_code=product.code,
            candidates=product.candidates,
            abstained=product.unknown or sure < self._threshold,
            names_unknown_product=product.unknown,
        )

    def refresh(self) -> _Snapshot:
        """Bring every index in step with the database; cheap when nothing changed."""
        revision = self._source.revision()
        snapshot = self._snapshot
        if snapshot is not None and snapshot.revision == revision:
            return snapshot
        with self._lock:
            if self._snapshot is None or self._snapshot.revision != revision:
                self._snapshot = self._follow(revision)
            return self._snapshot

    def close(self) -> None:
        """Let go of files and locks."""
        with self._lock:
            self._snapshot = None
            self._lexical.close()
            self._vectors.close()

    @property
    def status(self) -> Status:
        """For readiness checks and `doctor`."""
        snapshot = self._snapshot
        return Status(
            revision=snapshot.revision if snapshot else -1,
            passages=len(snapshot.passages) if snapshot else 0,
            lexical_on_disk=self._lexical.on_disk,
            vectors_ready=self._vectors_ready,
            embedder_id=self._embedder.embedder_id,
        )

    # -- stages

    def _stages(
        self, question: str, snapshot: _Snapshot, allowed: Filter, product: Resolution, depth: int
    ) -> dict[str, dict[str, float]]:
        text = self._lexical.search(question, allowed=allowed, limit=depth)
        if meant := product.codes:  # its passages must be among the candidates, however many others say similar things
            narrow = Filter(allowed.on, allowed.scope, allowed.kinds, meant)
            text |= self._lexical.search(question, allowed=narrow, limit=depth)
        dense, asked = self._dense(question, snapshot, allowed, depth)
        stages = {"text": text, "dense": dense, "question": asked}
        # The filters once more, in the database's own words: no derived index is trusted with them alone.
        return {
            stage: {name: score for name, score in scores.items() if snapshot.admits(name, allowed)}
            for stage, scores in stages.items()
        }

    def _dense(
        self, question: str, snapshot: _Snapshot, allowed: Filter, depth: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Best cosine per passage over its text and known questions, and of known questions worded as this one is."""
        if self._weights.dense <= 0 or not self._vectors_ready:
            return {}, {}
        try:
            nearest = self._nearest(question, depth * 4, snapshot.revision)
        except IndexUnavailable as exc:
            log.warning("vectors_unavailable", extra=dict(exc.ids))
            return {}, {}
        best: dict[str, float] = {}
        asked: dict[str, float] = {}
        for key, score in nearest:
            for name in snapshot.holders.get(key, ()):
                if snapshot.admits(name, allowed):
                    best.setdefault(name, score)
            for name in snapshot.asked.get(key, ()) if score >= self._weights.alike else ():
                asked.setdefault(name, score)
            if len(best) >= depth:
                break
        return best, asked

    def _nearest_now(self, question: str, limit: int, revision: int) -> tuple[tuple[str, float], ...]:
        """Nearest content keys of one revision. Raises IndexUnavailable."""
        return tuple(self._vectors.nearest(self._embedder.embed([question])[0], limit))

    def _evidence(
        self, passage: Passage, fused: float, stages: Mapping[str, Mapping[str, float]], product: Resolution
    ) -> Evidence:
        scores = {stage: found[passage.passage_id] for stage, found in stages.items() if passage.passage_id in found}
        scores["fused"] = fused
        scores["product"] = self._product_score(passage, product)
        return Evidence(passage, fused + scores["product"] + self._question_score(scores), scores)

    def _question_score(self, scores: Mapping[str, float]) -> float:
        alike = self._weights.alike
        return self._weights.same_question * max(0.0, (scores.get("question", alike) - alike) / (1 - alike))

    def _product_score(self, passage: Passage, product: Resolution) -> float:
        meant = product.codes
        if not meant or passage.product_code is None:
            return 0.0
        return self._weights.same_product if passage.product_code in meant else self._weights.other_product

    def _confidence(self, question: str, passages: Sequence[Passage]) -> float:
        return coverage(question, passages, self._lexical.frequency, self._lexical.entries)

    # -- following the database

    def _follow(self, revision: int) -> _Snapshot:
        passages = {passage.passage_id: passage for passage in self._source.passages()}
        texts: dict[str, str] = {}
        holders: dict[str, list[str]] = {}
        asked: dict[str, list[str]] = {}
        for name, passage in passages.items():
            for text in (f"{passage.title}\n{passage.text}", *passage.known_questions):
                key = content_key(text)
                texts[key] = text
                holders.setdefault(key, []).append(name)
            for text in passage.known_questions:
                asked.setdefault(content_key(text), []).append(name)
        self._lexical.follow(revision, list(passages.values()))
        if self._weights.dense > 0:
            self._follow_vectors(revision, texts)
        return _Snapshot(revision, passages, holders, asked, self._source.products())

    def _follow_vectors(self, revision: int, texts: Mapping[str, str]) -> None:
        """Without its vectors retrieval still answers, by words alone."""
        load, name = CachedEmbeddings(self._source, self._embedder, texts), self._embedder.embedder_id
        try:
            self._vectors.follow(texts, load, embedder_id=name, dimension=self._embedder.dimension, revision=revision)
            self._vectors_ready = True
        except IndexUnavailable as exc:
            log.warning("vectors_unavailable", extra=dict(exc.ids))
            self._vectors_ready = False
        finally:
            load.release()
