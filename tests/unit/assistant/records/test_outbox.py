from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from assistant.records.errors import LeaseLost
from assistant.records.outbox import OutboxMessage
from assistant.records.records import Records
from tests.unit.assistant.records.samples import LEASE, NOW, a_draft


def queue(records: Records, key: str, userid: str = "rm001") -> bool:
    with records.database.writing() as conn:
        return records.outbox.enqueue(
            conn, dedupe_key=key, userid=userid, msgtype="text", body={"content": key}, now=NOW, draft_id="d1"
        )


def claim_one(records: Records, after: timedelta = timedelta()) -> OutboxMessage:
    [message] = records.outbox.claim(1, LEASE, now=NOW + after)
    return message


def test_a_message_is_queued_once(records: Records) -> None:
    assert queue(records, "d1:1")
    assert not queue(records, "d1:1")
    assert records.outbox.counts() == {"pending": 1}


def test_nothing_is_queued_when_the_transaction_fails(records: Records) -> None:
    def draft_twice() -> None:
        with records.database.writing() as conn:
            for _ in range(2):
                records.outbox.enqueue(conn, dedupe_key="k", userid="u", msgtype="text", body={}, now=NOW)
                records.drafts.save(conn, a_draft())  # the second one is refused

    with pytest.raises(IntegrityError):
        draft_twice()
    assert records.outbox.counts() == {}


def test_messages_of_a_member_leave_one_after_the_other(records: Records) -> None:
    for key, userid in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        queue(records, key, userid)
    first = records.outbox.claim(10, LEASE, now=NOW)
    assert [message.dedupe_key for message in first] == ["a1", "b1"]
    records.outbox.retry(first[0], "busy", at=NOW + timedelta(seconds=5))
    records.outbox.sent(first[1], msgid="x", now=NOW)
    assert records.outbox.claim(10, LEASE, now=NOW) == []
    again = claim_one(records, timedelta(seconds=5))
    assert (again.dedupe_key, again.attempts) == ("a1", 2)
    records.outbox.sent(again, msgid="y", now=NOW)
    assert claim_one(records).dedupe_key == "a2"


def test_a_sender_that_died_is_replaced_and_the_first_try_is_known(records: Records) -> None:
    queue(records, "k")
    first = claim_one(records)
    assert records.outbox.mark_sending([first], now=NOW) == {first.id: NOW}
    second = claim_one(records, LEASE)
    assert second.first_sent_at == NOW
    assert records.outbox.mark_sending([first], now=NOW + LEASE) == {}
    assert records.outbox.mark_sending([second], now=NOW + LEASE) == {second.id: NOW}
    with pytest.raises(LeaseLost):
        records.outbox.sent(first, msgid="x", now=NOW)
    records.outbox.sent(second, msgid="x", now=NOW)
    assert records.outbox.sent_since({"rm001", "rm002"}, NOW - timedelta(minutes=1)) == {"rm001": 1}
    assert [message.status for message in records.outbox.of_draft("d1")] == ["sent"]


def test_waiting_for_the_rate_limit_costs_no_attempt(records: Records) -> None:
    queue(records, "k")
    records.outbox.put_off(claim_one(records), at=NOW + timedelta(seconds=20))
    assert records.outbox.claim(1, LEASE, now=NOW) == []
    assert claim_one(records, timedelta(seconds=20)).attempts == 1


def test_a_dead_message_is_visible_does_not_stop_the_next_and_can_be_revived(records: Records) -> None:
    queue(records, "k1")
    queue(records, "k2")
    records.outbox.bury(claim_one(records), "60011", now=NOW)
    assert [message.error for message in records.outbox.dead()] == ["60011"]
    assert claim_one(records).dedupe_key == "k2"
    assert records.outbox.revive(records.outbox.dead()[0].id, now=NOW)
    assert records.outbox.dead() == []
