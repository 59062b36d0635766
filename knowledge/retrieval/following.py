"""Keeps snapshot, lexical index and vectors in step with the database, by its revision number.

A change is read by the versions that it touched, so it costs as much as they do and not as much as everything. While
one thread follows, others wait a moment and then go on with what was; whoever is told so checks what it found.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import IndexUnavailable
from knowledge.retrieval.cached_embeddings import CachedEmbeddings
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.lexical_index import LexicalIndex
from knowledge.retrieval.passage_table import PassageWords
from knowledge.retrieval.snapshot import Difference, Snapshot, snapshot_of
from knowledge.retrieval.source import PassageSource
from knowledge.retrieval.vectors import VectorIndex

log = logging.getLogger(__name__)

_PATIENCE_S = 1.0  # how long a question waits for a change that another one is following
_AGAIN_S = 60.0  # how long vectors that failed are left alone


@dataclass(frozen=True, slots=True)
class Status:
    """What retrieval serves now; revision -1: nothing yet."""

    revision: int
    passages: int
    lexical_on_disk: bool
    vectors_ready: bool
    embedder_id: str


class Follower:
    """Gives the snapshot of now. Safe to call from many threads. `vectors` None: by words alone."""

    def __init__(
        self, source: PassageSource, embedder: Embedder, vectors: VectorIndex | None, folder: Path | None
    ) -> None:
        self._source, self._embedder, self._vectors = source, embedder, vectors
        self._lexical = LexicalIndex(folder / "lexical" if folder else None)
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._vectors_ready = False
        self._again_at = 0.0

    @property
    def vectors_ready(self) -> bool:
        """Whether vectors can be asked."""
        return self._vectors_ready

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

    def current(self) -> tuple[Snapshot, bool]:
        """The snapshot, and whether it is in step; cheap when nothing changed."""
        revision, snapshot = self._source.revision(), self._snapshot
        if snapshot is not None and snapshot.revision == revision:
            self._try_vectors_again()
            return snapshot, True
        if not self._lock.acquire(timeout=-1 if snapshot is None else _PATIENCE_S):
            return self._snapshot or self._wait(), False
        try:
            return self._in_step(), True
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of files and locks."""
        with self._lock:
            self._snapshot = None
            self._lexical.close()
            if self._vectors is not None:
                self._vectors.close()

    def _wait(self) -> Snapshot:
        with self._lock:
            return self._in_step()

    def _in_step(self) -> Snapshot:
        revision, snapshot = self._source.revision(), self._snapshot
        if snapshot is None or snapshot.revision != revision:
            self._snapshot = snapshot = self._followed(snapshot, revision)
        return snapshot

    def _followed(self, before: Snapshot | None, revision: int) -> Snapshot:
        change = self._source.changes_since(before.revision) if before is not None else None
        if before is None or change is None:
            return self._everything(revision)
        after, difference = before.changed(change)
        if not self._lexical.patch(after.revision, difference.gone, difference.new):
            self._lexical.follow(after.revision, after.passages.values(), after.digests())
        self._patch_vectors(after, difference)
        return after.showing(self._lexical.view)

    def _everything(self, revision: int) -> Snapshot:
        """Read after `revision` was, so never older; a change in between comes again, and does no harm."""
        words = PassageWords(self._source.passages_by_ids)
        sheets, view = self._source.product_sheets(), self._lexical.view
        read = snapshot_of(revision, self._source.passages(), sheets, view, words)
        self._lexical.follow(revision, read.passages.values(), read.digests())
        self._follow_vectors(read)
        return read.showing(self._lexical.view)

    def _try_vectors_again(self) -> None:
        """After a failure, and while nothing else changes: in a thread of its own, so that no question waits."""
        if self._vectors is None or self._vectors_ready or time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + _AGAIN_S
        threading.Thread(target=self._vectors_again, name="vectors-again", daemon=True).start()

    def _vectors_again(self) -> None:
        with self._lock:
            if self._snapshot is not None and not self._vectors_ready:
                self._follow_vectors(self._snapshot)

    def _follow_vectors(self, snapshot: Snapshot) -> None:
        """Without its vectors retrieval still answers, by words alone."""
        if self._vectors is None:
            return
        load = CachedEmbeddings(self._source, self._embedder, snapshot.texts_of)
        try:
            dimension, name = self._embedder.dimension, self._embedder.embedder_id  # either may have to be asked for
            self._vectors.follow(
                snapshot.keys(), load, embedder_id=name, dimension=dimension, revision=snapshot.revision
            )
            self._vectors_ready = True
        except IndexUnavailable as exc:
            log.warning("vectors_unavailable", extra=dict(exc.ids))
            self._vectors_ready, self._again_at = False, time.monotonic() + _AGAIN_S

    def _patch_vectors(self, snapshot: Snapshot, difference: Difference) -> None:
        if self._vectors is None or not self._vectors_ready:
            self._follow_vectors(snapshot)
            return
        load = CachedEmbeddings(self._source, self._embedder, snapshot.texts_of)
        try:
            self._vectors.patch(difference.gone_keys, difference.new_keys, load, revision=snapshot.revision)
        except IndexUnavailable as exc:
            log.warning("vectors_unavailable", extra=dict(exc.ids))
            self._vectors_ready = False
