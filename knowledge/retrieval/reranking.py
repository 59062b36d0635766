"""A reranker reads question and passage together; applied to the first candidates, inside a wall clock.

Without one, after a failure, and when it takes too long, the order stays what it was.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from knowledge.documents import Evidence
from knowledge.errors import ModelUnusable
from knowledge.retrieval.ranking import is_countered
from knowledge.retrieval.snapshot import told_text

log = logging.getLogger(__name__)

STAGE = "rerank"
_LONGEST = 600  # characters of a passage that are read: every one costs time that somebody waits


class Reranker(Protocol):
    """Judges how well each of some texts answers a question."""

    @property
    def reranker_id(self) -> str: ...

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One number per text, 0 to 1, larger is better."""
        ...


class Reranking:
    """Puts the first `top_n` candidates in the reranker's order. Safe to call from many threads.

    Args:
        timeout_s: seconds that one question waits; the pairs are judged one question after the other.
    """

    def __init__(self, reranker: Reranker, *, top_n: int = 20, timeout_s: float = 3.0) -> None:
        self._reranker, self._top_n, self._timeout_s = reranker, top_n, timeout_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rerank")
        self._lock = threading.Lock()
        self._late: Future[list[float]] | None = None

    def reordered(self, question: str, evidence: Sequence[Evidence]) -> list[Evidence]:
        """The same evidence, best first; the score of the stage stands in those that were judged."""
        first = [found for found in evidence[: self._top_n] if not is_countered(found)]
        judged = self._judged(question, [told_text(found.passage)[:_LONGEST] for found in first]) if first[1:] else None
        if judged is None:
            return list(evidence)
        scores = {found.passage.passage_id: score for found, score in zip(first, judged, strict=True)}
        return merged(evidence, scores)

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _judged(self, question: str, texts: Sequence[str]) -> list[float] | None:
        """Scores, or None when there are none in time."""
        if self._is_stuck():
            return None
        began = time.monotonic()
        try:
            future = self._pool.submit(self._reranker.scores, question, texts)
        except RuntimeError:  # closed
            return None
        try:
            problem = future.exception(timeout=self._timeout_s)
        except (TimeoutError, CancelledError):
            self._gave_up(future)
            log.warning("rerank_late", extra={"elapsed_ms": round((time.monotonic() - began) * 1000)})
            return None
        found = [] if problem else [float(score) for score in future.result()]
        if len(found) != len(texts) or not all(0 <= score <= 1 for score in found):
            log.warning("rerank_failed", extra={"reason": type(problem).__name__ if problem else "scores"})
            return None
        return found

    def _is_stuck(self) -> bool:
        with self._lock:
            return self._late is not None and not self._late.done()

    def _gave_up(self, future: Future[list[float]]) -> None:
        if not future.cancel():
            with self._lock:
                self._late = future


def merged(evidence: Sequence[Evidence], scores: Mapping[str, float]) -> list[Evidence]:
    """Judged passages first: `fused` gives way to the reranker's score, what else raised or lowered them stays.

    Those that were not judged keep their order behind, with no score above the last judged one's.
    """
    judged = [_rescored(found, scores[found.passage.passage_id]) for found in evidence if _id(found) in scores]
    judged.sort(key=lambda found: -found.score)  # stable: equal ones stay as they were
    lowest = judged[-1].score if judged else 0.0
    others = (found for found in evidence if _id(found) not in scores)
    return [*judged, *(replace(found, score=min(found.score, lowest)) for found in others)]


def _id(found: Evidence) -> str:
    return found.passage.passage_id


def _rescored(found: Evidence, score: float) -> Evidence:
    total = found.score - found.scores.get("fused", 0.0) + score
    return replace(found, score=total, scores={**found.scores, STAGE: score})


def load_reranker(name: str) -> Reranker:
    """An ONNX folder, else a CrossEncoder of sentence-transformers by name or path. Raises: ModelUnusable."""
    from knowledge.retrieval.onnx_folder import is_onnx

    path = Path(name)
    if path.exists() and is_onnx(path):
        from knowledge.retrieval.onnx_reranker import OnnxReranker

        return OnnxReranker(path)
    if path.is_absolute() and not path.exists():
        raise ModelUnusable(model=name, reason="missing")
    from knowledge.retrieval.neural import CrossEncoderReranker

    return CrossEncoderReranker(name)
