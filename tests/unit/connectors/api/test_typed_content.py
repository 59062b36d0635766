"""Typed content over the API: the payload is what is edited, and the passages follow."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from knowledge.documents import DocumentKind, PassageText
from tests.unit.connectors.api.house import NOW, ApiHouse

DATA: dict[str, Any] = {
    "id": "F1",
    "question": "能提前取吗",
    "situation": "liquidity",
    "answer": "能取。",
    "effective_from": "2026-11-01",
}


def test_passages_of_typed_content_follow_from_the_payload_alone(house: ApiHouse) -> None:
    payload: dict[str, Any] = {"content": "known_question", "data": DATA}
    version = house.services.store.add_version(
        "faq-F1",
        DocumentKind.FAQ,
        "能提前取吗",
        [PassageText("问：能提前取吗\n答：能取。")],
        effective_from=house.services.today(),
        uploaded_by="curator1",
        payload=payload,
        now=NOW,
    )
    own = f"/versions/{version.version_id}"
    (passage,) = house.json("GET", f"{own}/passages")["passages"]
    address = f"/passages/{quote(passage['passage_id'])}"
    edit = {"text": "改", "expected": passage["text"]}
    assert house.refused("PUT", address, json=edit) == (409, "typed_content")
    assert house.refused("POST", f"{own}/passages", json={"text": "加"}) == (409, "typed_content")
    assert house.refused("DELETE", address) == (409, "typed_content")

    wanted = {"payload": {**payload, "data": {**DATA, "answer": "满三个月能取，问13800138000。"}}}
    stored = house.json("PUT", f"{own}/payload", json=wanted)
    (after,) = house.json("GET", f"{own}/passages")["passages"]
    assert "满三个月能取" in after["text"]
    assert "13800138000" not in f"{stored}{after}"
    assert len(house.json("GET", f"{own}/history")["revisions"]) == 1
    renamed = {"payload": {**payload, "data": {**DATA, "id": "F2"}}}
    assert house.refused("PUT", f"{own}/payload", json=renamed) == (422, "details_invalid")
