"""Another assistant of the bank asks through the mounted door, as the member whose token it carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import requests
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from app import build_services, create_app
from connectors.services import Services
from knowledge.documents import DocumentKind, PassageText
from tests.scenarios.house import settings_of
from tests.serving import running


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def services(new_home: Callable[[], tuple[Path, str]]) -> Iterator[Services]:
    home, url = new_home()
    built = build_services(settings_of(home, url))
    yield built
    built.close()


def call(url: str, token: str, tool: str, **arguments: Any) -> Any:
    async def run() -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await client.call_tool(tool, arguments)

    return anyio.run(run)


def test_a_program_reads_what_its_member_may_read_until_the_token_is_revoked(services: Services) -> None:
    records, store, now, today = services.records, services.store, services.now(), services.today()
    for name, text, branches in (
        ("note", "柜台叫号规则：尊长客户优先叫号。", ()),
        ("local", "滨江支行叫号规则：午间只开两个窗口。", ("nowhere",)),
    ):
        made = store.add_version(
            name,
            DocumentKind.OTHER,
            "叫号规则",
            [PassageText(text)],
            effective_from=today,
            branches=branches,
            uploaded_by="cli",
            now=now,
        )
        store.approve(made.version_id, "curator1", now=now)
    with records.database.writing() as conn:
        token = records.api_tokens.create("rm001", "other assistant", now=now, conn=conn)
    app = create_app(services.settings, records, services=lambda: services)
    with running(app) as url:
        found = call(f"{url}/mcp/", token, "search_knowledge", question="叫号规则").structured_content
        assert [passage["document_id"] for passage in found["passages"]][:1] == ["note"]
        assert "local" not in {passage["document_id"] for passage in found["passages"]}
        assert requests.post(f"{url}/mcp/", json={}, timeout=10).status_code == 401
        with records.database.writing() as conn:
            records.api_tokens.revoke(conn, "rm001", "other assistant", now=now)
        again = requests.post(f"{url}/mcp/", json={}, headers={"Authorization": f"Bearer {token}"}, timeout=10)
        assert again.status_code == 401
