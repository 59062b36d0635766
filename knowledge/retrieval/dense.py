"""The stages that compare vectors: nearest texts, known questions worded alike, and questions set against a passage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from knowledge.documents import Passage
from knowledge.retrieval.admission import Filter
from knowledge.retrieval.cached_embeddings import content_key
from knowledge.retrieval.embedding import Embedder, Vectors
from knowledge.retrieval.snapshot import Snapshot, told_text
from knowledge.retrieval.text import fold
from knowledge.retrieval.vectors import VectorIndex

_REMEMBERED = 64  # one draft searches several times with the same words
_OVERFETCH = 4
_GROWTH = 8
_COMPARED_ONE_BY_ONE = 2_000  # with no more passages admitted, all of them are compared rather than the nearest sought
_Pairs = Sequence[tuple[str, float]]


class DenseStages:
    """All may raise IndexUnavailable. `alike`: the cosine from which two questions say the same."""

    def __init__(self, vectors: VectorIndex, embedder: Embedder, alike: float) -> None:
        self._vectors, self._embedder, self._alike = vectors, embedder, alike
        self._vector_of = lru_cache(maxsize=_REMEMBERED)(self._embedded)
        self._first = lru_cache(maxsize=_REMEMBERED)(self._nearest)

    def nearest(
        self, question: str, snapshot: Snapshot, allowed: Filter | None, depth: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Best cosine by passage over text and known questions, and of known questions worded as this one is.

        Of the passages that may be found, the `depth` nearest at least: when others stand in front of them, more is
        fetched until they are reached or there is no more.
        """
        limit = depth * _OVERFETCH
        pairs = self._first(question, limit, snapshot.revision)
        found = self._by_passage(pairs, snapshot, allowed)
        if len(found[0]) >= depth or len(pairs) < limit:
            return found
        few = snapshot.lexical.admitted(allowed, _COMPARED_ONE_BY_ONE) if allowed else None
        if few is not None and len(few) <= len(found[0]):
            return found
        if few is not None and len(few) <= _COMPARED_ONE_BY_ONE:
            return self._by_passage(self._one_by_one(question, few, snapshot), snapshot, allowed)
        while len(found[0]) < depth and len(pairs) >= limit:
            limit *= _GROWTH
            pairs = self._nearest(question, limit, snapshot.revision)
            found = self._by_passage(pairs, snapshot, allowed)
        return found

    def countered(self, question: str, names: Iterable[str], snapshot: Snapshot) -> dict[str, float]:
        """Nearness (0 to 1) to a counter-question, of those passages whose known questions are all further away."""
        warned = [snapshot.passages[name] for name in names if snapshot.passages[name].counter_questions]
        keys = {content_key(text) for p in warned for text in (*p.counter_questions, *p.known_questions)}
        scores = self._vectors.among(self._vector_of(question), keys) if keys else {}
        return countered(question, warned, scores, self._alike)

    def _embedded(self, question: str) -> Vectors:
        return self._embedder.embed_question(question)

    def _nearest(self, question: str, limit: int, revision: int) -> _Pairs:
        """Nearest content keys; remembered by revision, because a change may bring nearer ones."""
        return tuple(self._vectors.nearest(self._vector_of(question), limit))

    def _one_by_one(self, question: str, names: Collection[str], snapshot: Snapshot) -> _Pairs:
        passages = (snapshot.passages[name] for name in names if name in snapshot.passages)
        keys = {content_key(text) for p in passages for text in (told_text(p), *p.known_questions)}
        scores = self._vectors.among(self._vector_of(question), keys)
        return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))

    def _by_passage(
        self, pairs: _Pairs, snapshot: Snapshot, allowed: Filter | None
    ) -> tuple[dict[str, float], dict[str, float]]:
        best: dict[str, float] = {}
        asked: dict[str, float] = {}
        for key, score in pairs:
            for name in snapshot.holders(key):
                if name not in best and snapshot.admits(name, allowed):
                    best[name] = score
            for name in snapshot.asked.get(key, ()) if score >= self._alike else ():
                if snapshot.admits(name, allowed):
                    asked.setdefault(name, score)
        return best, asked


def countered(question: str, passages: Iterable[Passage], scores: dict[str, float], alike: float) -> dict[str, float]:
    """As `DenseStages.countered`; a question without a cosine in `scores` is compared letter by letter."""
    plain, found = _plain(question), {}

    def nearness(texts: Iterable[str]) -> float:
        same = (1.0 if _plain(text) == plain else scores.get(content_key(text), 0.0) for text in texts)
        return max(same, default=0.0)

    for passage in passages:
        against = nearness(passage.counter_questions)
        if against >= alike and against > nearness(passage.known_questions):
            found[passage.passage_id] = against
    return found


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))
