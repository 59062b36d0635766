"""Teach word vectors which texts mean the same: paired texts come nearer, the others of a batch go away.

Plain numpy: a text is a sum of word vectors, so the gradient is a small matrix product, and a thousand pairs take well
under a second. The same pairs, settings and seed give the same numbers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.embedder.static_model import Matrix

_SAME = np.float32(-1e4)
_B1, _B2, _EPSILON = np.float32(0.9), np.float32(0.99), np.float32(1e-8)
_FADE = 0.9  # the last round learns with a tenth of the first one's rate


@dataclass(frozen=True, slots=True)
class Pair:
    """Tokens of two texts that mean the same. Pairs of one `group` are never held against each other."""

    first: Sequence[int]
    second: Sequence[int]
    group: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to teach. `sharpness` divides cosines before the softmax; rates are Adam's."""

    rounds: int = 8
    rate: float = 5e-3
    sharpness: float = 0.07
    batch: int = 256
    seed: int = 0


@dataclass
class _Adam:
    """Adam that touches only the rows in use."""

    shape: tuple[int, int]
    _mean: Matrix = field(init=False)
    _square: Matrix = field(init=False)
    _steps: int = 0

    def __post_init__(self) -> None:
        self._mean = np.zeros(self.shape, dtype=np.float32)
        self._square = np.zeros(self.shape, dtype=np.float32)

    def change(self, rows: npt.NDArray[np.int64], gradient: Matrix, rate: float) -> Matrix:
        """What to take away from these rows."""
        self._steps += 1
        self._mean[rows] = _B1 * self._mean[rows] + (1 - _B1) * gradient
        self._square[rows] = _B2 * self._square[rows] + (1 - _B2) * gradient * gradient
        mean = self._mean[rows] / (1 - _B1 ** min(self._steps, 200))
        square = self._square[rows] / (1 - _B2 ** min(self._steps, 2000))
        taken: Matrix = (np.float32(rate) * mean / (np.sqrt(square) + _EPSILON)).astype(np.float32)
        return taken


def teach(
    matrix: Matrix,
    pairs: Callable[[random.Random], list[Pair]],
    recipe: Recipe,
    *,
    shuffled: bool = False,
    on_round: Callable[[int, float], None] = lambda number, loss: None,
) -> Matrix:
    """Returns a changed copy of `matrix`.

    Args:
        pairs: the pairs of one round, drawn anew for each; pairs with an empty side are left out.
        shuffled: the pairs come in the order in which they are to be used.
        on_round: told the number from 1 and the mean loss.
    """
    taught = np.array(matrix, dtype=np.float32)
    chance = random.Random(recipe.seed)
    adam = _Adam(taught.shape)
    for number in range(recipe.rounds):
        rate = recipe.rate * (1 - _FADE * number / recipe.rounds)
        drawn = [pair for pair in pairs(chance) if len(pair.first) and len(pair.second)]
        if not shuffled:
            chance.shuffle(drawn)
        losses = []
        for at in range(0, len(drawn), recipe.batch):
            batch = drawn[at : at + recipe.batch]
            if len(batch) > 1:
                losses.append(_step(taught, adam, batch, rate, recipe.sharpness))
        on_round(number + 1, float(np.mean(losses)) if losses else 0.0)
    return taught


def _step(matrix: Matrix, adam: _Adam, batch: Sequence[Pair], rate: float, sharpness: float) -> float:
    rows, counts = _counted([*(pair.first for pair in batch), *(pair.second for pair in batch)])
    sums = counts @ matrix[rows]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True) + _EPSILON
    unit = sums / lengths
    half = len(batch)
    first, second = unit[:half], unit[half:]
    loss, pull = _pull(first @ second.T / np.float32(sharpness), [pair.group for pair in batch])
    pull /= np.float32(half * sharpness)
    towards = np.concatenate([pull @ second, pull.T @ first])
    inner = (towards - unit * (towards * unit).sum(axis=1, keepdims=True)) / lengths
    matrix[rows] -= adam.change(rows, (counts.T @ inner).astype(np.float32), rate)
    return loss


def _pull(cosines: Matrix, groups: Sequence[str]) -> tuple[float, Matrix]:
    """Loss of both directions, and how it changes with each cosine."""
    names = np.unique(np.array(groups), return_inverse=True)[1]
    same = names[:, None] == names[None, :]
    np.fill_diagonal(same, val=False)
    cosines = np.where(same, _SAME, cosines)
    forth = np.exp(cosines - cosines.max(axis=1, keepdims=True))
    forth /= forth.sum(axis=1, keepdims=True)
    back = np.exp(cosines - cosines.max(axis=0, keepdims=True))
    back /= back.sum(axis=0, keepdims=True)
    loss = -float(np.log(np.diag(forth) + _EPSILON).mean() + np.log(np.diag(back) + _EPSILON).mean())
    pull = (forth + back).astype(np.float32)
    pull[np.arange(len(groups)), np.arange(len(groups))] -= 2
    pull[same] = 0
    return loss, pull


def _counted(texts: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int64], Matrix]:
    """The distinct tokens, and how often each text has each of them."""
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    rows, place = np.unique(np.concatenate([np.asarray(text, dtype=np.int64) for text in texts]), return_inverse=True)
    owner = np.repeat(np.arange(len(texts)), lengths)
    flat = np.bincount(owner * len(rows) + place, minlength=len(texts) * len(rows))
    return rows, flat.reshape(len(texts), len(rows)).astype(np.float32)
