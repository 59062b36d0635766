"""The vector index port, and exact search by numpy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.embedding import Vectors

LoadVectors = Callable[[Sequence[str]], Vectors]
_BATCH = 2_000
_BLOCKS_AT_MOST = 8  # small blocks before they are joined


class VectorIndex(Protocol):
    """Nearest vectors by content key. Knows no dates, scopes or passages: the caller over-fetches and filters."""

    def follow(
        self, keys: Collection[str], load: LoadVectors, *, embedder_id: str, dimension: int, revision: int
    ) -> None:
        """Hold exactly the vectors of `keys`; `load` gives the rows of those that are new."""
        ...

    def patch(self, gone: Collection[str], new: Collection[str], load: LoadVectors, *, revision: int) -> None:
        """Change what the last `follow` left: drop `gone`, hold `new`. Doing it twice does no harm.

        `load` replaces that of `follow` and gives the rows of any key that is then held.
        """
        ...

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """At most `limit` (key, cosine), best first."""
        ...

    def among(self, vector: Vectors, keys: Collection[str]) -> dict[str, float]:
        """The cosine of each of these keys that is held; meant for some thousands of keys at most."""
        ...

    def close(self) -> None:
        """Let go of files and locks."""
        ...


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows of vectors; `alive` False for those that were dropped or replaced since. Never changed in place."""

    keys: list[str]
    rows: Vectors
    alive: npt.NDArray[np.bool_]

    def without(self, gone: Collection[str]) -> _Block:
        dead = [row for row, key in enumerate(self.keys) if key in gone]
        if not dead:
            return self
        alive = self.alive.copy()
        alive[dead] = False
        return _Block(self.keys, self.rows, alive)

    def scores(self, vector: Vectors) -> Vectors:
        """Cosine per row, below every cosine where a row is dead."""
        found: Vectors = np.where(self.alive, self.rows @ vector, np.float32(-2))
        return found


class ExactVectors:
    """Every vector compared, in memory: exact, no files, 5 ms at 100,000 of 512 dimensions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: tuple[_Block, ...] = ()
        self._embedder_id = ""

    def follow(
        self, keys: Collection[str], load: LoadVectors, *, embedder_id: str, dimension: int, revision: int
    ) -> None:
        """Hold exactly the vectors of `keys`."""
        with self._lock:
            wanted = sorted(set(keys))
            held = sorted(key for block in self._blocks for key in _living(block))
            if embedder_id == self._embedder_id and wanted == held:
                return
            self._blocks = ()  # so that the old and the new vectors are not in memory at the same time
            self._blocks = (_block(wanted, load, dimension),) if wanted else ()
            self._embedder_id = embedder_id

    def patch(self, gone: Collection[str], new: Collection[str], load: LoadVectors, *, revision: int) -> None:
        """Drop `gone` and hold `new`, in a small block of its own; searches under way see what was."""
        with self._lock:
            dropped, wanted = {*gone, *new}, sorted(set(new))
            blocks = [block.without(dropped) for block in self._blocks]
            if wanted:
                rows = load(wanted)
                blocks.append(_Block(wanted, rows, np.ones(len(wanted), dtype=np.bool_)))
            if len(blocks) > _BLOCKS_AT_MOST:
                blocks = [blocks[0], _joined(blocks[1:])]
            self._blocks = tuple(blocks)

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """At most `limit` (key, cosine), best first."""
        found: list[tuple[str, float]] = []
        for block in self._blocks:
            found.extend(_best(block, vector, limit))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[: max(limit, 0)]

    def among(self, vector: Vectors, keys: Collection[str]) -> dict[str, float]:
        """The cosine of each of these keys that is held."""
        wanted, found = set(keys), {}
        for block in self._blocks:
            rows = [row for row, key in enumerate(block.keys) if key in wanted and block.alive[row]]
            scores = block.rows[rows] @ vector
            found.update({block.keys[row]: float(score) for row, score in zip(rows, scores, strict=True)})
        return found

    def close(self) -> None:
        """Nothing to let go of."""


def _block(keys: list[str], load: LoadVectors, dimension: int) -> _Block:
    rows = np.empty((len(keys), dimension), dtype=np.float32)
    for start in range(0, len(keys), _BATCH):
        rows[start : start + _BATCH] = load(keys[start : start + _BATCH])
    return _Block(keys, rows, np.ones(len(keys), dtype=np.bool_))


def _joined(blocks: Sequence[_Block]) -> _Block:
    rows: Vectors = np.concatenate([block.rows[block.alive] for block in blocks])
    keys = [key for block in blocks for key in _living(block)]
    return _Block(keys, rows, np.ones(len(keys), dtype=np.bool_))


def _living(block: _Block) -> Iterator[str]:
    return (key for key, alive in zip(block.keys, block.alive, strict=True) if alive)


def _best(block: _Block, vector: Vectors, limit: int) -> list[tuple[str, float]]:
    limit = min(limit, len(block.keys))
    if limit < 1:
        return []
    scores = block.scores(vector)
    top = np.argpartition(-scores, limit - 1)[:limit]
    return [(block.keys[row], float(scores[row])) for row in top if block.alive[row]]
