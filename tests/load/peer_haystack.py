"""Haystack: the in-memory store's BM25 as it comes for Chinese and over words, and joined with our vectors."""

# Peers are installed beside the environment, where mypy does not look.
# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from typing import Any

from haystack import Document
from haystack.components.joiners import DocumentJoiner
from haystack.document_stores.in_memory import InMemoryDocumentStore

from tests.load.peer_sets import CANDIDATES, DEPTH, Ask, Texts, vectors, words


def bm25_default(texts: Texts) -> Ask:
    """Its own default for Chinese: one term a character."""
    store = _store(texts, texts.texts)
    return lambda question: [found.id for found in store.bm25_retrieval(question, top_k=DEPTH)]


def bm25_words(texts: Texts) -> Ask:
    """Texts cut by jieba beforehand, and a pattern that keeps the words."""
    store = _store(texts, [_cut(text) for text in texts.texts], bm25_tokenization_regex=r"\S+")
    return lambda question: [found.id for found in store.bm25_retrieval(_cut(question), top_k=DEPTH)]


def hybrid(texts: Texts) -> Ask:
    """Words and vectors, joined by reciprocal rank."""
    store = _store(texts, [_cut(text) for text in texts.texts], vectors(texts.texts), bm25_tokenization_regex=r"\S+")
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=DEPTH)

    def ask(question: str) -> list[str]:
        lexical = store.bm25_retrieval(_cut(question), top_k=CANDIDATES)
        near = store.embedding_retrieval(vectors([question])[0], top_k=CANDIDATES)
        return [found.id for found in joiner.run(documents=[lexical, near])["documents"]]

    return ask


def _cut(text: str) -> str:
    return " ".join(words(text))


def _store(texts: Texts, contents: list[str], embedded: list[list[float]] | None = None, **how: Any) -> Any:
    store = InMemoryDocumentStore(shared=False, **how)
    rows = embedded or [None] * len(contents)  # type: ignore[list-item]
    documents = [
        Document(id=name, content=content, embedding=row)
        for name, content, row in zip(texts.ids, contents, rows, strict=True)
    ]
    store.write_documents(documents)
    return store
