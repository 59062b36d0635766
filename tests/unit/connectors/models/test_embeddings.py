"""An embedder at an endpoint: what is sent, what is taken, and how long anybody waits for one that does not answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pytest

from connectors.models.embeddings import EndpointEmbedder, endpoint_embedder, is_endpoint
from knowledge.documents import Scope
from knowledge.errors import EmbedderUnavailable, ModelUnusable
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever
from tests.openai_server import (
    Exchange,
    OpenAIServer,
    Script,
    bomb,
    hang,
    not_events,
    reset,
    status,
    ten_megabytes_at_once,
)
from tests.unit.knowledge.retrieval.passages import passage

ON = date(2026, 3, 1)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        running.answers(vectors())
        yield running


def vector_of(text: str) -> list[float]:
    """Something that tells texts apart and has not length one."""
    return [1.0 + len(text), float(sum(map(ord, text)) % 101), 2.0]


def vectors(change: Callable[[dict[str, Any]], object] = lambda _: None) -> Script:
    """The endpoint as it should be, its rows from last to first; `change` may spoil the answer."""

    def script(exchange: Exchange) -> None:
        texts = exchange.request["input"]
        rows = [{"object": "embedding", "index": n, "embedding": vector_of(text)} for n, text in enumerate(texts)]
        answer: dict[str, Any] = {"object": "list", "data": rows[::-1], "model": "m", "usage": {"total_tokens": 1}}
        change(answer)
        exchange.status(200, json.dumps(answer).encode())

    return script


def at_most(count: int, characters: int = 10_000) -> Script:
    """An endpoint that takes so many texts, none longer than that."""

    def script(exchange: Exchange) -> None:
        texts = exchange.request["input"]
        if len(texts) > count or max(map(len, texts)) > characters:
            exchange.status(400, b'{"error": {"message": "too much"}}')
            return
        vectors()(exchange)

    return script


def embedder(server: OpenAIServer, model: str = "m", **options: Any) -> EndpointEmbedder:
    return endpoint_embedder(f"{server.url}#{model}", "secret", **{"timeout_s": 5.0, **options})


def asked(server: OpenAIServer) -> list[Mapping[str, Any]]:
    return [exchange.request for exchange in server.exchanges]


def test_vectors_come_back_in_the_order_of_the_texts_and_of_length_one(server: OpenAIServer) -> None:
    texts = [f"第{number}条" * (number % 5) for number in range(70)]
    found = embedder(server).embed(texts)
    wanted = np.array([vector_of(text or " ") for text in texts])
    assert np.allclose(found, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)
    assert found.dtype == np.float32
    assert server.exchanges[0].headers["authorization"] == "Bearer secret"
    assert {request["model"] for request in asked(server)} == {"m"}


def test_questions_and_passages_are_told_apart_where_the_family_wants_it(server: OpenAIServer) -> None:
    embedder(server, "Qwen/Qwen3-Embedding-0.6B").embed_question("提前赎回")
    embedder(server, "multilingual-e5-base").embed(["手续费"])
    own = embedder(server, "multilingual-e5-base", question_instruction="none", passage_instruction="文：")
    own.embed_question("贷款")
    own.embed(["利率"])
    sent = [text for request in asked(server) for text in request["input"]]
    assert sent[0].startswith("Instruct: ")
    assert sent[0].endswith("\nQuery:提前赎回")
    assert "passage: 手续费" in sent
    assert "贷款" in sent
    assert "文：利率" in sent


def test_the_id_names_place_model_instructions_and_dimension(server: OpenAIServer) -> None:
    plain, other = embedder(server), embedder(server, "bge-large-zh-v1.5")
    assert plain.embedder_id.endswith("#m/plain/?")
    assert (plain.dimension, plain.embedder_id[-2:]) == (3, "/3")
    assert other.dimension == 3
    assert len({plain.embedder_id, other.embedder_id}) == 2
    assert "secret" not in plain.embedder_id


@pytest.mark.parametrize("most", [1, 10, 25])
def test_an_endpoint_that_takes_fewer_at_once_gets_fewer(server: OpenAIServer, most: int) -> None:
    server.answers(at_most(most))
    found = embedder(server).embed([f"{number}" for number in range(60)])
    assert np.allclose(found[59], np.array(vector_of("59")) / np.linalg.norm(vector_of("59")), atol=1e-6)
    assert len(found) == 60


def test_a_text_that_is_too_long_is_cut_until_it_is_taken(server: OpenAIServer) -> None:
    server.answers(at_most(32, characters=500))
    assert embedder(server).embed(["短", "长" * 1800]).shape == (2, 3)


def test_passages_are_tried_again_and_a_question_is_not(server: OpenAIServer) -> None:
    server.answers(status(503), status(429, retry_after="0"), vectors())
    assert embedder(server).embed(["手续费"]).shape == (1, 3)
    server.answers(status(503), vectors())
    with pytest.raises(EmbedderUnavailable):
        embedder(server).embed_question("手续费")


@pytest.mark.parametrize(
    "answer",
    [
        status(401),
        status(404),
        not_events,
        bomb,
        reset,
        ten_megabytes_at_once,
        vectors(lambda answer: answer.pop("data")),
        vectors(lambda answer: answer.update(data=[])),
        vectors(lambda answer: answer.update(data=[{"index": 0, "embedding": [float("nan"), 1.0]}])),
        vectors(lambda answer: answer.update(data=[{"index": 5, "embedding": [1.0, 1.0]}])),
        vectors(lambda answer: answer.update(data=[{"index": 0, "embedding": "AACAPw=="}])),
        vectors(lambda answer: answer.update(data=["x"])),
        vectors(lambda answer: answer.update(data=[{"index": 0, "embedding": []}])),
    ],
)
def test_whatever_else_an_endpoint_answers_is_one_kind_of_failure(server: OpenAIServer, answer: Script) -> None:
    server.answers(answer)
    with pytest.raises(EmbedderUnavailable) as caught:
        embedder(server).embed_question("提前赎回")
    assert "提前" not in str(caught.value.ids)


def test_an_answer_of_another_dimension_is_not_mixed_in(server: OpenAIServer) -> None:
    server.answers(vectors(), vectors(lambda answer: answer.update(data=[{"index": 0, "embedding": [1.0, 2.0]}])))
    one = embedder(server)
    assert one.dimension == 3
    with pytest.raises(EmbedderUnavailable):
        one.embed_question("贷款")


def test_nobody_waits_for_an_endpoint_that_hangs(server: OpenAIServer) -> None:
    server.answers(hang)
    one, began = embedder(server, timeout_s=0.3), time.monotonic()
    for _ in range(20):
        with pytest.raises(EmbedderUnavailable):
            one.embed_question("贷款")
    assert time.monotonic() - began < 2
    assert len(server.exchanges) == 2


def test_without_its_endpoint_search_goes_on_by_words(server: OpenAIServer) -> None:
    rows = (passage("fee", "提前赎回要收手续费。", title="赎回"), passage("card", "工资卡怎么办理。", title="开户"))
    retriever = KnowledgeRetriever(PassagesInMemory(rows=rows), embedder=embedder(server))
    found = retriever.search("提前赎回收手续费吗", scope=Scope(), on=ON).evidence[0]
    assert (found.passage.passage_id, "dense" in found.scores) == ("fee", True)
    server.answers(status(503))
    found = retriever.search("提前赎回要手续费吗", scope=Scope(), on=ON).evidence[0]
    assert (found.passage.passage_id, "dense" in found.scores) == ("fee", False)
    retriever.close()


def test_vectors_that_failed_at_the_start_come_when_the_endpoint_is_back(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.retrieval.following._AGAIN_S", 0.0)
    server.answers(status(401))
    rows = (passage("fee", "提前赎回要收手续费。", title="赎回"),)
    retriever = KnowledgeRetriever(PassagesInMemory(rows=rows), embedder=embedder(server))
    assert retriever.search("赎回手续费", scope=Scope(), on=ON).evidence[0].passage.passage_id == "fee"
    assert not retriever.status.vectors_ready
    server.answers(vectors())
    patient = time.monotonic() + 10
    while not retriever.status.vectors_ready:
        retriever.refresh()
        assert time.monotonic() < patient
        time.sleep(0.05)
    assert "dense" in retriever.search("赎回手续费", scope=Scope(), on=ON).evidence[0].scores
    retriever.close()


@pytest.mark.parametrize(
    "name",
    ["http://host/v1", "http://169.254.169.254/v1#m", "http://user:pw@host/v1#m", "https://#m", "http://h/v1?k=1#m"],
)
def test_an_address_that_cannot_be_right_is_refused_at_the_start(name: str) -> None:
    assert is_endpoint(name)
    with pytest.raises(ModelUnusable, match="model") as caught:
        endpoint_embedder(name)
    assert "WAINAO_EMBEDDER" in caught.value.ids["reason"]
    assert "pw" not in str(caught.value.ids)
