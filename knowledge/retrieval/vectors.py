"""The vector index port, and search by numpy: exact, with very many vectors among those whose codes are near."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.embedding import Vectors
from knowledge.retrieval.sign_codes import BITS, Codes, nearest_codes, sign_codes
from knowledge.retrieval.vector_rows import LONGEST_KEY, Records, RowsInFile, RowsInMemory, VectorRows

log = logging.getLogger(__name__)

LoadVectors = Callable[[Sequence[str]], Vectors]
_BATCH = 2_000
_SHARE_OF_CODES = 16  # one in so many is compared,
_CODES_COMPARED = (4_096, 16_384)  # but no fewer and no more than these,
_CODES_PER_VECTOR = 16  # and no fewer than so many for each vector asked for
_IDLE_ROWS = 10_000  # beside as many as are in use, rows that nobody needs do no harm
_Rows = npt.NDArray[np.intp]


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
class _Held:
    """What is searched: some of the rows. Never changed in place, so a search under way sees what was.

    `names` are the keys of the sound rows, sorted, and `order` the row of each; of rows with the same key the one that
    was known first stands first. `codes` may be longer than `alive`, and is None while all are compared.
    """

    records: Records
    alive: npt.NDArray[np.bool_]
    names: npt.NDArray[np.bytes_]
    order: _Rows
    codes: Codes | None = None

    def rows_of(self, keys: Sequence[str]) -> _Rows:
        """The row of each key, -1 where there is none."""
        if not len(self.order) or not keys:
            return np.full(len(keys), -1, dtype=np.intp)
        wanted = np.array([key.encode() for key in keys], dtype=f"S{LONGEST_KEY}")
        places = np.minimum(np.searchsorted(self.names, wanted), len(self.order) - 1)
        found: _Rows = np.where(self.names[places] == wanted, self.order[places], -1)
        return found

    def compared(self, vector: Vectors, limit: int) -> tuple[_Rows | slice, Vectors]:
        """Rows worth a look, and the cosine of each."""
        rows: _Rows | slice = slice(None)
        if self.codes is not None:
            codes = self.codes[:, : len(self.alive)]
            fewest, most = _CODES_COMPARED
            count = min(max(codes.shape[1] // _SHARE_OF_CODES, fewest), most)
            rows = nearest_codes(codes, self.alive, vector, max(count, limit * _CODES_PER_VECTOR))
        scores: Vectors = np.asarray(self.records["vector"][rows]) @ vector
        return rows, np.where(self.alive[rows], scores, np.float32(-2))


class ExactVectors:
    """Vectors compared one by one; of more than `all_compared`, some thousands whose codes are nearest.

    With a folder, rows are kept there for the next start and shared with other processes; without, in memory.
    """

    def __init__(self, folder: Path | None = None, *, all_compared: int = 100_000) -> None:
        self._lock = threading.Lock()
        self._folder, self._all_compared = folder, all_compared
        self._rows: VectorRows | None = None
        self._kind = ("", 0)
        self._held: _Held | None = None

    def follow(
        self, keys: Collection[str], load: LoadVectors, *, embedder_id: str, dimension: int, revision: int
    ) -> None:
        """Hold exactly the vectors of `keys`."""
        with self._lock:
            if self._rows is None or self._kind != (embedder_id, dimension) or self._rows.replaced():
                self._held, self._kind = None, (embedder_id, dimension)
                self._rows = self._opened(embedder_id, dimension)
            self._hold(sorted(set(keys)), load)

    def patch(self, gone: Collection[str], new: Collection[str], load: LoadVectors, *, revision: int) -> None:
        """Drop `gone` and hold `new`; searches under way see what was."""
        with self._lock:
            held, rows = self._held, self._rows
            if held is None or rows is None:
                return
            if rows.replaced():
                kept = {name.decode() for name in held.records["key"][held.alive]} - set(gone)
                self._held, self._rows = None, self._opened(*self._kind)
                self._hold(sorted(kept | set(new)), load)
                return
            alive = held.alive.copy()
            alive[_found(held.rows_of(sorted(set(gone))))] = False
            self._hold(sorted(set(new)), load, replace(held, alive=alive))

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """At most `limit` (key, cosine), best first."""
        held = self._held
        if held is None or limit < 1 or not held.alive.any():
            return []
        rows, scores = held.compared(vector, limit)
        top = np.argpartition(-scores, limit - 1)[:limit] if limit < len(scores) else np.arange(len(scores))
        top = top[scores[top] > -2]
        names = held.records["key"][top if isinstance(rows, slice) else rows[top]]
        found = ((name.decode(), float(score)) for name, score in zip(names, scores[top], strict=True))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def among(self, vector: Vectors, keys: Collection[str]) -> dict[str, float]:
        """The cosine of each of these keys that is held."""
        held, wanted = self._held, list(dict.fromkeys(keys))
        if held is None:
            return {}
        rows = held.rows_of(wanted)
        there = (rows >= 0) & held.alive[rows]
        scores = np.asarray(held.records["vector"][rows[there]]) @ vector
        return {wanted[place]: float(score) for place, score in zip(np.flatnonzero(there), scores, strict=True)}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._held = self._rows = None

    # -- what is held

    def _opened(self, embedder_id: str, dimension: int) -> VectorRows:
        if self._folder is not None:
            try:
                return RowsInFile(self._folder, embedder_id, dimension)
            except OSError as exc:
                self._leave_folder(exc)
        return RowsInMemory(dimension)

    def _leave_folder(self, exc: OSError) -> None:
        """From now on in memory: the folder cannot be used."""
        log.warning("vector_folder_left", extra={"cause": type(exc).__name__})
        self._folder = None

    def _hold(self, keys: Sequence[str], load: LoadVectors, beside: _Held | None = None) -> None:
        """Hold `keys`, and what is alive in `beside`; rows that are not there yet are added."""
        if self._rows is None:
            return
        try:
            held = self._with_all(self._rows, keys, load, beside)
        except OSError as exc:
            if isinstance(self._rows, RowsInMemory):
                raise
            self._leave_folder(exc)
            kept = [name.decode() for name in beside.records["key"][beside.alive]] if beside else []
            self._rows = RowsInMemory(self._kind[1])
            held = self._with_all(self._rows, sorted({*kept, *keys}), load, None)
        self._held = held

    def _with_all(self, rows: VectorRows, keys: Sequence[str], load: LoadVectors, beside: _Held | None) -> _Held:
        held = _read(rows, beside)
        if beside is None and len(held.records) > 2 * len(keys) + _IDLE_ROWS:
            rows.begin_anew()
            held = _read(rows, None)
        found = held.rows_of(keys)
        missing = [key for key, row in zip(keys, found, strict=True) if row < 0]
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            rows.append(part, load(part))
        if missing:
            held = _read(rows, held)
            found = held.rows_of(keys)
        held.alive[_found(found)] = True
        if len(held.alive) > self._all_compared:
            held = replace(held, codes=_coded(held, beside))
        return held


def _read(rows: VectorRows, before: _Held | None) -> _Held:
    """All rows, alive as before, with none of the new ones."""
    records, sound = rows.read()
    known = len(before.alive) if before else 0
    alive = np.zeros(len(records), dtype=np.bool_)
    order = known + np.flatnonzero(sound[known:])
    order = order[np.argsort(records["key"][order], kind="stable")]
    names = records["key"][order]
    if before is None:
        return _Held(records, alive, names, order)
    alive[:known] = before.alive
    places = np.searchsorted(before.names, names, side="right")
    return _Held(
        records, alive, np.insert(before.names, places, names), np.insert(before.order, places, order), before.codes
    )


def _coded(held: _Held, before: _Held | None) -> Codes:
    """The codes of all rows; those of `before` stay where they are, as long as there is room behind them."""
    count, known, codes = len(held.alive), 0, None
    if before is not None and before.codes is not None:
        known, codes = len(before.alive), before.codes
    if codes is None or codes.shape[1] < count:
        larger = np.empty((BITS // 64, count * 9 // 8), dtype=np.uint64)
        if codes is not None:
            larger[:, :known] = codes[:, :known]
        codes = larger
    codes[:, known:count] = sign_codes(held.records["vector"][known:])
    return codes


def _found(rows: _Rows) -> _Rows:
    return rows[rows >= 0]
