from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.documents import DocumentKind, DocumentVersion, PassageText, Source, VersionStatus
from knowledge.errors import ApproverNotAllowed, DocumentNotFound, VersionWithdrawn
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

NEW_YEAR = date(2026, 1, 1)
SHEET = {
    "code": "CK-DQ",
    "name": "整存整取",
    "product_kind": "deposit",
    "issuer": "示例银行",
    "sold_as": "own",
    "term": {"text": "一年", "days": 365},
    "minimum": {"text": "50元起", "amount": "50"},
    "redemption": {"text": "到期支取"},
    "effective_from": "2026-01-01",
}


@pytest.fixture
def store(database: Database) -> KnowledgeStore:
    return KnowledgeStore(database)


def add(store: KnowledgeStore, document_id: str = "leaflet", **changes: Any) -> DocumentVersion:
    values: dict[str, Any] = {
        "kind": DocumentKind.PRODUCT,
        "title": "定期存款说明",
        "passages": [PassageText("一年期0.95%", Source("a.md", page=2, heading="利率"), ("定期多少利息",))],
        "effective_from": NEW_YEAR,
        "content_hash": "h1",
        "uploaded_by": "cli",
    }
    return store.add_version(document_id, **{**values, **changes})


def approved(store: KnowledgeStore, document_id: str = "leaflet", **changes: Any) -> DocumentVersion:
    return store.approve(add(store, document_id, **changes).version_id, "curator1")


def test_a_draft_version_is_stored_but_not_served(store: KnowledgeStore) -> None:
    before = store.revision()
    version = add(store, branches=["chengdong"], roles=["relationship_manager"], product_code="CK-DQ")
    assert (version.version_id, version.status) == ("leaflet@v1", VersionStatus.DRAFT)
    assert list(store.passages()) == []
    assert store.revision() == before
    passage = store.passage("leaflet@v1#p1")
    assert passage.source == Source("a.md", page=2, heading="利率")
    assert passage.known_questions == ("定期多少利息",)
    assert (passage.branches, passage.roles) == (frozenset({"chengdong"}), frozenset({"relationship_manager"}))
    assert passage.product_code == "CK-DQ"


def test_the_same_wording_is_not_stored_twice(store: KnowledgeStore) -> None:
    first = add(store)
    assert add(store) == first
    assert add(store, effective_from=NEW_YEAR + timedelta(days=9)) == first
    assert len(store.versions("leaflet")) == 1


def test_a_wording_that_returns_after_another_one_is_a_new_version(store: KnowledgeStore) -> None:
    for day, content in enumerate(("old", "new", "old")):
        approved(store, content_hash=content, effective_from=NEW_YEAR + timedelta(days=day))
    assert [version.version for version in store.versions("leaflet")] == [1, 2, 3]
    assert store.version("leaflet@v3").in_force_on(NEW_YEAR + timedelta(days=5))


def test_loading_two_numbered_versions_again_changes_nothing(store: KnowledgeStore) -> None:
    for _ in range(2):
        for number, content in ((1, "old"), (2, "new")):
            approved(store, content_hash=content, version=number, effective_from=NEW_YEAR + timedelta(days=number))
    assert [version.content_hash for version in store.versions("leaflet")] == ["old", "new"]


def test_a_taken_number_counts_up(store: KnowledgeStore) -> None:
    add(store, version=2)
    assert add(store, version=2, content_hash="h2").version == 3


def test_approving_ends_the_version_before_and_changes_the_revision(store: KnowledgeStore) -> None:
    approved(store)
    before = store.revision()
    day = NEW_YEAR + timedelta(days=30)
    approved(store, content_hash="h2", effective_from=day)
    assert store.version("leaflet@v1").effective_until == day
    assert store.revision() > before
    assert [passage.passage_id for passage in store.passages()] == ["leaflet@v1#p1", "leaflet@v2#p1"]
    assert next(store.passages()).effective_until == day  # and the reader may stop half way


def test_a_version_with_the_same_first_day_replaces_the_other_whole(store: KnowledgeStore) -> None:
    approved(store)
    approved(store, content_hash="h2")
    assert [passage.passage_id for passage in store.passages()] == ["leaflet@v2#p1"]


def test_approving_twice_changes_nothing(store: KnowledgeStore) -> None:
    version = approved(store)
    before = store.revision()
    assert store.approve(version.version_id, "curator2") == version
    assert store.revision() == before


def test_the_uploader_may_not_approve(store: KnowledgeStore) -> None:
    with pytest.raises(ApproverNotAllowed):
        store.approve(add(store, uploaded_by="curator1").version_id, "curator1")


