"""The work after the acknowledgement: drafting with a directory, sending with retries, never twice on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from assistant.outgoing import DirectoryUnavailable, Member, SendOutcome, SendResult
from assistant.records.outbox import OutboxMessage
from assistant.records.records import Records
from assistant.working import KEEP_TRYING, MOST_SEND_ATTEMPTS, DraftingLoop, SendingLoop, backoff
from tests.house import NOW, Bank, talk_of

WINDOW = timedelta(seconds=120)
SENT = SendResult(SendOutcome.SENT, 0, "msg-1")
RETRY = SendResult(SendOutcome.RETRY, 45009)
UNKNOWN = SendResult(SendOutcome.UNKNOWN)
REFUSED = SendResult(SendOutcome.REFUSED, 60011)


@dataclass
class Clock:
    """A clock that the test moves."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class RecordingSender:
    """WeCom's end: answers from a list, then with `always`; keeps every call."""

    answers: list[SendResult | Exception] = field(default_factory=list)
    always: SendResult = SENT
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def send(self, userid: str, msgtype: str, body: Mapping[str, object]) -> SendResult:
        self.calls.append((userid, msgtype, dict(body)))
        answer = self.answers.pop(0) if self.answers else self.always
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class ScriptedDirectory:
    """WeCom's directory: knows `members`, or is away."""

    members: Mapping[str, str] = field(default_factory=dict)
    away: bool = False
    asked: list[str] = field(default_factory=list)

    def look_up(self, userid: str) -> Member | None:
        self.asked.append(userid)
        if self.away:
            raise DirectoryUnavailable
        return Member(userid, self.members[userid]) if userid in self.members else None


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


@pytest.fixture
def sending(records: Records, sender: RecordingSender, clock: Clock, pool: Executor) -> SendingLoop:
    return SendingLoop(records, sender, clock, pool, messages_per_minute=30, duplicate_check=WINDOW)


def queue(records: Records, *keys: str, userid: str = "rm001") -> None:
    with records.database.writing() as conn:
        for key in keys:
            records.outbox.enqueue(
                conn,
                dedupe_key=key,
                userid=userid,
                msgtype="text",
                body={"content": key},
                now=NOW,
                draft_id="d1",
            )


def rows(records: Records) -> list[OutboxMessage]:
    return records.outbox.of_draft("d1")


def run(loop: SendingLoop, clock: Clock, *, steps: int, **span: float) -> None:
    for _ in range(steps):
        loop.step()
        clock.pass_by(**span)


# -- sending


def test_messages_go_out_once_and_in_order(sending: SendingLoop, sender: RecordingSender, records: Records) -> None:
    queue(records, "a1", "a2", "a3")
    assert [sending.step() for _ in range(4)] == [1, 1, 1, 0]
    assert [body["content"] for _, _, body in sender.calls] == ["a1", "a2", "a3"]
    assert [(row.status, row.msgid) for row in rows(records)] == [("sent", "msg-1")] * 3


