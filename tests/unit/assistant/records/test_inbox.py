from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from assistant.records.errors import LeaseLost
from assistant.records.inbox import Inbox, InboxMessage
from assistant.records.records import Records
from knowledge.stores.database import Database
from tests.unit.assistant.records.samples import LEASE, NOW, a_draft


def put(records: Records, key: str, userid: str = "rm001") -> bool:
    return records.inbox.put("wecom", key, userid, {"text": f"问题{key}"}, now=NOW)


def answer(records: Records, message: InboxMessage) -> None:
    with records.database.writing() as conn:
        records.drafts.save(conn, a_draft(inbox_id=message.id))
        records.inbox.done(conn, message, now=NOW)


def test_the_same_message_is_stored_once_in_a_channel(records: Records) -> None:
    assert put(records, "m1")
    assert not put(records, "m1")
    assert records.inbox.put("bot", "m1", "rm001", {}, now=NOW)
    assert records.inbox.counts() == {"new": 2}


def test_a_message_comes_back_as_it_was_put(records: Records) -> None:
    payload = {"text": "黄金\u0000还能买吗\ud83d", "list": [1, {"a": None}]}
    records.inbox.put("wecom", "m\u0000\ud800", "rm\u0000001", payload, now=NOW)
    [message] = records.inbox.claim(1, LEASE, now=NOW)
    assert (message.payload, message.received_at, message.attempts) == (payload, NOW, 1)


def test_a_follow_up_waits_for_the_message_before_it(records: Records) -> None:
    for key, userid in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        put(records, key, userid)
    first = records.inbox.claim(10, LEASE, now=NOW)
    assert [message.dedupe_key for message in first] == ["a1", "b1"]
    assert records.inbox.claim(10, LEASE, now=NOW) == []
    with records.database.writing() as conn:
        records.inbox.done(conn, first[0], now=NOW)
    assert [message.dedupe_key for message in records.inbox.claim(10, LEASE, now=NOW)] == ["a2"]


def test_a_follow_up_also_waits_while_the_message_before_it_is_to_be_tried_again(records: Records) -> None:
    put(records, "a1", "a")
    put(records, "a2", "a")
    [message] = records.inbox.claim(1, LEASE, now=NOW)
    later = NOW + timedelta(minutes=1)
    assert not records.inbox.fail(message, "model_down", retry_at=later, now=NOW)
    assert records.inbox.claim(10, LEASE, now=NOW) == []
    assert [again.dedupe_key for again in records.inbox.claim(10, LEASE, now=later)] == ["a1"]


def test_a_message_whose_worker_died_is_taken_over_and_the_dead_worker_cannot_finish_it(records: Records) -> None:
    put(records, "m1")
    [mine] = records.inbox.claim(1, LEASE, now=NOW)
    [theirs] = records.inbox.claim(1, LEASE, now=NOW + LEASE)
    assert theirs.attempts == 2
    with pytest.raises(LeaseLost):
        answer(records, mine)
    assert records.drafts.of_message(mine.id) is None
    answer(records, theirs)
    assert records.drafts.of_message(mine.id) == a_draft(inbox_id=mine.id)


def test_a_message_that_always_fails_becomes_a_visible_dead_letter(database: Database) -> None:
    inbox = Inbox(database, max_attempts=2)
    inbox.put("wecom", "m1", "rm001", {}, now=NOW)
    inbox.put("wecom", "m2", "rm001", {}, now=NOW)
    outcomes = []
    for _ in range(2):
        [message] = inbox.claim(1, LEASE, now=NOW)
        outcomes.append(inbox.fail(message, "boom", retry_at=NOW, now=NOW))
    assert outcomes == [False, True]
    assert [(message.dedupe_key, message.error) for message in inbox.dead()] == [("m1", "boom")]
    assert [message.dedupe_key for message in inbox.claim(5, LEASE, now=NOW)] == ["m2"]
    assert inbox.revive(inbox.dead()[0].id, now=NOW)
    assert inbox.counts() == {"new": 1, "leased": 1}


def test_a_message_that_kills_every_worker_is_buried(database: Database) -> None:
    inbox = Inbox(database, max_attempts=2)
    inbox.put("wecom", "m1", "rm001", {}, now=NOW)
    assert len(inbox.claim(1, LEASE, now=NOW)) == 1
    assert len(inbox.claim(1, LEASE, now=NOW + LEASE)) == 1
    assert inbox.claim(1, LEASE, now=NOW + 2 * LEASE) == []
    assert [message.error for message in inbox.dead()] == ["abandoned"]


def test_a_lonely_process_may_free_what_it_held_before_it_was_killed(records: Records) -> None:
    put(records, "m1")
    records.inbox.claim(1, LEASE, now=NOW)
    assert records.inbox.release_all(now=NOW) == 1
    assert len(records.inbox.claim(1, LEASE, now=NOW)) == 1


def test_two_workers_never_claim_the_same_message(records: Records) -> None:
    for number in range(120):
        put(records, f"m{number}", f"rm{number % 40}")
    taken: list[tuple[int, str]] = []

    def work() -> None:
        while True:
            messages = records.inbox.claim(3, LEASE, now=NOW)
            if not messages:
                if records.inbox.counts().get("new", 0) == 0:
                    return
                continue
            for message in messages:
                taken.append((message.id, message.userid))
                with records.database.writing() as conn:
                    records.inbox.done(conn, message, now=NOW)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(number for number, _ in taken) == sorted({number for number, _ in taken})
    assert len(taken) == 120
    for userid in {userid for _, userid in taken}:
        mine = [number for number, owner in taken if owner == userid]
        assert mine == sorted(mine)


def test_one_message_has_at_most_one_draft(records: Records) -> None:
    with records.database.writing() as conn:
        records.drafts.save(conn, a_draft("d1", inbox_id=7))
    with pytest.raises(IntegrityError), records.database.writing() as conn:
        records.drafts.save(conn, a_draft("d2", inbox_id=7))
