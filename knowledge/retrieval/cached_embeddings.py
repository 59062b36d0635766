"""Vectors by content, computed once and kept in the database, so that a rebuilt index costs no model time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

from knowledge.retrieval.embedding import Embedder, Vectors, as_bytes, from_bytes

_EMBED_AT_ONCE = 512


class EmbeddingStore(Protocol):
    """Where vectors are kept, float32 little-endian by content key."""

    def embeddings(self, embedder_id: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the vectors that are kept."""
        ...

    def store_embeddings(self, embedder_id: str, rows: Mapping[str, bytes]) -> None:
        """Keep vectors for the next rebuild."""
        ...


def content_key(text: str) -> str:
    """The key under which the vector of `text` is kept."""
    return sha256(text.encode(errors="replace")).hexdigest()


class CachedEmbeddings:
    """Called with content keys, gives their vectors: from the store where it has them, else embedded and stored.

    Holds neither texts nor vectors; `texts_of` gives the texts behind some keys.
    """

    def __init__(
        self, store: EmbeddingStore, embedder: Embedder, texts_of: Callable[[Sequence[str]], Sequence[str]]
    ) -> None:
        self._store, self._embedder, self._texts_of = store, embedder, texts_of

    def __call__(self, keys: Sequence[str]) -> Vectors:
        rows = self._store.embeddings(self._embedder.embedder_id, keys)
        missing = [key for key in dict.fromkeys(keys) if key not in rows]
        for start in range(0, len(missing), _EMBED_AT_ONCE):
            part = missing[start : start + _EMBED_AT_ONCE]
            vectors = self._embedder.embed(self._texts_of(part))
            fresh = {key: as_bytes(vector) for key, vector in zip(part, vectors, strict=True)}
            self._store.store_embeddings(self._embedder.embedder_id, fresh)
            rows.update(fresh)
        return from_bytes([rows[key] for key in keys], self._embedder.dimension)
