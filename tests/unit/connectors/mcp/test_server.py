"""The knowledge for other assistants, asked by the protocol's own client over HTTP."""

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import anyio
import httpx2
import pytest
import requests
import uvicorn
from fastapi import FastAPI
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from connectors.mcp.server import mcp_app
from knowledge.documents import Scope
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever
from tests.unit.knowledge.retrieval.passages import ON, passage

ROWS = (
    passage("gold@v1#p1", "黄金积存一克起。", title="黄金积存", document_id="gold", version_id="gold@v1"),
    passage("gold@v1#p2", "黄金随时可卖。", title="黄金积存", document_id="gold", version_id="gold@v1"),
    passage("east@v1#p1", "东区黄金积存费率八折。", document_id="east", branches=frozenset({"east"})),
    passage("old@v1#p1", "黄金积存两克起。", document_id="old", effective_until=date(2026, 2, 1)),
)


@dataclass
class Door:
    """A served door, and the tokens that it knows."""

    url: str
    scopes: dict[str, Scope]

    def ask(self, token: str, work: Callable[[Client], Awaitable[Any]]) -> Any:
        """What `work` gives with a connected client."""

        async def run() -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(self.url, http_client=http)) as client,
            ):
                return await work(client)

        return anyio.run(run)

    def call(self, token: str, tool: str, **arguments: Any) -> Any:
        """What a tool answers."""
        return self.ask(token, lambda client: client.call_tool(tool, arguments))


@pytest.fixture(scope="module")
def served() -> Iterator[Door]:
    scopes = {"wn_east": Scope(branches=frozenset({"east"})), "wn_west": Scope(branches=frozenset({"west"}))}
    app = FastAPI()
    app.mount("/mcp", mcp_app(KnowledgeRetriever(PassagesInMemory(rows=ROWS)), scopes.get, lambda: ON))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Door(f"http://127.0.0.1:{port}/mcp/", scopes)
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def door(served: Door) -> Iterator[Door]:
    kept = dict(served.scopes)
    yield served
    served.scopes.update(kept)


def test_there_are_three_tools_and_each_only_reads(door: Door) -> None:
    listed = door.ask("wn_east", lambda client: client.list_tools())
    assert {tool.name for tool in listed.tools} == {"search_knowledge", "get_passage", "get_document"}
    assert all(tool.annotations.read_only_hint for tool in listed.tools)


def test_a_search_gives_citations_in_the_scope_of_the_token(door: Door) -> None:
    found = door.call("wn_west", "search_knowledge", question="黄金积存几克起").structured_content
    assert found["passages"][0]["passage_id"] == "gold@v1#p1"
    assert found["on"] == ON.isoformat()
    assert {"title", "version", "source", "score", "effective_from"} <= found["passages"][0].keys()
    ids = {row["passage_id"] for row in found["passages"]}
    assert ids == {"gold@v1#p1", "gold@v1#p2"}
    mine = door.call("wn_east", "search_knowledge", question="黄金积存几克起").structured_content
    assert "east@v1#p1" in {row["passage_id"] for row in mine["passages"]}


def test_day_kind_and_number_are_the_callers(door: Door) -> None:
    early = door.call("wn_west", "search_knowledge", question="黄金积存", on="2026-01-15", top_k=2)
    assert len(early.structured_content["passages"]) == 2
    laws = door.call("wn_west", "search_knowledge", question="黄金积存", kinds=["regulation"])
    assert laws.structured_content["passages"] == []
    assert door.call("wn_west", "search_knowledge", question="黄金", top_k=500).is_error


def test_a_document_and_a_passage_are_read_only_if_a_search_could_find_them(door: Door) -> None:
    document = door.call("wn_west", "get_document", document_id="gold").structured_content
    assert [row["text"] for row in document["passages"]] == ["黄金积存一克起。", "黄金随时可卖。"]
    assert door.call("wn_east", "get_passage", passage_id="east@v1#p1").structured_content["document_id"] == "east"
    for tool, arguments in (
        ("get_passage", {"passage_id": "east@v1#p1"}),
        ("get_passage", {"passage_id": "old@v1#p1"}),
        ("get_document", {"document_id": "east"}),
        ("get_document", {"document_id": "no such"}),
    ):
        refused = door.call("wn_west", tool, **arguments)
        assert refused.is_error
        assert "东区" not in str(refused.content)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wn_unknown"}, {"Authorization": "Basic wn_east"}])
def test_without_a_token_that_counts_nothing_is_answered(door: Door, headers: dict[str, str]) -> None:
    answer = requests.post(
        door.url, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers, timeout=5
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_is_refused_at_the_next_call(door: Door) -> None:
    assert not door.call("wn_west", "search_knowledge", question="黄金").is_error
    del door.scopes["wn_west"]
    answer = requests.post(door.url, json={}, headers={"Authorization": "Bearer wn_west"}, timeout=5)
    assert answer.status_code == 401
