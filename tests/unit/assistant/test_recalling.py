"""Recalls: whom they reach, what is said, and that nobody is told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assistant.deciding import Deciding
from assistant.errors import EvidenceLapsed, TextNotAllowed
from assistant.records.recalls import Recall
from assistant.records.records import Records
from knowledge.documents import VersionStatus
from knowledge.errors import CuratorNotAllowed, DetailsInvalid, DocumentNotFound
from tests.unit.assistant.middle_office_house import NOW, Office, the_gate

SAY_NOW = "稳盈90天的起购金额以柜面最新说明书为准，我核对后回您。"


@pytest.fixture
def office(records: Records) -> Office:
    return Office.open(records)


def recall(office: Office, version_id: str, *, say_now: str = SAY_NOW, by: str = "curator1", **more: object) -> Recall:
    options = {"days": 7, "reason": "起购金额印错", "withdraw": True, "now": NOW + timedelta(hours=1), **more}
    return office.recalling.recall(version_id, say_now=say_now, by=by, **options)  # type: ignore[arg-type]


def test_a_preview_lists_the_drafts_of_the_days_sent_ones_first(office: Office) -> None:
    version = office.leaflet()
    other = office.leaflet("another")
    office.draft("d1", "rm001", version.version_id)
    office.draft("d2", "rm002", version.version_id, at=NOW - timedelta(hours=1), decision="accepted")
    office.draft("d3", "rm001", version.version_id, at=NOW - timedelta(days=8), decision="edited")
    office.draft("d4", "rm003", version.version_id, verdict="blocked")
    office.draft("d5", "rm003", other.version_id)
    office.draft("d6", "cli", version.version_id, at=NOW - timedelta(hours=2), decision="rejected")

    affected = office.recalling.affected(version.version_id, days=7, now=NOW)

    assert [draft.draft_id for draft in affected.drafts] == ["d2", "d1", "d6"]
    assert [draft.decision for draft in affected.drafts] == ["accepted", "open", "rejected"]
    assert {draft.draft_id: draft.sent for draft in affected.drafts}["d2"]
    assert not {draft.draft_id: draft.sent for draft in affected.drafts}["d1"]
    assert affected.drafts[0].quote == "起购金额1万元"
    assert affected.members == ("rm001", "rm002")  # nobody called cli works here


def test_each_member_gets_one_notice_that_says_what_was_used_and_what_to_say_now(office: Office) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    office.draft("d2", "rm001", version.version_id, at=NOW - timedelta(days=1), decision="accepted")

    made = recall(office, version.version_id)

    [text] = office.queued("rm001")
    assert SAY_NOW in text
    assert "起购金额印错" in text
    assert "3月2日 14:05" in text
    assert text.index("3月1日 14:05") < text.index("3月2日 14:05")  # sent to a customer: comes first
    assert office.queued("rm002") == []
    [notice] = made.notices
    assert (notice.userid, notice.draft_ids, notice.sent_draft_ids) == ("rm001", ("d2", "d1"), ("d2",))
    assert office.store.version(version.version_id).status is VersionStatus.WITHDRAWN
    events = [entry.event for entry in office.records.audit.of_subject(version.version_id)]
    assert events[-2:] == ["version_withdrawn", "version_recalled"]
    assert office.recalling.recent(10) == [made] == [office.recalling.get(made.recall_id)]


def test_the_same_recall_again_tells_only_who_was_not_told(office: Office) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    first = recall(office, version.version_id)
    office.draft("d2", "rm001", version.version_id, at=NOW + timedelta(minutes=5))
    office.draft("d3", "rm002", version.version_id, at=NOW + timedelta(minutes=5))

    again = recall(office, version.version_id)

    assert again.recall_id == first.recall_id
    assert len(office.queued("rm001")) == 1
    assert len(office.queued("rm002")) == 1
    assert [notice.userid for notice in again.notices] == ["rm001", "rm002"]


def test_a_draft_that_was_being_written_during_the_recall_is_caught_up_with(office: Office) -> None:
    version = office.leaflet()
    recall(office, version.version_id)
    office.draft("d1", "rm002", version.version_id, at=NOW + timedelta(hours=1, seconds=20))

    assert office.recalling.catch_up(now=NOW + timedelta(hours=1, minutes=1)) == 1
    assert office.recalling.catch_up(now=NOW + timedelta(hours=1, minutes=2)) == 0
    assert len(office.queued("rm002")) == 1


def test_only_curators_and_officers_recall(office: Office) -> None:
    version = office.leaflet()
    with pytest.raises(CuratorNotAllowed):
        recall(office, version.version_id, by="rm001")
    assert recall(office, version.version_id, by="officer1").recalled_by == "officer1"


def test_what_is_to_be_said_now_must_pass_the_gate(office: Office) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    with pytest.raises(TextNotAllowed) as refused:
        recall(office, version.version_id, say_now="放心，这款产品保本保息，绝对不会亏。")
    assert refused.value.findings
    assert refused.value.ids["titles"]
    assert office.queued("rm001") == []
    assert office.store.version(version.version_id).status is VersionStatus.APPROVED
    assert office.recalling.recent(10) == []


@pytest.mark.parametrize(
    "changed", [{"reason": " "}, {"say_now": ""}, {"days": 0}, {"days": 10**9}, {"reason": "长" * 300}]
)
def test_what_cannot_be_meant_is_refused(office: Office, changed: dict[str, object]) -> None:
    version = office.leaflet()
    with pytest.raises(DetailsInvalid):
        recall(office, version.version_id, **changed)  # type: ignore[arg-type]


def test_a_version_that_does_not_exist_cannot_be_recalled(office: Office) -> None:
    with pytest.raises(DocumentNotFound):
        recall(office, "nothing@v1")


def test_a_correction_without_withdrawal_leaves_the_version_in_force(office: Office) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    recall(office, version.version_id, withdraw=False)
    assert office.store.version(version.version_id).status is VersionStatus.APPROVED
    assert len(office.queued("rm001")) == 1


def test_personal_data_in_a_reason_is_masked_in_the_notice(office: Office) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    recall(office, version.version_id, reason="客户张伟 13812345678 投诉")
    assert "13812345678" not in office.queued("rm001")[0]


@pytest.mark.parametrize("withdraw", [True, False])
def test_a_draft_that_rests_on_a_recalled_version_can_no_longer_be_accepted(office: Office, withdraw: bool) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    deciding = Deciding(office.records, the_gate())
    recall(office, version.version_id, withdraw=withdraw)
    with pytest.raises(EvidenceLapsed):
        deciding.decide("d1", "accepted", now=NOW + timedelta(hours=2), how="chat")
    later = NOW + timedelta(hours=2)
    assert deciding.decide("d1", "rejected", now=later, how="chat").decision == "rejected"


def test_a_draft_on_a_superseded_version_can_no_longer_be_accepted(office: Office) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    deciding = Deciding(office.records, the_gate())
    newer = office.store.add_version(
        "leaflet",
        version.kind,
        "稳盈90天宣传单",
        [],
        effective_from=NOW.date(),
        content_hash="2",
        uploaded_by="curator1",
    )
    office.store.approve(newer.version_id, "curator2")
    with pytest.raises(EvidenceLapsed) as lapsed:
        deciding.decide("d1", "accepted", now=NOW + timedelta(hours=2), how="chat")
    assert lapsed.value.ids["reason"] == "superseded"


def test_a_draft_that_rests_on_what_is_in_force_is_accepted(office: Office) -> None:
    version = office.leaflet()
    office.draft("d1", "rm001", version.version_id)
    deciding = Deciding(office.records, the_gate())
    assert deciding.decide("d1", "accepted", now=NOW + timedelta(hours=2), how="chat").decision == "accepted"