def test_a_failed_send_is_repeated_with_the_same_content(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.answers = [RETRY, UNKNOWN]
    queue(records, "a1")
    run(sending, clock, steps=3, seconds=5)
    assert sender.calls == [("rm001", "text", {"content": "a1"})] * 3
    assert rows(records)[0].status == "sent"


def test_the_hint_of_the_api_makes_the_wait_longer(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.answers = [SendResult(SendOutcome.RETRY, 45009, retry_after_s=30)]
    queue(records, "a1")
    sending.step()
    assert rows(records)[0].next_at == NOW + timedelta(seconds=30)
    clock.pass_by(seconds=29)
    assert sending.step() == 0
    clock.pass_by(seconds=1)
    assert sending.step() == 1


def test_the_wait_doubles_up_to_a_minute_and_never_overflows() -> None:
    assert [backoff(n).total_seconds() for n in (1, 2, 3, 6, 7, 5000)] == [2, 4, 8, 60, 60, 60]


def test_what_certainly_did_not_leave_is_sent_when_wecom_is_back_after_hours(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.always = RETRY
    queue(records, "a1")
    run(sending, clock, steps=5 * 60, seconds=60)
    assert rows(records)[0].status == "pending"
    assert rows(records)[0].first_sent_at is None
    assert rows(records)[0].attempts > MOST_SEND_ATTEMPTS
    sender.always = SENT
    sending.step()
    assert rows(records)[0].status == "sent"


def test_after_a_day_it_becomes_a_dead_letter(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.always = RETRY
    queue(records, "a1")
    sending.step()
    clock.at = NOW + KEEP_TRYING - timedelta(seconds=1)
    sending.step()
    assert rows(records)[0].status == "pending"
    clock.pass_by(seconds=61)
    sending.step()
    assert [(row.status, row.error) for row in rows(records)] == [("dead", "retry:45009")]


def test_a_lost_answer_is_repeated_while_wecom_would_drop_the_double(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.always = UNKNOWN
    queue(records, "a1")
    run(sending, clock, steps=11, seconds=10)
    inside = len(sender.calls)
    assert inside >= 3
    assert rows(records)[0].first_sent_at == NOW
    run(sending, clock, steps=10, seconds=60)
    assert len(sender.calls) == inside
    assert [(row.status, row.error) for row in rows(records)] == [("dead", "outcome_unknown")]


def test_a_certain_failure_does_not_forget_an_uncertain_one_before_it(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.answers = [UNKNOWN, RETRY]
    queue(records, "a1")
    run(sending, clock, steps=2, seconds=5)
    assert rows(records)[0].first_sent_at == NOW
    clock.pass_by(seconds=WINDOW.total_seconds())
    sending.step()
    assert len(sender.calls) == 2
    assert rows(records)[0].error == "outcome_unknown"


def test_many_certain_failures_leave_a_first_lost_answer_its_repeat(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.answers = [*[RETRY] * (MOST_SEND_ATTEMPTS + 2), UNKNOWN]
    queue(records, "a1")
    run(sending, clock, steps=MOST_SEND_ATTEMPTS + 4, seconds=60)
    assert rows(records)[0].status == "sent"


def test_too_many_lost_answers_end_in_a_dead_letter_even_in_a_long_window(
    records: Records, sender: RecordingSender, clock: Clock, pool: Executor
) -> None:
    sender.always = UNKNOWN
    queue(records, "a1")
    loop = SendingLoop(records, sender, clock, pool, 30, timedelta(hours=4))
    run(loop, clock, steps=20, seconds=60)
    assert len(sender.calls) == MOST_SEND_ATTEMPTS
    assert [(row.status, row.error) for row in rows(records)] == [("dead", "unknown:None")]


def test_a_dead_letter_that_somebody_revives_is_sent(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.answers = [UNKNOWN]
    queue(records, "a1")
    sending.step()
    clock.pass_by(hours=30)
    sending.step()
    [dead] = records.outbox.dead()
    assert records.outbox.revive(dead.id, now=clock())
    sending.step()
    assert rows(records)[0].status == "sent"


def test_a_refused_message_is_a_dead_letter_at_once_and_the_next_one_goes(
    sending: SendingLoop, sender: RecordingSender, records: Records
) -> None:
    sender.answers = [REFUSED]
    queue(records, "a1", "a2")
    sending.step()
    sending.step()
    assert [(row.status, row.error) for row in rows(records)] == [("dead", "refused:60011"), ("sent", None)]


def test_a_member_gets_no_more_than_the_rate_and_the_rest_later(
    records: Records, sender: RecordingSender, clock: Clock, pool: Executor
) -> None:
    queue(records, *(f"a{number}" for number in range(5)))
    loop = SendingLoop(records, sender, clock, pool, messages_per_minute=3, duplicate_check=WINDOW)
    run(loop, clock, steps=10, seconds=1)
    assert len(sender.calls) == 3
    clock.pass_by(seconds=60)
    run(loop, clock, steps=10, seconds=6)
    assert [row.status for row in rows(records)] == ["sent"] * 5
    assert {row.attempts for row in rows(records)} == {1}


def test_a_sender_that_breaks_leaves_the_message_to_the_next_try_inside_its_lease(
    sending: SendingLoop, sender: RecordingSender, records: Records, clock: Clock
) -> None:
    sender.answers = [RuntimeError("bug")]
    queue(records, "a1")
    sending.step()
    assert sending.step() == 0
    clock.pass_by(seconds=31)
    sending.step()
    assert rows(records)[0].status == "sent"


# -- drafting


@pytest.fixture
def directory() -> ScriptedDirectory:
    return ScriptedDirectory({"newbie": "新来的"})


@pytest.fixture
def drafting(
    bank: Bank, bank_records: Records, directory: ScriptedDirectory, clock: Clock, pool: Executor
) -> DraftingLoop:
    return DraftingLoop(bank_records, talk_of(bank, bank_records), directory, clock, pool)


def came_in(records: Records, userid: str, text: str, number: int = 1) -> None:
    records.inbox.put("app", f"{userid}:{number}", userid, {"kind": "text", "content": text}, now=NOW)


def waiting(records: Records) -> list[str]:
    """Texts in the outbox, in order of the member's queue."""
    texts = []
    while claimed := records.outbox.claim(10, timedelta(seconds=1), now=NOW + timedelta(days=1)):
        for message in claimed:
            texts.append(str(message.body["content"]))
            records.outbox.sent(message, msgid=None, now=NOW)
    return texts


def test_a_stored_message_becomes_a_draft_and_two_queued_answers(drafting: DraftingLoop, bank_records: Records) -> None:
    came_in(bank_records, "rm003", "客户问：黄金涨成这样还能买吗")
    assert drafting.step() == 1
    draft = bank_records.drafts.last_of("rm003")
    assert draft is not None
    sent = waiting(bank_records)
    assert sent[0] == draft.text
    assert sent[1].startswith("依据")
    assert bank_records.inbox.counts() == {"done": 1}
    assert drafting.step() == 0


def test_who_writes_for_the_first_time_is_registered_as_an_rm_and_answered(
    drafting: DraftingLoop, bank_records: Records, directory: ScriptedDirectory
) -> None:
    came_in(bank_records, "newbie", "你好")
    drafting.step()
    member = bank_records.staff.get("newbie")
    assert member is not None
    assert (member.name, member.role, member.branch_id, member.source) == (
        "新来的",
        "relationship_manager",
        None,
        "wecom",
    )
    assert len(waiting(bank_records)) == 1
    came_in(bank_records, "newbie", "在吗", 2)
    drafting.step()
    assert directory.asked == ["newbie"]


def test_who_wecom_does_not_know_gets_nothing_and_leaves_a_dead_letter(
    drafting: DraftingLoop, bank_records: Records
) -> None:
    came_in(bank_records, "stranger", "客户问：黄金还能买吗")
    drafting.step()
    assert [message.error for message in bank_records.inbox.dead()] == ["member_unknown_to_wecom"]
    assert waiting(bank_records) == []
    assert bank_records.drafts.last_of("stranger") is None


def test_a_directory_that_is_away_is_asked_again_later(
    drafting: DraftingLoop, bank_records: Records, directory: ScriptedDirectory, clock: Clock
) -> None:
    directory.away = True
    came_in(bank_records, "newbie", "你好")
    drafting.step()
    assert bank_records.inbox.counts() == {"new": 1}
    assert drafting.step() == 0
    directory.away = False
    clock.pass_by(seconds=3)
    assert drafting.step() == 1
    assert bank_records.inbox.counts() == {"done": 1}


def test_a_message_that_cannot_be_handled_ends_visibly_and_the_member_is_told(
    drafting: DraftingLoop, bank_records: Records, directory: ScriptedDirectory, clock: Clock
) -> None:
    directory.away = True
    came_in(bank_records, "newbie", "你好")
    for _ in range(bank_records.inbox.max_attempts):
        drafting.step()
        clock.pass_by(minutes=2)
    [dead] = bank_records.inbox.dead()
    assert dead.error == "directory_unavailable"
    assert [f"编号 {dead.id}" in text for text in waiting(bank_records)] == [True]


def test_two_questions_of_one_member_are_answered_in_their_order(drafting: DraftingLoop, bank_records: Records) -> None:
    came_in(bank_records, "rm003", "客户问：黄金涨成这样还能买吗", 1)
    came_in(bank_records, "rm003", "1", 2)
    while drafting.step():
        pass
    draft = bank_records.drafts.last_of("rm003")
    assert draft is not None
    assert draft.status == "accepted"
    assert waiting(bank_records)[-1].startswith("记下了：采用")


def test_an_unreadable_payload_is_answered_not_lost(drafting: DraftingLoop, bank_records: Records) -> None:
    bank_records.inbox.put("app", "x", "rm003", {"kind": "text", "content": None}, now=NOW)
    bank_records.inbox.put("app", "y", "rm002", {}, now=NOW)
    drafting.step()
    assert bank_records.inbox.counts() == {"done": 2}
    assert len(waiting(bank_records)) == 2


def test_a_member_whose_right_ended_is_told_and_gets_no_draft(drafting: DraftingLoop, bank_records: Records) -> None:
    member = bank_records.staff.get("rm003")
    assert member is not None
    with bank_records.database.writing() as conn:
        bank_records.staff.save(conn, type(member)(**{**_fields(member), "active": False}))
    came_in(bank_records, "rm003", "客户问：黄金还能买吗")
    drafting.step()
    assert ["已停用" in text for text in waiting(bank_records)] == [True]
    assert bank_records.drafts.last_of("rm003") is None


def _fields(member: Any) -> dict[str, Any]:
    return {name: getattr(member, name) for name in member.__slots__}
