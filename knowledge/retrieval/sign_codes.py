"""Short codes of vectors: on which side of many planes each lies. Near vectors differ in few of them.

A million codes are compared in some 20 ms. The planes are the same in every process, so equal vectors have equal codes.
Of 58,000 legal articles, embedded by our own model, the 4,000 nearest codes hold 99.8 % of the true 50 nearest.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.embedding import Vectors

BITS = 512
_WORD = 64
_AT_ONCE = 16_384
Codes = npt.NDArray[np.uint64]


def sign_codes(rows: Vectors) -> Codes:
    """Codes of `rows`, one column each: (BITS / 64, rows), because they are compared word by word."""
    planes = _planes(rows.shape[1])
    codes = np.empty((BITS // _WORD, len(rows)), dtype=np.uint64)
    for start in range(0, len(rows), _AT_ONCE):
        sides = np.asarray(rows[start : start + _AT_ONCE]) @ planes > 0
        codes[:, start : start + len(sides)] = np.packbits(sides, axis=1).view(np.uint64).T
    return codes


def nearest_codes(codes: Codes, alive: npt.NDArray[np.bool_], vector: Vectors, count: int) -> npt.NDArray[np.intp]:
    """Rows that differ least from the code of `vector`: `count` or a few more, all of equal distance; in row order."""
    wanted = sign_codes(vector.reshape(1, -1))[:, 0]
    apart = np.zeros(codes.shape[1], dtype=np.uint16)
    for word, code in zip(wanted, codes, strict=True):
        apart += np.bitwise_count(code ^ word)
    apart[~alive] = BITS + 1
    within = np.cumsum(np.bincount(apart, minlength=BITS + 2)[: BITS + 1])
    furthest = int(np.searchsorted(within, min(count, int(within[-1]))))
    return np.flatnonzero(apart <= min(furthest, BITS))


@lru_cache(maxsize=4)
def _planes(dimension: int) -> Vectors:
    """Normals of BITS planes as columns, at right angles to each other as far as the dimension allows."""
    chance = np.random.default_rng(20_260_101)
    turns = [np.linalg.qr(chance.normal(size=(dimension, dimension)))[0] for _ in range(-(-BITS // dimension))]
    planes: Vectors = np.ascontiguousarray(np.concatenate(turns, axis=1)[:, :BITS], dtype=np.float32)
    return planes
