"""LlamaIndex: BM25Retriever over texts cut by jieba, and its fusion with a vector index over our embedder."""

# Peers are installed beside the environment, where mypy does not look.
# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import TextNode
from llama_index.retrievers.bm25 import BM25Retriever

from tests.load.peer_sets import CANDIDATES, DEPTH, Ask, Texts, vectors, words


def bm25(texts: Texts) -> Ask:
    """BM25 as LlamaIndex can be set for Chinese: words with spaces between, every word kept, no stemmer."""
    retriever = _bm25(_nodes(texts, {}), min(DEPTH, len(texts.ids)))
    return lambda question: [found.node.node_id for found in retriever.retrieve(_cut(question))]


def fusion(texts: Texts) -> Ask:
    """QueryFusionRetriever by reciprocal rank, without a model that rewords the question."""
    raw: dict[str, str] = {}
    nodes, depth = _nodes(texts, raw), min(CANDIDATES, len(texts.ids))
    index = VectorStoreIndex(nodes, embed_model=_embedding(raw))
    retriever = QueryFusionRetriever(
        [_bm25(nodes, depth), index.as_retriever(similarity_top_k=depth)],
        llm=MockLLM(),
        mode="reciprocal_rerank",
        similarity_top_k=DEPTH,
        num_queries=1,
        use_async=False,
    )

    def ask(question: str) -> list[str]:
        cut = _cut(question)
        raw[cut] = question
        return [found.node.node_id for found in retriever.retrieve(cut)]

    return ask


def _cut(text: str) -> str:
    return " ".join(words(text))


def _nodes(texts: Texts, raw: dict[str, str]) -> list[Any]:
    """One node a passage, holding the text that was cut; `raw` gets the text as it was."""
    nodes = []
    for name, text in zip(texts.ids, texts.texts, strict=True):
        cut = _cut(text)
        raw[cut] = text
        nodes.append(TextNode(id_=name, text=cut))
    return nodes


def _bm25(nodes: list[Any], depth: int) -> Any:
    return BM25Retriever.from_defaults(
        nodes=nodes, similarity_top_k=depth, language=[], skip_stemming=True, token_pattern=r"(?u)\S+"
    )


def _embedding(raw: dict[str, str]) -> Any:
    """Our embedder, which is given the texts as they were."""

    class Embedding(BaseEmbedding):  # type: ignore[misc]
        def _get_text_embedding(self, text: str) -> list[float]:
            return vectors([raw.get(text, text)])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return vectors([raw.get(text, text) for text in texts])

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    return Embedding(embed_batch_size=256)
