"""Groups questions that ask the same: alike in wording, or sharing the rare words that say what they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from zlib import crc32

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.text import informative_terms

ENOUGH = 0.3
WORDS_SHARE = 0.5
COLUMNS = 4096  # terms share them by hash, so that memory has a bound
_Matrix = npt.NDArray[np.float32]


def likeness_groups(texts: Sequence[str], embedder: Embedder) -> list[list[int]]:
    """Positions in `texts`, group by group, the most typical member of each first; the same for the same texts.

    Each text joins the group that it is most alike on average, if it is alike enough; else it opens one.
    """
    if not texts:
        return []
    alike = _likeness(texts, embedder)
    groups: list[list[int]] = []
    for at in range(len(texts)):
        means = [float(alike[at, members].mean()) for members in groups]
        best = max(range(len(groups)), key=means.__getitem__, default=-1)
        if best >= 0 and means[best] >= ENOUGH:
            groups[best].append(at)
        else:
            groups.append([at])
    return [_typical_first(members, alike, texts) for members in groups]


def _typical_first(members: list[int], alike: _Matrix, texts: Sequence[str]) -> list[int]:
    inside = alike[np.ix_(members, members)].mean(axis=1)
    order = sorted(range(len(members)), key=lambda at: (-round(float(inside[at]), 4), len(texts[members[at]]), at))
    return [members[at] for at in order]


def _likeness(texts: Sequence[str], embedder: Embedder) -> _Matrix:
    """Half cosine of wording, half share of rare words in common; symmetric, 0 to 1."""
    vectors = embedder.embed(list(texts))
    cosine = np.clip(vectors @ vectors.T, 0.0, 1.0)
    mixed: _Matrix = ((1 - WORDS_SHARE) * cosine + WORDS_SHARE * _shared_words(texts)).astype(np.float32)
    return mixed


def _shared_words(texts: Sequence[str]) -> _Matrix:
    """Cosine over informative terms, each weighing more the fewer of the texts use it."""
    terms = [informative_terms(text) for text in texts]
    frequency = Counter(term for found in terms for term in found)
    weights = np.zeros((len(texts), COLUMNS), dtype=np.float32)
    for row, found in enumerate(terms):
        for term in found:
            weights[row, crc32(term.encode("utf-8", "replace")) % COLUMNS] += log(1 + len(texts) / frequency[term])
    norms = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = weights / np.where(norms == 0, 1, norms)
    shared: _Matrix = (unit @ unit.T).astype(np.float32)
    return shared
