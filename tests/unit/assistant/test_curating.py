"""The life of a version as curators lead it, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from assistant.curating import Curating
from assistant.records.migrate import upgrade
from assistant.records.records import Records
from assistant.records.staff import Branch, StaffMember
from knowledge.documents import DocumentKind, DocumentVersion, PassageText, Stage, VersionStatus
from knowledge.errors import ApproverNotAllowed, CuratorNotAllowed, DetailsInvalid, VersionNotDraft
from knowledge.stores.catalog import Catalog, CatalogFilter
from knowledge.stores.database import Database
from knowledge.stores.editing import Details, DraftEditing
from knowledge.stores.repository import KnowledgeStore

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)


@pytest.fixture
def curating(tmp_path: Path) -> Iterator[Curating]:
    database = Database(f"sqlite:///{tmp_path}/wainao.db", checkpoints=True)
    upgrade(database)
    records = Records.of(database)
    roles = {
        "curator1": "curator",
        "curator2": "curator",
        "officer1": "compliance_officer",
        "rm001": "relationship_manager",
    }
    with database.writing() as conn:
        records.staff.save_branch(conn, Branch("chengdong", "城东支行"))
        for userid, role in roles.items():
            records.staff.save(conn, StaffMember(userid, userid, role, None, NOW))
    yield Curating(records, KnowledgeStore(database))
    database.close()


def draft(curating: Curating, *texts: str, document_id: str = "leaflet", since: date = DAY) -> DocumentVersion:
    return curating.store.add_version(
        document_id,
        DocumentKind.OTHER,
        "稳盈说明",
        [PassageText(text) for text in texts or ("起点金额 1 万元。",)],
        effective_from=since,
        uploaded_by="curator1",
        content_hash="|".join(texts) + str(since),
        now=NOW,
    )


def in_force(curating: Curating, *texts: str, since: date = DAY) -> DocumentVersion:
    return curating.approve(draft(curating, *texts, since=since).version_id, by="curator2", now=NOW)


def test_a_draft_is_handed_in_sent_back_reworded_and_approved_by_somebody_else(curating: Curating) -> None:
    made = draft(curating)
    assert curating.submit(made.version_id, by="curator1", now=NOW).status is VersionStatus.IN_REVIEW
    back = curating.send_back(made.version_id, by="officer1", note="起点金额请核对", now=NOW)
    assert (back.status, back.note) == (VersionStatus.DRAFT, "起点金额请核对")
    passage = curating.store.passages_of(made.version_id)[0]
    changed = PassageText("起点金额 5 万元。", known_questions=("多少钱起买",))
    edited = curating.edit_passage(passage.passage_id, changed, expected=passage.text, by="curator1", now=NOW)
    assert (edited.text, edited.known_questions) == ("起点金额 5 万元。", ("多少钱起买",))
    curating.submit(made.version_id, by="curator1", now=NOW)
    approved = curating.approve(made.version_id, by="officer1", now=NOW)
    assert approved.stage_on(DAY) is Stage.IN_FORCE
    events = [entry.event for entry in curating.records.audit.of_subject(made.version_id)]
    assert events == [
        "version_submitted",
        "version_sent_back",
        "passage_edited",
        "version_submitted",
        "version_approved",
    ]


def test_whoever_edited_a_passage_does_not_approve_it(curating: Curating) -> None:
    made = draft(curating)
    passage = curating.store.passages_of(made.version_id)[0]
    curating.edit_passage(passage.passage_id, PassageText("改过。"), expected=passage.text, by="curator2", now=NOW)
    for by in ("curator1", "curator2"):
        with pytest.raises(ApproverNotAllowed):
            curating.approve(made.version_id, by=by, now=NOW)
        with pytest.raises(ApproverNotAllowed):
            curating.store.approve(made.version_id, by, now=NOW)
    assert curating.approve(made.version_id, by="officer1", now=NOW).status is VersionStatus.APPROVED


def test_an_approved_wording_is_never_changed_in_place(curating: Curating) -> None:
    version = in_force(curating)
    passage = curating.store.passages_of(version.version_id)[0]
    with pytest.raises(VersionNotDraft):
        curating.edit_passage(passage.passage_id, PassageText("改。"), expected=passage.text, by="curator1", now=NOW)
    with pytest.raises(VersionNotDraft):
        curating.set_details(version.version_id, Details("新题目", DAY), by="curator1", now=NOW)
    with pytest.raises(VersionNotDraft):
        curating.remove_passage(passage.passage_id, by="curator1", now=NOW)


def test_a_correction_supersedes_from_its_day_and_rolling_back_brings_the_old_words_again(curating: Curating) -> None:
    first = in_force(curating, "年利率 1.55%。", since=date(2026, 1, 1))
    second = curating.revise(first.version_id, effective_from=DAY, by="curator1", now=NOW)
    passage = curating.store.passages_of(second.version_id)[0]
    changed = PassageText("年利率 1.35%。")
    curating.edit_passage(passage.passage_id, changed, expected=passage.text, by="curator1", now=NOW)
    curating.approve(second.version_id, by="officer1", now=NOW)
    was = curating.store.version(first.version_id)
    assert (was.stage_on(DAY), was.superseded_by, was.effective_until) == (Stage.SUPERSEDED, second.version_id, DAY)
    assert was.stage_on(date(2026, 2, 1)) is Stage.IN_FORCE
    third = curating.revise(first.version_id, effective_from=date(2026, 4, 1), by="curator2", now=NOW)
    curating.approve(third.version_id, by="officer1", now=NOW)
    assert [p.text for p in curating.store.passages_of(third.version_id)] == ["年利率 1.55%。"]
    assert third.derived_from == first.version_id
    assert curating.store.version(second.version_id).stage_on(date(2026, 3, 31)) is Stage.IN_FORCE
    assert curating.store.version(third.version_id).stage_on(DAY) is Stage.SCHEDULED


def test_two_curators_who_edit_the_same_passage_do_not_overwrite_each_other(curating: Curating) -> None:
    passage = curating.store.passages_of(draft(curating).version_id)[0]
    curating.edit_passage(passage.passage_id, PassageText("甲的改法。"), expected=passage.text, by="curator1", now=NOW)
    with pytest.raises(DetailsInvalid) as told:
        curating.edit_passage(passage.passage_id, PassageText("乙。"), expected=passage.text, by="curator2", now=NOW)
    assert told.value.ids["reason"] == "changed_meanwhile"


def test_every_change_of_a_passage_is_kept(curating: Curating) -> None:
    made = draft(curating, "一。", "二。")
    first, second = curating.store.passages_of(made.version_id)
    curating.edit_passage(first.passage_id, PassageText("一改。"), expected="一。", by="curator1", now=NOW)
    added = curating.add_passage(made.version_id, PassageText("三。"), by="curator1", now=NOW)
    curating.remove_passage(second.passage_id, by="curator1", now=NOW)
    assert [p.text for p in curating.store.passages_of(made.version_id)] == ["一改。", "三。"]
    kept = DraftEditing(curating.store).revisions(made.version_id)
    texts = [(item.before and item.before["text"], item.after and item.after["text"]) for item in kept]
    assert texts == [("一。", "一改。"), (None, "三。"), ("二。", None)]
    assert kept[1].passage_id == added.passage_id


def test_personal_data_typed_into_a_passage_is_masked(curating: Curating) -> None:
    added = curating.add_passage(
        draft(curating).version_id, PassageText("客户手机 13912345678 已登记。"), by="curator1", now=NOW
    )
    assert "13912345678" not in added.text


@pytest.mark.parametrize("by", ["rm001", "nobody"])
def test_only_curators_and_officers_touch_knowledge(curating: Curating, by: str) -> None:
    made = draft(curating)
    with pytest.raises(CuratorNotAllowed):
        curating.submit(made.version_id, by=by, now=NOW)
    with pytest.raises(CuratorNotAllowed):
        curating.withdraw(made.version_id, by=by, note="错", now=NOW)


def test_dates_and_audience_must_make_sense(curating: Curating) -> None:
    made = draft(curating)
    for details, field in (
        (Details("", DAY), "title"),
        (Details("题", DAY, DAY), "effective_until"),
        (Details("题", DAY, branches=frozenset({"nowhere"})), "branches"),
    ):
        with pytest.raises(DetailsInvalid) as told:
            curating.set_details(made.version_id, details, by="curator1", now=NOW)
        assert told.value.ids["field"] == field
    kept = curating.set_details(
        made.version_id,
        Details("题", DAY, branches=frozenset({"chengdong"}), lines=frozenset({"理财"})),
        by="curator1",
        now=NOW,
    )
    assert (kept.title, kept.branches, kept.lines) == ("题", frozenset({"chengdong"}), frozenset({"理财"}))


def test_the_library_shows_a_document_once_by_the_version_in_force(curating: Curating) -> None:
    first = in_force(curating, "旧。", since=date(2026, 1, 1))
    newer = curating.revise(first.version_id, effective_from=DAY, by="curator1", now=NOW)
    draft(curating, "另一份", document_id="other_100%")
    catalog = Catalog(curating.store.database)
    page = catalog.page(CatalogFilter(), on=DAY)
    assert {(row.version.version_id, row.stage, row.versions) for row in page.rows} == {
        (first.version_id, Stage.IN_FORCE, 2),
        ("other_100%@v1", Stage.DRAFT, 1),
    }
    drafts = catalog.page(CatalogFilter(stage=Stage.DRAFT), on=DAY)
    assert {row.version.version_id for row in drafts.rows} == {newer.version_id, "other_100%@v1"}
    assert [row.version.document_id for row in catalog.page(CatalogFilter(text="100%"), on=DAY).rows] == ["other_100%"]
    assert catalog.page(CatalogFilter(text="稳盈"), on=DAY).total == 2
    assert catalog.stages(on=DAY)[Stage.DRAFT] == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_version_that_states_its_end_is_superseded_by_the_one_that_begins_then(
    curating: Curating, order: tuple[int, int]
) -> None:
    ending = curating.store.add_version(
        "leaflet", DocumentKind.OTHER, "稳盈说明", [PassageText("旧。")], effective_from=date(2026, 1, 1),
        effective_until=DAY, uploaded_by="curator1", content_hash="old", now=NOW,
    )  # fmt: skip
    following = draft(curating, "新。")
    for place in order:
        curating.approve((ending, following)[place].version_id, by="curator2", now=NOW)
    was = curating.store.version(ending.version_id)
    assert (was.stage_on(DAY), was.superseded_by) == (Stage.SUPERSEDED, following.version_id)
    assert curating.store.version(following.version_id).stage_on(DAY) is Stage.IN_FORCE


def test_a_version_without_a_follower_expires(curating: Curating) -> None:
    made = draft(curating)
    curating.set_details(made.version_id, Details("题", DAY, date(2026, 3, 10)), by="curator1", now=NOW)
    approved = curating.approve(made.version_id, by="curator2", now=NOW)
    assert approved.stage_on(date(2026, 3, 10)) is Stage.EXPIRED
