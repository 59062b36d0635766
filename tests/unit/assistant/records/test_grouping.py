from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from assistant.records.grouping import GroupCommit, Row
from assistant.records.inbox import Inbox
from assistant.records.records import Records
from knowledge.errors import DatabaseUnavailable
from tests.unit.assistant.records.samples import NOW


class SlowStore:
    """A store that waits inside its first transaction until it is told to go on."""

    def __init__(self) -> None:
        self.began, self.go_on = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, rows: Sequence[Row]) -> list[bool]:
        self.batches.append([row["n"] for row in rows])
        self.began.set()
        assert self.go_on.wait(5)
        if any(row["n"] < 0 for row in rows):
            raise ValueError(-1)
        return [True for _ in rows]


def put_while_busy(group: GroupCommit, store: SlowStore, numbers: Sequence[int]) -> list[bool | type[Exception]]:
    """Store 0, and the others while that is under way."""

    def put(number: int) -> bool | type[Exception]:
        try:
            return group.put({"n": number}, store)
        except (ValueError, DatabaseUnavailable) as error:
            return type(error)

    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        first = pool.submit(put, 0)
        assert store.began.wait(5)
        others = [pool.submit(put, number) for number in numbers]
        while len(group._waiting) < len(numbers):
            threading.Event().wait(0.005)
        store.go_on.set()
        return [future.result(5) for future in (first, *others)]


def test_what_waits_at_the_same_moment_is_stored_together() -> None:
    group, store = GroupCommit(), SlowStore()
    assert put_while_busy(group, store, [1, 2, 3, 4]) == [True] * 5
    assert [sorted(batch) for batch in store.batches] == [[0], [1, 2, 3, 4]]


def test_a_row_that_cannot_be_stored_takes_no_other_with_it() -> None:
    group, store = GroupCommit(), SlowStore()
    assert put_while_busy(group, store, [1, -1, 2]) == [True, True, ValueError, True]


def test_everybody_learns_that_the_database_is_away() -> None:
    group = GroupCommit()

    def away(rows: Sequence[Row]) -> list[bool]:
        raise DatabaseUnavailable(reason="locked")

    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            group.put({"n": 1}, away)


def test_copies_of_one_message_at_the_same_moment_are_stored_once(records: Records) -> None:
    inbox: Inbox = records.inbox
    with ThreadPoolExecutor(16) as pool:
        put = [pool.submit(inbox.put, "wecom_app", f"message:{n % 8}", f"rm{n % 8}", {}, now=NOW) for n in range(64)]
        stored = [future.result(20) for future in put]
    assert sum(stored) == 8
    assert inbox.counts() == {"new": 8}
