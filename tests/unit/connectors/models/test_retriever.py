"""The one retrieval behind langchain's own interface."""

from datetime import date

import pytest
from langchain_core.retrievers import BaseRetriever

from connectors.models.retriever import WainaoRetriever
from knowledge.documents import WHOLE_BANK, Scope
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever
from tests.unit.knowledge.retrieval.passages import ON, passage

ROWS = (
    passage("gold", "黄金积存一克起。", title="黄金积存"),
    passage("east", "东区黄金积存费率八折。", branches=frozenset({"east"})),
)
KNOWLEDGE = KnowledgeRetriever(PassagesInMemory(rows=ROWS))


def retriever(scope: Scope | None = WHOLE_BANK, *, also_unsure: bool = False) -> BaseRetriever:
    return WainaoRetriever(knowledge=KNOWLEDGE, scope=lambda: scope, today=lambda: ON, also_unsure=also_unsure)


def test_documents_carry_text_citation_and_source() -> None:
    [document] = retriever().invoke("黄金积存一克起")
    assert document.page_content == "黄金积存一克起。"
    assert document.id == document.metadata["passage_id"] == "gold"
    assert {"title", "version", "source", "score", "scores", "effective_from"} <= document.metadata.keys()


def test_the_scope_is_that_of_the_caller() -> None:
    found = retriever(Scope(branches=frozenset({"east"}))).invoke("黄金积存费率")
    assert {document.id for document in found} == {"gold", "east"}


def test_another_day_may_be_asked_for() -> None:
    assert retriever().invoke("黄金积存", on=date(2025, 1, 1)) == []


def test_nothing_comes_where_retrieval_abstains_unless_it_is_wanted() -> None:
    assert retriever().invoke("黄金天气预报今天怎么样明天后天") == []
    assert retriever(also_unsure=True).invoke("黄金天气预报今天怎么样明天后天") != []


def test_a_token_that_counts_no_longer_is_refused() -> None:
    with pytest.raises(PermissionError):
        retriever(None).invoke("黄金")
