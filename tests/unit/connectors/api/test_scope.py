"""A token never shows what its member may not read, by whichever address it is asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.unit.connectors.api.house import HIDDEN, MAY_READ, ApiHouse, secret

MANAGERS = ("rm1", "rm2")
FOREIGN = {by: [name for name, who in MAY_READ.items() if by not in who] + list(HIDDEN) for by in MANAGERS}


def _words(document_id: str) -> list[str]:
    return [secret(document_id, number) for number in (1, 2)]


@pytest.mark.parametrize("by", MANAGERS)
def test_the_library_of_a_manager_is_what_may_be_read_today(still_house: ApiHouse, by: str) -> None:
    page = still_house.json("GET", "/documents?limit=200", by)
    own = {name for name, who in MAY_READ.items() if by in who}
    assert {document["document_id"] for document in page["documents"]} == own
    assert page["total"] == len(own)
    paged = [still_house.json("GET", f"/documents?limit=1&offset={n}", by)["documents"] for n in range(len(own))]
    assert {documents[0]["document_id"] for documents in paged} == own
    for stage in ("draft", "in_review", "expired", "withdrawn", "scheduled", "superseded"):
        assert still_house.json("GET", f"/documents?stage={stage}", by)["documents"] == []


@pytest.mark.parametrize("by", MANAGERS)
def test_what_may_be_read_is_read_with_its_source(still_house: ApiHouse, by: str) -> None:
    for document_id in (name for name, who in MAY_READ.items() if by in who):
        shown = still_house.json("GET", f"/documents/{quote(document_id, safe='')}", by)
        version_id = quote(shown["current"]["version_id"], safe="")
        passages = still_house.json("GET", f"/versions/{version_id}/passages", by)["passages"]
        assert passages[0]["source"]["heading"] == "说明"
        passage_id = quote(passages[0]["passage_id"], safe="")
        assert still_house.json("GET", f"/passages/{passage_id}", by) == passages[0]
        word = secret(document_id, shown["current"]["version"])
        found = still_house.json("GET", f"/search?query={quote(word)}", by)
        assert document_id in {passage["document_id"] for passage in found["passages"]}


def test_a_superseded_version_does_not_exist_for_a_manager(still_house: ApiHouse) -> None:
    assert [v["version"] for v in still_house.json("GET", "/documents/life/versions", "rm1")["versions"]] == [2]
    assert [v["version"] for v in still_house.json("GET", "/documents/life/versions", "head1")["versions"]] == [1, 2]
    for address in ("/versions/life@v1", "/versions/life@v2/diff?against=life@v1", "/passages/life@v1%23p1"):
        assert still_house.refused("GET", address, "rm1") == (404, "document_not_found")
        assert still_house.call("GET", address, "head1").status_code == 200


@pytest.mark.parametrize("by", MANAGERS)
def test_no_address_shows_a_manager_anything_foreign(still_house: ApiHouse, by: str) -> None:
    description = still_house.client.get("/api/v1/openapi.json").json()
    asked = 0
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            for document_id in FOREIGN[by]:
                address, query = _filled(path, operation, document_id)
                body = _body(description, operation, document_id)
                response = still_house.call(method.upper(), address, by, params=query, **body)
                asked += 1
                assert response.status_code < 500, (method, path)
                for word in _words(document_id):
                    assert word not in response.text.replace(query.get("query", "-"), ""), (method, path, document_id)
    assert asked > 200


def _filled(path: str, operation: dict[str, Any], document_id: str) -> tuple[str, dict[str, str]]:
    ids = {
        "document_id": document_id,
        "version_id": f"{document_id}@v1",
        "passage_id": f"{document_id}@v1#p1",
        "against": f"{document_id}@v1",
        "query": "产品说明起购金额",
        "text": document_id,
        "on": "2026-02-01" if document_id != "later" else "2026-11-24",
    }
    query: dict[str, str] = {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(ids.get(name, "x"), safe=""))
        elif parameter["in"] == "query" and name in ids and name != "on":
            query[name] = ids[name]
    return path.removeprefix("/knowledge"), query


def _body(description: dict[str, Any], operation: dict[str, Any], document_id: str) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        return {"files": {"file": ("a.md", b"x")}}
    if "application/json" not in content:
        return {}
    name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    example = description["components"]["schemas"][name].get("examples", [{}])[0]
    if name == "SearchIn":
        return {"json": {"query": "产品说明起购金额", "top": 100}}
    return {"json": {**example, **({"version_id": f"{document_id}@v1"} if "version_id" in example else {})}}


@pytest.mark.parametrize("by", MANAGERS)
def test_a_manager_changes_nothing_and_hands_nothing_out(still_house: ApiHouse, by: str) -> None:
    description = still_house.client.get("/api/v1/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if method == "get" or path.endswith("/search"):
                continue
            address, _ = _filled(path, operation, "open")
            body = _body(description, operation, "open")
            assert still_house.call(method.upper(), address, by, **body).status_code in (403, 422), (method, path)
    for address in ("/export", "/members", "/audit", "/gaps", "/recalls", "/uploads", "/versions/open@v1/file"):
        assert still_house.refused("GET", address, by) == (403, "api_role_not_allowed")


def test_only_who_reads_everything_asks_in_another_name(still_house: ApiHouse) -> None:
    word = quote(secret("river"))
    assert still_house.refused("GET", f"/search?query={word}&as_userid=rm2", "rm1")[0] == 403
    found = still_house.json("GET", f"/search?query={word}&as_userid=rm2", "head1")
    assert "river" in {passage["document_id"] for passage in found["passages"]}
    own = still_house.json("GET", f"/search?query={word}&as_userid=rm1", "head1")
    assert "river" not in {passage["document_id"] for passage in own["passages"]}
    laid_open = still_house.json(
        "POST", "/search/explain", "head1", json={"query": secret("river"), "as_userid": "rm1"}
    )
    reasons = {c["passage"]["document_id"]: c["reasons"] for c in laid_open["filtered"]}
    assert reasons["river"] == [{"refusal": "other_branch", "detail": "binhe"}]


@pytest.mark.parametrize("by", ["head1", "admin1"])
def test_who_only_reads_changes_nothing(still_house: ApiHouse, by: str) -> None:
    assert still_house.refused("POST", "/versions/draft@v1/submit", by) == (403, "api_role_not_allowed")
    assert still_house.refused("POST", "/uploads", by, files={"file": ("a.md", b"x")})[0] == 403
    assert still_house.json("GET", "/versions/draft@v1", by)["status"] == "draft"
