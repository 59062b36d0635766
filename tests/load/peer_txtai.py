"""txtai: its hybrid index, BM25 over texts cut by jieba together with vectors of our embedder."""

# Peers are installed beside the environment, where mypy does not look.
# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from typing import Any

from txtai import Embeddings

from tests.load.peer_sets import DEPTH, Ask, Texts, vectors, words


def hybrid(texts: Texts) -> Ask:
    """Equal shares, which is its default; scores normalised, as its guide for hybrid search has it."""
    raw: dict[str, str] = {}

    def transform(given: list[str]) -> list[list[float]]:
        return vectors([raw.get(text, text) for text in given])

    index: Any = Embeddings(
        method="external",
        transform=transform,
        content=False,
        scoring={"method": "bm25", "terms": True, "normalize": True, "tokenizer": {"whitespace": True}},
    )

    def cut(text: str) -> str:
        found = " ".join(words(text))
        raw[found] = text
        return found

    index.index([(name, cut(text), None) for name, text in zip(texts.ids, texts.texts, strict=True)])
    return lambda question: [name for name, _ in index.search(cut(question), DEPTH)]
