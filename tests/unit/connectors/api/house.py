"""A small bank behind the API: a document for every audience and stage, a token for every role."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from app import build_services
from assistant.records.staff import Branch, StaffMember
from assistant.records.tickets import Ticket
from assistant.settings import Settings
from connectors.api.api import api_app
from connectors.services import Services
from knowledge.documents import DocumentKind, DocumentVersion, PassageText, Source
from knowledge.ingestion.extracted import Block, BlockKind, joined

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
TODAY = date(2026, 11, 23)
MEMBERS = {
    "rm1": ("relationship_manager", "chengdong", ("gold",)),
    "rm2": ("relationship_manager", "binhe", ()),
    "curator1": ("curator", "linjiang", ()),
    "curator2": ("curator", "linjiang", ()),
    "officer1": ("compliance_officer", "linjiang", ()),
    "head1": ("head_of_retail", "linjiang", ()),
    "admin1": ("admin", "linjiang", ()),
}
MAY_READ = {  # in force today, by whom among the relationship managers
    "open": {"rm1", "rm2"},
    "上级/文件": {"rm1", "rm2"},
    "east": {"rm1"},
    "river": {"rm2"},
    "managers": {"rm1", "rm2"},
    "curators": set(),
    "gold": {"rm1"},
    "both": {"rm1"},
    "life": {"rm1", "rm2"},
}
HIDDEN = ("draft", "asked", "ended", "later", "gone")


def secret(document_id: str, version: int = 1) -> str:
    """A word that stands in this version only."""
    return f"暗号{hashlib.sha256(f'{document_id}@{version}'.encode()).hexdigest()[:10]}"


@dataclass
class ApiHouse:
    """The API over built services."""

    services: Services
    app: FastAPI
    client: TestClient
    tokens: dict[str, str]

    def call(self, method: str, path: str, by: str | None = "curator1", **more: Any) -> Any:
        """The response to one request below /api/v1/knowledge."""
        headers = {**({"Authorization": f"Bearer {self.tokens[by]}"} if by else {}), **more.pop("headers", {})}
        return self.client.request(method, f"/api/v1/knowledge{path}", headers=headers, **more)

    def json(self, method: str, path: str, by: str = "curator1", *, status: int = 200, **more: Any) -> Any:
        """What it answers."""
        response = self.call(method, path, by, **more)
        assert response.status_code == status, response.text
        return response.json()

    def refused(self, method: str, path: str, by: str | None = "curator1", **more: Any) -> tuple[int, str]:
        """Status and code of a refusal, which must have the agreed shape."""
        response = self.call(method, path, by, **more)
        body = response.json()
        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "message", "hint"}
        assert body["error"]["message"]
        return response.status_code, body["error"]["code"]


@contextmanager
def open_house(home: Path, url: str) -> Iterator[ApiHouse]:
    """The bank in a migrated, empty database."""
    services = build_services(Settings(home=home, database_url=url), clock=lambda: NOW)
    try:
        tokens = _people(services)
        _fill(services)
        root = FastAPI(openapi_url=None)
        root.mount("/api/v1", api_app(services))
        with TestClient(root, raise_server_exceptions=False) as client:
            yield ApiHouse(services, root, client, tokens)
    finally:
        services.close()


def _people(services: Services) -> dict[str, str]:
    records, tokens = services.records, {}
    with records.database.writing() as conn:
        records.staff.save_branch(conn, Branch("linjiang", "临江分行"))
        for branch in ("chengdong", "binhe"):
            records.staff.save_branch(conn, Branch(branch, branch, "linjiang"))
        for userid, (role, branch, lines) in MEMBERS.items():
            records.staff.save(conn, StaffMember(userid, userid, role, branch, NOW, lines=lines))
            tokens[userid] = records.api_tokens.create(userid, "test", now=NOW, conn=conn)
        ticket = Ticket("t1", "稳盈能不能质押", "rm1", NOW - timedelta(hours=1), NOW + timedelta(hours=3))
        records.tickets.open(conn, ticket)
    return tokens


def _fill(services: Services) -> None:
    _version(services, "open", lines_of_text=3, with_file=True)
    _version(services, "上级/文件")
    _version(services, "east", branches=["chengdong"])
    _version(services, "river", branches=["binhe"])
    _version(services, "managers", roles=["relationship_manager"])
    _version(services, "curators", roles=["curator"])
    _version(services, "gold", lines=["gold"])
    _version(services, "both", branches=["chengdong"], lines=["gold"])
    _version(services, "life")
    _version(services, "life", version=2, since=TODAY)
    _version(services, "ended", effective_until=TODAY)
    _version(services, "later", since=TODAY + timedelta(days=7))
    store = services.store
    store.withdraw(_version(services, "gone").version_id, "officer1", note="错了", now=NOW)
    _version(services, "draft", approved=False)
    store.submit(_version(services, "asked", approved=False).version_id, "curator2", now=NOW)


def _version(
    services: Services,
    document_id: str,
    *,
    version: int = 1,
    since: date = date(2026, 1, 1),
    approved: bool = True,
    lines_of_text: int = 1,
    with_file: bool = False,
    **more: Any,
) -> DocumentVersion:
    word = secret(document_id, version)
    texts = [f"产品说明第{n}条，{word}，起购金额{n}万元。" for n in range(1, lines_of_text + 1)]
    passages = [PassageText(text, Source(f"{document_id}.md", heading="说明"), (f"{word}是什么",)) for text in texts]
    if with_file:
        with services.records.database.writing() as conn:
            extracted = joined([Block(BlockKind.PARAGRAPH, text) for text in texts])
            content = "\n".join(texts).encode()
            more["file_hash"] = hashlib.sha256(content).hexdigest()
            kept = services.middle_office.files.keep
            kept(conn, more["file_hash"], name="说明.md", size=1, content=content, extracted=extracted, now=NOW)
    made = services.store.add_version(
        document_id,
        DocumentKind.OTHER,
        f"说明 {word}",
        passages,
        effective_from=since,
        content_hash=word,
        uploaded_by="curator1",
        now=NOW,
        **more,
    )
    return services.store.approve(made.version_id, "officer1", now=NOW) if approved else made
