"""Questions that found nothing: grouped, answered as a known question, and told to who asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assistant.errors import TextNotAllowed, TicketNotOpen
from assistant.grouping import likeness_groups
from assistant.records.errors import RecordNotFound
from assistant.records.records import Records
from knowledge.content import KnownQuestion
from knowledge.documents import DocumentVersion, VersionStatus
from knowledge.errors import CuratorNotAllowed, DetailsInvalid
from knowledge.retrieval.embedding import HashEmbedder
from tests.unit.assistant.middle_office_house import NOW, Office

ANSWER = "数字人民币硬钱包在城东支行柜面办，带身份证，当天拿到。"
ALIKE = [
    ["数字人民币硬钱包怎么办", "硬钱包在哪里办理", "数字人民币的硬钱包怎么申请"],
    ["外币现钞可以预约取吗", "取美元现钞要不要预约", "外币现钞怎么预约"],
    ["孩子出生多久能开户", "新生儿可以开户吗", "给刚出生的孩子开户要什么材料"],
    ["保险箱租金多少钱一年", "你们有保险箱出租吗", "租个保险箱"],
]


@pytest.fixture
def office(records: Records) -> Office:
    return Office.open(records)


def write(office: Office, ticket_ids: list[str], *, by: str = "curator1", **more: object) -> DocumentVersion:
    options = {"question": "数字人民币硬钱包怎么办", "answer": ANSWER, "known_questions": [], "send_now": False}
    return office.gaps.write_answer(ticket_ids, by=by, now=NOW, **{**options, **more})  # type: ignore[arg-type]


def test_questions_that_ask_the_same_stand_together() -> None:
    texts = [text for group in ALIKE for text in group]
    groups = likeness_groups(texts, HashEmbedder())
    kinds = {text: number for number, group in enumerate(ALIKE) for text in group}
    for group in groups:
        assert len({kinds[texts[at]] for at in group}) == 1, [texts[at] for at in group]
    assert len(groups) <= 7, groups
    assert sorted(at for group in groups for at in group) == list(range(len(texts)))


def test_groups_come_largest_first_and_name_the_most_urgent_time(office: Office) -> None:
    office.ticket("t1", "rm001", "保险箱租金多少钱一年", due_hours=1)
    office.ticket("t2", "rm001", "数字人民币硬钱包怎么办", due_hours=4)
    office.ticket("t3", "rm002", "数字人民币硬钱包怎么办理", at=NOW + timedelta(minutes=1), due_hours=2)

    first, second = office.gaps.groups(days=30, now=NOW + timedelta(hours=1))

    assert (first.count, [asked.ticket_id for asked in first.questions]) == (2, ["t3", "t2"])
    assert first.due_at == NOW + timedelta(hours=2, minutes=1)
    assert second.title == "保险箱租金多少钱一年"
    assert office.gaps.groups(days=30, now=NOW) == [first, second]  # the same every time


def test_open_questions_stay_however_old_they_are(office: Office) -> None:
    office.ticket("t1", "rm001", "保险箱租金多少钱一年", at=NOW - timedelta(days=400))
    assert office.gaps.groups(days=7, now=NOW)[0].count == 1


def test_an_answer_becomes_a_draft_of_a_known_question(office: Office) -> None:
    office.ticket("t1", "rm001", "数字人民币硬钱包怎么办")
    office.ticket("t2", "rm002", "硬钱包在哪里办理")

    version = write(office, ["t1", "t2"], known_questions=["数币卡怎么拿", "数币卡怎么拿", ""])

    assert (version.status, version.uploaded_by) == (VersionStatus.DRAFT, "curator1")
    assert version.payload is not None
    known = KnownQuestion.model_validate(version.payload["data"])
    assert (known.question, known.answer) == ("数字人民币硬钱包怎么办", ANSWER)
    assert known.known_questions == ("数币卡怎么拿", "硬钱包在哪里办理")
    [passage] = office.store.passages_of(version.version_id)
    assert ANSWER in passage.text
    assert passage.known_questions == known.known_questions
    assert {office.records.tickets.get(ticket).version_id for ticket in ("t1", "t2")} == {version.version_id}
    assert office.queued("rm001") == []  # not before somebody has approved it
    assert {asked.status for asked in office.gaps.groups(days=7, now=NOW)[0].questions} == {"written"}


def test_after_approval_everybody_who_asked_gets_the_answer_once(office: Office) -> None:
    office.ticket("t1", "rm001", "数字人民币硬钱包怎么办")
    office.ticket("t2", "rm002", "硬钱包在哪里办理")
    version = write(office, ["t1", "t2"])
    office.curating.submit(version.version_id, by="curator1", now=NOW)
    office.curating.approve(version.version_id, by="curator2", now=NOW)
    office.curating.approve(version.version_id, by="curator2", now=NOW)

    for userid in ("rm001", "rm002"):
        [text] = office.queued(userid)
        assert ANSWER in text
    ticket = office.records.tickets.get("t1")
    assert (ticket.status, ticket.answered_by, ticket.answer) == ("answered", "curator2", ANSWER)
    assert office.gaps.groups(days=30, now=NOW) == []


def test_an_answer_sent_at_once_is_not_sent_again_after_approval(office: Office) -> None:
    office.ticket("t1", "rm001", "数字人民币硬钱包怎么办")
    version = write(office, ["t1"], send_now=True)
    assert len(office.queued("rm001")) == 1
    office.curating.submit(version.version_id, by="curator1", now=NOW)
    office.curating.approve(version.version_id, by="officer1", now=NOW)
    assert len(office.queued("rm001")) == 1


def test_only_what_passes_the_gate_goes_out_at_once(office: Office) -> None:
    office.ticket("t1", "rm001", "这款会不会亏")
    with pytest.raises(TextNotAllowed) as refused:
        write(office, ["t1"], answer="放心买，保本保息，绝对不会亏。", send_now=True)
    assert refused.value.findings
    assert office.queued("rm001") == []
    assert office.records.tickets.get("t1").version_id is None


def test_an_answered_question_cannot_be_answered_twice(office: Office) -> None:
    office.ticket("t1", "rm001", "数字人民币硬钱包怎么办")
    version = write(office, ["t1"])
    with pytest.raises(TicketNotOpen):
        write(office, ["t1"], answer="另一个说法。")
    office.curating.withdraw(version.version_id, by="curator2", note="写错了", now=NOW)
    assert write(office, ["t1"], answer="另一个说法。").version == 2


def test_refused_are_strangers_unknown_tickets_and_empty_words(office: Office) -> None:
    office.ticket("t1", "rm001", "数字人民币硬钱包怎么办")
    with pytest.raises(CuratorNotAllowed):
        write(office, ["t1"], by="rm001")
    with pytest.raises(RecordNotFound):
        write(office, ["t9"])
    for changed in ({"answer": "  "}, {"question": ""}, {"answer": "长" * 3000}):
        with pytest.raises(DetailsInvalid):
            write(office, ["t1"], **changed)
    with pytest.raises(DetailsInvalid):
        write(office, [])


def test_personal_data_stays_out_of_the_known_question(office: Office) -> None:
    office.ticket("t1", "rm001", "数字人民币硬钱包怎么办")
    version = write(office, ["t1"], known_questions=["13812345678 的硬钱包怎么办"])
    assert "13812345678" not in str(version.payload)
