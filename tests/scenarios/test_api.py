"""The curator's day through the API on both engines: in, approved, found, replaced, handed to another bank."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app import build_services, now
from assistant.records.staff import StaffMember
from assistant.settings import Settings
from connectors.api.api import api_app
from connectors.services import Services
from tests.conftest import DatabaseFactory

LEAFLET = "# 云帆稳健存单说明\n\n起存金额为三万元。\n\n提前支取按活期计息。\n"
STAFF = ("curator1", "curator2", "officer1", "rm001", "head1")


@dataclass
class Api:
    """The API of one installation and the tokens of its staff."""

    services: Services
    client: TestClient
    tokens: dict[str, str]

    def __call__(self, method: str, path: str, by: str = "curator1", *, status: int = 200, **more: Any) -> Any:
        """What one request answers."""
        headers = {"Authorization": f"Bearer {self.tokens[by]}", **more.pop("headers", {})}
        response = self.client.request(method, f"/api/v1/knowledge{path}", headers=headers, **more)
        assert response.status_code == status, response.text
        binary = not response.headers.get("content-type", "").startswith("application/json")
        return response.content if binary else response.json()

    def read_uploads(self) -> None:
        """What the loading worker does."""
        while self.services.middle_office.loading.step(now()):
            pass


def _api(settings: Settings) -> Api:
    services = build_services(settings)
    tokens = {}
    with services.records.database.writing() as conn:
        for userid in STAFF:
            tokens[userid] = services.records.api_tokens.create(userid, "test", now=now(), conn=conn)
    app = FastAPI(openapi_url=None)
    app.mount("/api/v1", api_app(services))
    return Api(services, TestClient(app, raise_server_exceptions=False), tokens)


@pytest.fixture
def api(new_home: Callable[[], tuple[Path, str]]) -> Iterator[Api]:
    """The sample bank behind the API."""
    home, url = new_home()
    opened = _api(Settings(home=home, database_url=url))
    yield opened
    opened.services.close()


def _found(api: Api, question: str, by: str = "rm001") -> list[str]:
    result = api("POST", "/search", by, json={"query": question})
    return [f"{passage['document_id']}@v{passage['version']}" for passage in result["passages"]]


def test_the_day_of_a_curator(api: Api) -> None:
    question = "云帆稳健存单起存金额是多少"
    file: dict[str, Any] = {
        "files": {"file": ("云帆稳健存单.md", LEAFLET.encode())},
        "headers": {"Idempotency-Key": "day-1"},
    }
    upload = api("POST", "/uploads", status=202, **file)
    assert api("POST", "/uploads", status=202, **file)["upload_id"] == upload["upload_id"]
    other: dict[str, Any] = {**file, "files": {"file": ("another.md", b"x")}}
    assert api("POST", "/uploads", status=409, **other)["error"]["code"] == "idempotency_conflict"
    api.read_uploads()
    done = api("GET", f"/uploads/{upload['upload_id']}")
    assert (done["status"], done["passages"] > 0) == ("loaded", True)
    [version_id] = done["version_ids"]
    at = quote(version_id, safe="")
    assert "三万元" in api("GET", f"/versions/{at}/text")["text"]
    assert api("GET", f"/versions/{at}/file") == LEAFLET.encode()

    passage = next(p for p in api("GET", f"/versions/{at}/passages")["passages"] if "三万元" in p["text"])
    edit = {"text": passage["text"].replace("三万元", "五万元"), "expected": passage["text"]}
    where = f"/passages/{quote(passage['passage_id'], safe='')}"
    assert "五万元" in api("PUT", where, json=edit)["text"]
    assert api("PUT", where, "curator2", status=409, json=edit)["error"]["code"] == "details_invalid"
    added = api("POST", f"/versions/{at}/passages", status=201, json={"text": "可以部分提前支取一次。"})
    api("DELETE", f"/passages/{quote(added['passage_id'], safe='')}", status=204)
    assert len(api("GET", f"/versions/{at}/history")["revisions"]) == 3

    api("PATCH", f"/versions/{at}", json={"title": "云帆稳健存单说明（二）"})
    assert version_id not in _found(api, question)
    assert api("POST", f"/versions/{at}/submit")["stage"] == "in_review"
    assert api("POST", f"/versions/{at}/approve", status=403)["error"]["code"] == "approver_not_allowed"
    assert api("POST", f"/versions/{at}/approve", "officer1")["stage"] == "in_force"
    assert version_id in _found(api, question)

    revised = api("POST", f"/versions/{at}/revise", status=201, json={"effective_from": done["uploaded_at"][:10]})
    next_at = quote(revised["version_id"], safe="")
    old = next(p for p in api("GET", f"/versions/{next_at}/passages")["passages"] if "五万元" in p["text"])
    new = {"text": old["text"].replace("五万元", "八万元"), "expected": old["text"]}
    api("PUT", f"/passages/{quote(old['passage_id'], safe='')}", json=new)
    diff = api("GET", f"/versions/{next_at}/diff?against={at}")
    assert [change["change"] for change in diff["passages"]].count("changed") == 1
    api("POST", f"/versions/{next_at}/approve", "curator2")
    found = _found(api, question)
    assert revised["version_id"] in found
    assert version_id not in found
    api("POST", f"/versions/{next_at}/withdraw", json={"note": "产品下架"})
    assert not {version_id, revised["version_id"]} & set(_found(api, question))
    events = [entry["event"] for entry in api("GET", "/audit?limit=20", "officer1")["entries"]]
    assert {"version_withdrawn", "version_approved", "passage_edited", "document_loaded"} <= set(events)
    assert api("GET", "/audit/verify", "officer1")["whole"] is True


def test_another_bank_reads_the_sample_bank_from_its_export(
    api: Api, new_database: DatabaseFactory, engine: str, tmp_path: Path
) -> None:
    packed = api("GET", "/export")
    there = _installation(new_database(engine="postgresql" if engine == "sqlite" else "sqlite").url, tmp_path)
    try:
        form: dict[str, Any] = {"files": {"file": ("knowledge.zip", packed)}}
        told = there("POST", "/import", **form, data={"dry_run": "true"})
        assert (told["waiting"] > 300, there("GET", "/documents")["total"]) == (True, 0)
        told = there("POST", "/import", "officer1", **form, data={"trust_approvals": "true"})
        assert len(told["new"]) == told["versions"] > 300
        assert there("GET", "/export") == packed
        again = there("POST", "/import", "officer1", **form, data={"trust_approvals": "true"})
        assert len(again["unchanged"]) == told["versions"]
        question = "稳盈90天能提前取吗"
        assert _found(there, question, "head1") == _found(api, question, "head1") != []
        spoilt = io.BytesIO(packed[: len(packed) // 2]).getvalue()
        refusal = there("POST", "/import", status=422, files={"file": ("knowledge.zip", spoilt)})
        assert refusal["error"]["code"] == "import_refused"
    finally:
        there.services.close()


def _installation(url: Any, folder: Path) -> Api:
    """A bank that has staff and knows nothing."""
    shown = url.render_as_string(hide_password=False)
    settings = Settings(home=folder / "there", database_url=shown.replace("+psycopg", ""))
    services = build_services(settings)
    roles = {"curator1": "curator", "officer1": "compliance_officer", "head1": "head_of_retail"}
    with services.records.database.writing() as conn:
        for userid, role in roles.items():
            services.records.staff.save(conn, StaffMember(userid, userid, role, None, now()))
    services.close()
    return _api(settings)
