"""The embedder port, and the default embedder that needs no model: hashed character n-grams.

The default knows nothing of meaning; it only measures how alike two wordings look. It is honest, small, the same on
every machine, and stands in until a bank sets a real model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge.errors import ModelUnusable
from knowledge.retrieval.text import fold, grammar_characters

Vectors = npt.NDArray[np.float32]
_Hashes = npt.NDArray[np.uint64]
_Weights = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of length one. `embedder_id` changes whenever the vectors would."""

    @property
    def embedder_id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of `dimension` per text, each of length one (or all zero for a text without content)."""
        ...

    def embed_question(self, question: str) -> Vectors:
        """One vector of `dimension` for a question that seeks passages; some models want to be told that it is one."""
        ...


# A run of characters weighs as much as its lightest; characters of grammar weigh little.
_GRAMMAR_WEIGHT = 0.3
_SIZES = ((1, 0.35), (2, 1.0), (3, 0.6))
_MIXER = np.uint64(0x9E3779B97F4A7C15)


@cache
def _grammar_codes() -> npt.NDArray[np.uint32]:
    return np.array(sorted(map(ord, grammar_characters())), dtype=np.uint32)


class HashEmbedder:
    """Signed hashing of character n-grams (1 to 3) with sublinear counts; numpy only, no state, deterministic."""

    def __init__(self, dimension: int = 512) -> None:
        self._dimension = dimension

    @property
    def embedder_id(self) -> str:
        """Names algorithm version and dimension."""
        return f"hash-2/{self._dimension}"

    @property
    def dimension(self) -> int:
        """Number of buckets."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._one(fold(text))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)
        return unit

    def embed_question(self, question: str) -> Vectors:
        """A question is a text like any other."""
        vector: Vectors = self.embed([question])[0]
        return vector

    def _one(self, folded: str) -> Vectors:
        codes = np.frombuffer(folded.encode("utf-32-le", errors="replace"), dtype=np.uint32)
        codes = codes[_is_content(codes)]
        total = np.zeros(self._dimension, dtype=np.float32)
        weights = np.where(np.isin(codes, _grammar_codes()), _GRAMMAR_WEIGHT, 1).astype(np.float32)
        for size, share in _SIZES:
            if len(codes) >= size:
                total += self._bucketed(*_grams(codes, weights, size)) * np.float32(share)
        return total

    def _bucketed(self, hashes: _Hashes, weights: _Weights) -> Vectors:
        distinct, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        values = weights[first] * (1 + np.log(counts))
        signs = np.where(distinct >> np.uint64(63), 1.0, -1.0)
        buckets = (distinct % np.uint64(self._dimension)).astype(np.int64)
        return np.bincount(buckets, values * signs, minlength=self._dimension).astype(np.float32)


def _is_content(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Letters, digits and CJK; everything else (spaces, punctuation) is dropped."""
    digit = (codes >= 0x30) & (codes <= 0x39)
    letter = (codes >= 0x61) & (codes <= 0x7A)
    beyond = (codes >= 0x3400) & (codes <= 0x9FFF)
    content: npt.NDArray[np.bool_] = digit | letter | beyond | (codes >= 0x20000)
    return content


def _grams(codes: npt.NDArray[np.uint32], weights: _Weights, size: int) -> tuple[_Hashes, _Weights]:
    """Hash and weight of every run of `size` characters; a run weighs as much as its lightest character."""
    length = len(codes) - size + 1
    hashes = np.full(length, size, dtype=np.uint64)
    lightest = np.ones(length, dtype=np.float32)
    for offset in range(size):
        hashes = (hashes ^ codes[offset : offset + length].astype(np.uint64)) * _MIXER
        hashes ^= hashes >> np.uint64(29)
        lightest = np.minimum(lightest, weights[offset : offset + length])
    return hashes, lightest


def as_bytes(vector: Vectors) -> bytes:
    """A vector as it is stored: float32, little-endian."""
    return vector.astype("<f4").tobytes()


def from_bytes(rows: Sequence[bytes], dimension: int) -> Vectors:
    """Stored vectors as one matrix."""
    return np.frombuffer(b"".join(rows), dtype="<f4").reshape(len(rows), dimension).astype(np.float32)


def load_embedder(
    name: str, adapted: Path | None = None, *, question_instruction: str = "", passage_instruction: str = ""
) -> Embedder:
    """The embedder of this name; instructions as in `Instructions.overridden`, ours and the hashed one need none.

    `own`: the shipped one, or the one adapted in the folder `adapted`; `hash`: hashed n-grams; a folder with an ONNX
    graph, or the graph; else a sentence-transformers model by name or path. Raises: ModelUnusable.
    """
    if name == "own":
        from knowledge.retrieval.embedder.own import OwnEmbedder

        return OwnEmbedder.load(adapted)
    if name == "hash":
        return HashEmbedder()
    told = {"question_instruction": question_instruction, "passage_instruction": passage_instruction}
    from knowledge.retrieval.onnx_folder import is_onnx

    path = Path(name)
    if path.exists() and is_onnx(path):
        from knowledge.retrieval.onnx_embedder import OnnxEmbedder

        return OnnxEmbedder(path, **told)
    if path.is_absolute() and not path.exists():
        raise ModelUnusable(model=name, reason="missing")
    from knowledge.retrieval.neural import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(name, **told)
