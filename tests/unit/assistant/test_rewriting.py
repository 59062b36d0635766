"""Typed documents are edited as what they are: payload and passages change together, on a real database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assistant.curating import Curating
from knowledge.documents import DocumentKind, DocumentVersion, PassageText, VersionStatus
from knowledge.errors import ApproverNotAllowed, CuratorNotAllowed, DetailsInvalid, TypedContent, VersionNotDraft
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.typed.written import read_written, written
from knowledge.stores.editing import DraftEditing, fingerprint
from tests.unit.assistant.test_curating import DAY, NOW, curating, draft

__all__ = ["curating"]

KNOWN: dict[str, object] = {
    "content": "known_question",
    "data": {
        "id": "F1",
        "question": "能提前取吗",
        "situation": "liquidity",
        "known_questions": ["中途能拿出来吗"],
        "answer": "能取。",
        "effective_from": "2026-03-02",
    },
}


def typed(curating: Curating) -> DocumentVersion:
    return curating.store.add_version(
        "faq-F1",
        DocumentKind.FAQ,
        "能提前取吗",
        [PassageText("问：能提前取吗\n答：能取。", known_questions=("中途能拿出来吗",))],
        effective_from=DAY,
        uploaded_by="curator1",
        payload=KNOWN,
        now=NOW,
    )


def edited(curating: Curating, version: DocumentVersion, **changed: str) -> ReadDocument:
    text = written(version)
    for before, after in changed.items():
        text = text.replace(before, after)
    return read_written(text, version, [])


def test_an_edit_changes_payload_and_passage_as_one(curating: Curating) -> None:
    version = typed(curating)
    document = edited(curating, version, **{"能取。": "满三个月能取。"})
    after = curating.rewrite(version.version_id, document, expected=fingerprint(version), by="curator2", now=NOW)
    (passage,) = curating.store.passages_of(version.version_id)
    data: Any = (after.payload or {})["data"]
    assert data["answer"] == "满三个月能取。"
    assert passage.text == "问：能提前取吗\n答：满三个月能取。"
    (revision,) = DraftEditing(curating.store).revisions(version.version_id)
    assert (revision.edited_by, revision.passage_id) == ("curator2", passage.passage_id)
    assert (revision.before or {})["text"].endswith("能取。")
    assert after.editors == ("curator2",)
    curating.submit(version.version_id, by="curator1", now=NOW)
    with pytest.raises(ApproverNotAllowed):
        curating.approve(version.version_id, by="curator2", now=NOW)


def test_an_edit_of_what_somebody_else_changed_is_refused_whole(curating: Curating) -> None:
    version = typed(curating)
    first = edited(curating, version, **{"能取。": "甲的答案。"})
    curating.rewrite(version.version_id, first, expected=fingerprint(version), by="curator1", now=NOW)
    second = edited(curating, version, **{"能取。": "乙的答案。"})
    with pytest.raises(DetailsInvalid) as refused:
        curating.rewrite(version.version_id, second, expected=fingerprint(version), by="curator2", now=NOW)
    assert refused.value.ids["reason"] == "changed_meanwhile"
    (passage,) = curating.store.passages_of(version.version_id)
    assert "甲的答案" in passage.text
    assert len(DraftEditing(curating.store).revisions(version.version_id)) == 1


def test_personal_data_is_masked_in_payload_and_passage(curating: Curating) -> None:
    version = typed(curating)
    document = edited(curating, version, **{"能取。": "打13800138000问我。"})
    after = curating.rewrite(version.version_id, document, expected=fingerprint(version), by="curator1", now=NOW)
    (passage,) = curating.store.passages_of(version.version_id)
    assert "13800138000" not in f"{after.payload}{passage.text}"
    revisions = DraftEditing(curating.store).revisions(version.version_id)
    assert "13800138000" not in str(revisions)


def test_passages_of_typed_content_are_not_edited_alone(curating: Curating) -> None:
    version = typed(curating)
    (passage,) = curating.store.passages_of(version.version_id)
    with pytest.raises(TypedContent):
        curating.edit_passage(passage.passage_id, PassageText("改。"), expected=passage.text, by="curator1", now=NOW)
    with pytest.raises(TypedContent):
        curating.add_passage(version.version_id, PassageText("加。"), by="curator1", now=NOW)
    with pytest.raises(TypedContent):
        curating.remove_passage(passage.passage_id, by="curator1", now=NOW)
    assert [each.text for each in curating.store.passages_of(version.version_id)] == [passage.text]


def test_only_curators_rewrite_and_only_drafts(curating: Curating) -> None:
    version = typed(curating)
    document = edited(curating, version)
    with pytest.raises(CuratorNotAllowed):
        curating.rewrite(version.version_id, document, expected=fingerprint(version), by="rm001", now=NOW)
    approved = curating.approve(version.version_id, by="curator2", now=NOW)
    assert approved.status is VersionStatus.APPROVED
    with pytest.raises(VersionNotDraft):
        curating.rewrite(version.version_id, document, expected=fingerprint(approved), by="curator1", now=NOW)


def test_dates_of_the_content_become_those_of_the_version(curating: Curating) -> None:
    version = typed(curating)
    document = edited(curating, version, **{"2026-03-02": "2026-05-01"})
    after = curating.rewrite(version.version_id, document, expected=fingerprint(version), by="curator1", now=NOW)
    assert after.effective_from.isoformat() == "2026-05-01"
    late = replace(document, effective_until=document.effective_from)
    with pytest.raises(DetailsInvalid):
        curating.rewrite(version.version_id, late, expected=fingerprint(after), by="curator1", now=NOW)


def test_a_payload_that_is_set_takes_its_passages_along_and_is_masked(curating: Curating) -> None:
    version = typed(curating)
    data: Any = KNOWN["data"]
    payload: dict[str, object] = {**KNOWN, "data": {**data, "answer": "能，打13800138000。"}}
    after = curating.set_payload(version.version_id, payload, product_code=None, by="curator1", now=NOW)
    (passage,) = curating.store.passages_of(version.version_id)
    assert passage.text.startswith("问：能提前取吗\n答：能，打")
    assert "13800138000" not in f"{after.payload}{passage.text}"


@pytest.mark.parametrize(
    "payload",
    [
        {"content": "known_question", "data": {"id": "F1"}},
        {"content": "known_question", "data": {**KNOWN["data"], "id": "F2"}},  # type: ignore[dict-item]
        {"content": "playbook", "data": {"header": {}, "sections": {}}},
        {"content": "product", "data": {"code": "X"}},
        {"content": ["a list"]},
    ],
)
def test_a_payload_that_nobody_could_read_is_refused(curating: Curating, payload: dict[str, object]) -> None:
    version = typed(curating)
    with pytest.raises(DetailsInvalid) as refused:
        curating.set_payload(version.version_id, payload, product_code=None, by="curator1", now=NOW)
    assert refused.value.ids["reason"] == "payload"
    assert curating.store.version(version.version_id).payload == KNOWN


def test_a_plain_document_with_a_note_keeps_its_passages(curating: Curating) -> None:
    version = draft(curating, "原文。")
    payload: dict[str, object] = {"content": "note", "data": {"by": "打13800138000"}}
    after = curating.set_payload(version.version_id, payload, product_code=None, by="curator1", now=NOW)
    assert "13800138000" not in str(after.payload)
    assert [each.text for each in curating.store.passages_of(version.version_id)] == ["原文。"]