def test_a_withdrawn_version_is_not_served_and_stays_withdrawn(store: KnowledgeStore) -> None:
    version = approved(store)
    before = store.revision()
    assert store.withdraw(version.version_id, "officer1").status is VersionStatus.WITHDRAWN
    assert store.revision() > before
    assert list(store.passages()) == []
    assert add(store) == store.version(version.version_id)  # loading the folder again does not bring it back
    with pytest.raises(VersionWithdrawn):
        store.approve(version.version_id, "curator1")
    assert approved(store, effective_from=NEW_YEAR + timedelta(days=9)).version == 2


def test_unknown_versions_and_passages_are_said(store: KnowledgeStore) -> None:
    for ask in (lambda: store.version("x@v1"), lambda: store.approve("x", "y"), lambda: store.passage("x#p1")):
        with pytest.raises(DocumentNotFound):
            ask()
    assert store.passages_by_ids(["x", "\ud800\x00"]) == {}


def test_a_change_joins_the_transaction_of_the_caller(store: KnowledgeStore) -> None:
    version = add(store)

    def approve_both() -> None:
        with store.database.writing() as conn:
            store.approve(version.version_id, "curator1", conn=conn)
            store.approve("unknown@v1", "curator1", conn=conn)

    with pytest.raises(DocumentNotFound):
        approve_both()
    assert store.version(version.version_id).status is VersionStatus.DRAFT


def test_payloads_are_those_in_force_on_the_day(store: KnowledgeStore) -> None:
    approved(store, payload={"id": "old"}, effective_until=NEW_YEAR + timedelta(days=10))
    add(store, "other", payload={"id": "draft"})
    approved(store, "plain")
    assert [version.payload for version in store.payloads(DocumentKind.PRODUCT, NEW_YEAR)] == [{"id": "old"}]
    assert store.payloads(DocumentKind.PRODUCT, NEW_YEAR + timedelta(days=10)) == []
    assert store.payloads(DocumentKind.FAQ, NEW_YEAR) == []


def test_product_sheets_come_with_the_dates_of_their_version(store: KnowledgeStore) -> None:
    until = NEW_YEAR + timedelta(days=10)
    approved(store, payload=SHEET, product_code="CK-DQ", effective_until=until)
    [(sheet, first, last)] = store.products()
    assert (sheet.code, str(sheet.minimum.amount), first, last) == ("CK-DQ", "50", NEW_YEAR, until)


def test_vectors_are_kept_for_each_embedder(store: KnowledgeStore) -> None:
    store.store_embeddings("a", {f"k{number}": bytes([number % 256]) for number in range(2500)})
    store.store_embeddings("b", {"k1": b"other"})
    store.store_embeddings("b", {"k1": b"ignored"})
    store.store_embeddings("b", {})
    assert len(store.embeddings("a", [f"k{number}" for number in range(3000)])) == 2500
    assert store.embeddings("b", ["k1", "k2"]) == {"k1": b"other"}


def test_many_passages_are_read_in_order_of_their_ids(store: KnowledgeStore) -> None:
    for name in ("b", "A", "中"):
        approved(store, name, passages=[PassageText(f"第{number}段") for number in range(600)])
    ids = [passage.passage_id for passage in store.passages()]
    assert len(ids) == 1800
    assert ids == sorted(ids)
    assert [passage.text for passage in store.passages_of("b@v1")][:2] == ["第0段", "第1段"]
    assert len(store.passages_by_ids(ids)) == 1800


def test_two_uploads_at_once_get_two_numbers(store: KnowledgeStore) -> None:
    threads = [threading.Thread(target=add, args=(store,), kwargs={"content_hash": f"h{n}"}) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [version.version for version in store.versions("leaflet")] == [1, 2, 3, 4, 5, 6]


spans = st.tuples(st.integers(0, 20), st.one_of(st.none(), st.integers(1, 20)))
steps = st.lists(st.tuples(spans, st.sampled_from(["approve", "approve", "approve", "draft", "withdraw"])), max_size=8)


@pytest.mark.parametrize("engine", ["sqlite"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_at_most_one_version_is_in_force_on_any_day(
    store: KnowledgeStore, steps: list[tuple[tuple[int, int | None], str]]
) -> None:
    document_id = f"doc{len(store.versions())}"
    for number, ((first, length), what) in enumerate(steps):
        begins = NEW_YEAR + timedelta(days=first)
        until = None if length is None else begins + timedelta(days=length)
        version = add(store, document_id, content_hash=str(number), effective_from=begins, effective_until=until)
        if what != "draft":
            store.approve(version.version_id, "curator1")
        if what == "withdraw":
            store.withdraw(version.version_id, "curator1")
    versions = store.versions(document_id)
    for day in range(45):
        on = NEW_YEAR + timedelta(days=day)
        assert sum(version.in_force_on(on) for version in versions) <= 1
    if versions and steps[-1][1] == "approve":
        assert versions[-1].in_force_on(versions[-1].effective_from)
