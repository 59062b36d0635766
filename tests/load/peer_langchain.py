"""LangChain: BM25Retriever as it comes and with jieba, and the ensemble with Chroma over our embedder."""

# Peers are installed beside the environment, where mypy does not look.
# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from typing import Any

from langchain_chroma import Chroma
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever

from tests.load.peer_sets import CANDIDATES, DEPTH, Ask, Texts, vectors, words

_BATCH = 5_000


def bm25_default(texts: Texts) -> Ask:
    """Cuts at white space."""
    return _asking(_bm25(texts, DEPTH))


def bm25_words(texts: Texts) -> Ask:
    """With `preprocess_func`, as LangChain's guides for Chinese have it."""
    return _asking(_bm25(texts, DEPTH, preprocess_func=words))


def ensemble(texts: Texts) -> Ask:
    """Reciprocal rank fusion in equal shares of BM25 over words and Chroma."""
    store = Chroma(
        "peer", _Embeddings(), persist_directory=str(texts.folder), collection_metadata={"hnsw:space": "cosine"}
    )
    for at in range(0, len(texts.ids), _BATCH):
        ids = texts.ids[at : at + _BATCH]
        store.add_texts(texts.texts[at : at + _BATCH], [{"id": name} for name in ids], ids=ids)
    near = store.as_retriever(search_kwargs={"k": min(CANDIDATES, len(texts.ids))})
    lexical = _bm25(texts, CANDIDATES, preprocess_func=words)
    return _asking(EnsembleRetriever(retrievers=[lexical, near], weights=[0.5, 0.5], id_key="id"))


class _Embeddings:
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return vectors(texts)

    def embed_query(self, text: str) -> list[float]:
        return vectors([text])[0]


def _bm25(texts: Texts, k: int, **how: Any) -> Any:
    return BM25Retriever.from_texts(texts.texts, metadatas=[{"id": name} for name in texts.ids], k=k, **how)


def _asking(retriever: Any) -> Ask:
    return lambda question: [found.metadata["id"] for found in retriever.invoke(question)]
