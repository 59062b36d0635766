"""Refusals have one shape, a Chinese sentence and a status that a program can act on; bad input is never a defect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest

from tests.unit.connectors.api.house import NOW, ApiHouse

ODD = ["%00", "%ED%A0%80", "9" * 400, "x" * 5000, "..%2F..%2Fetc%2Fpasswd", "%25", "'%20OR%201=1", "%F0%9F%98%80"]


def test_without_a_token_that_counts_nothing_is_said(house: ApiHouse) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wn_nothing"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer"},
    ):
        status, code = house.refused("GET", "/documents", None, headers=headers)
        assert status == 401
        assert code in {"token_missing", "token_invalid"}
    response = house.call("GET", "/documents", None)
    assert response.headers["WWW-Authenticate"] == "Bearer"
    with house.services.records.database.writing() as conn:
        house.services.records.api_tokens.revoke(conn, "rm1", "test", now=NOW)
    assert house.refused("GET", "/documents", "rm1") == (401, "token_invalid")


def test_a_member_who_left_calls_no_more(house: ApiHouse) -> None:
    staff = house.services.records.staff
    member = staff.get("curator2")
    assert member
    with house.services.records.database.writing() as conn:
        staff.save(conn, replace(member, active=False))
    assert house.refused("GET", "/documents", "curator2") == (401, "token_invalid")


def test_without_a_token_no_body_is_read(still_house: ApiHouse) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/knowledge/import", "headers": [], "query_string": b""}
    anyio.run(still_house.app, {**scope, "http_version": "1.1", "scheme": "http", "client": None}, receive, send)
    assert sent[0]["status"] == 401


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_ids_and_words_find_nothing(still_house: ApiHouse, odd: str) -> None:
    for address in (f"/documents/{odd}", f"/versions/{odd}", f"/versions/{odd}/passages", f"/passages/{odd}"):
        assert still_house.refused("GET", address)[0] in (404, 422), address
    assert still_house.refused("POST", f"/versions/{odd}/approve")[0] in (404, 422)
    for query in (
        f"/documents?text={odd}",
        f"/documents?branch={odd}&line={odd}",
        f"/search?query={odd}",
        f"/audit?actor={odd}",
    ):
        assert still_house.call("GET", query, "officer1").status_code in (200, 422), query


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=201", f"offset={10**30}", "limit=1e3", "kind=x", "stage=", "limit=NaN", "offset="],
)
def test_pages_that_cannot_be_are_refused(still_house: ApiHouse, query: str) -> None:
    assert still_house.refused("GET", f"/documents?{query}") == (422, "input_invalid")


@pytest.mark.parametrize(
    "day", ["0000-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "", "today", "20260101", "1e9"]
)
def test_days_that_cannot_be_are_refused(still_house: ApiHouse, day: str) -> None:
    for address in ("/products", "/conflicts", "/watch/expiring", "/documents/open/in-force"):
        assert still_house.refused("GET", f"{address}?on={day}")[0] in (404, 422)
    assert still_house.refused("POST", "/search", json={"query": "x", "on": day}) == (422, "input_invalid")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"query": "\\ud800"}', b'{"query": "a\\u0000"}', b'{"query": 1}',
     b'{"query": "x", "more": 1}', b'{"query": "x", "top": 1e400}', b'{"query": "' + b"x" * 3000 + b'"}',
     b"[" * 100_000],
)  # fmt: skip
def test_bodies_that_cannot_be_are_refused(still_house: ApiHouse, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert still_house.refused("POST", "/search", content=body, headers=headers)[0] in (400, 422)


def test_what_is_too_large_is_refused_while_it_comes(still_house: ApiHouse) -> None:
    large = b'{"query": "' + b"x" * (3 << 20) + b'"}'
    headers = {"Content-Type": "application/json"}
    assert still_house.refused("POST", "/search", content=large, headers=headers) == (413, "input_too_large")
    file = {"files": {"file": ("a.md", b"x" * (3 << 20))}}
    assert still_house.refused("POST", "/uploads", "rm1", **file) == (413, "input_too_large")


PAYLOADS: list[dict[str, Any]] = [
    {"content": "product"},
    {"content": "known_question", "data": {"id": "x"}},
    {"content": 7},
    {"content": "note", "data": "x" * 600_000},
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_typed_content_that_nobody_can_read_is_not_stored(still_house: ApiHouse, payload: dict[str, Any]) -> None:
    answer = still_house.refused("PUT", "/versions/draft@v1/payload", json={"payload": payload})
    assert answer == (422, "details_invalid")
    assert still_house.json("GET", "/versions/draft@v1")["payload"] is None


def test_numbers_that_are_none_are_not_stored(still_house: ApiHouse) -> None:
    headers = {"Content-Type": "application/json"}
    for number in (b"NaN", b"Infinity", b"1e999"):
        body = b'{"payload": {"content": "note", "n": ' + number + b"}}"
        answer = still_house.refused("PUT", "/versions/draft@v1/payload", content=body, headers=headers)
        assert answer == (422, "details_invalid")


def test_steps_out_of_turn_are_conflicts(still_house: ApiHouse) -> None:
    for address in ("/versions/open@v1/submit", "/versions/gone@v1/approve"):
        assert still_house.refused("POST", address, "curator2")[0] == 409
    assert still_house.refused("PATCH", "/versions/open@v1", json={"title": "新"}) == (409, "version_not_draft")
    assert still_house.refused("PATCH", "/versions/draft@v1", json={"branches": ["nowhere"]}) == (
        422,
        "details_invalid",
    )
    assert still_house.refused("POST", "/versions/draft@v1/send-back", json={"note": "  "}) == (422, "details_invalid")


def test_what_is_left_out_of_a_change_stays(house: ApiHouse) -> None:
    changed = house.json("PATCH", "/versions/draft@v1", json={"effective_until": "2027-01-01", "branches": ["binhe"]})
    assert (changed["effective_until"], changed["branches"]) == ("2027-01-01", ["binhe"])
    kept = house.json("PATCH", "/versions/draft@v1", json={"title": "新题"})
    assert (kept["title"], kept["effective_until"], kept["branches"]) == ("新题", "2027-01-01", ["binhe"])
    assert house.json("PATCH", "/versions/draft@v1", json={"effective_until": None})["effective_until"] is None


def test_gaps_and_recalls_go_through_the_api(house: ApiHouse) -> None:
    [group] = house.json("GET", "/gaps")["gaps"]
    answer = {"ticket_ids": ["t1"], "question": group["title"], "answer": "这款产品目前不支持质押。"}
    written = house.json("POST", "/gaps/answers", status=201, json=answer)
    assert written["status"] == "draft"
    assert house.refused("POST", "/gaps/answers", json=answer) == (409, "ticket_not_open")
    preview = house.json("GET", "/recalls/preview?version_id=open@v1&days=7")
    assert preview["members"] == []
    recall = {"version_id": "open@v1", "reason": "写错了", "say_now": "以最新的产品说明书为准。"}
    done = house.json("POST", "/recalls", status=201, json=recall)
    assert house.json("POST", "/recalls", status=201, json=recall)["recall_id"] == done["recall_id"]
    assert house.json("GET", f"/recalls/{done['recall_id']}") == done
    assert [found["recall_id"] for found in house.json("GET", "/recalls")["recalls"]] == [done["recall_id"]]
    assert house.json("GET", "/versions/open@v1")["status"] == "withdrawn"


def test_people_and_the_log_are_for_officers_and_administrators(still_house: ApiHouse) -> None:
    for address in ("/members", "/branches", "/audit", "/audit/verify"):
        for by in ("officer1", "admin1"):
            still_house.json("GET", address, by)
        for by in ("curator1", "head1", "rm1"):
            assert still_house.refused("GET", address, by) == (403, "api_role_not_allowed")


def test_unknown_addresses_and_methods_are_named(still_house: ApiHouse) -> None:
    assert still_house.refused("GET", "/nothing") == (404, "address_missing")
    assert still_house.refused("DELETE", "/search") == (405, "method_not_allowed")


def test_the_description_needs_no_token_and_names_every_operation(still_house: ApiHouse) -> None:
    description = still_house.client.get("/api/v1/openapi.json").json()
    assert description["servers"] == [{"url": "/api/v1"}]
    assert description["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    names = []
    for path, methods in description["paths"].items():
        for operation in methods.values():
            names.append(operation["operationId"])
            assert operation["summary"], path
            assert operation["tags"], path
            assert operation["security"] == [{"HTTPBearer": []}], path
            assert "401" in operation["responses"], path
    assert len(names) == len(set(names)) > 40
    for name, schema in description["components"]["schemas"].items():
        if name.endswith("In") or name == "PassageEdit":
            assert schema.get("examples") or any("examples" in field for field in schema["properties"].values()), name
