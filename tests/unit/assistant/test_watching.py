"""What expires and is cited, and what was never found."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from assistant.records.records import Records
from assistant.watching import Watching
from knowledge.conflicts import ConflictFinder
from knowledge.documents import DocumentKind, PassageText
from knowledge.stores.repository import KnowledgeStore

TODAY = date(2026, 3, 2)
LONG_AGO = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def store(records: Records) -> KnowledgeStore:
    return KnowledgeStore(records.database)


@pytest.fixture
def watching(records: Records, store: KnowledgeStore) -> Watching:
    return Watching(records, ConflictFinder(store))


def add(store: KnowledgeStore, name: str, *, until: date | None = None, since: date = date(2025, 6, 1)) -> str:
    version = store.add_version(
        name,
        DocumentKind.OTHER,
        name,
        [PassageText(name)],
        effective_from=since,
        effective_until=until,
        uploaded_by="curator1",
    )
    return store.approve(version.version_id, "curator2", now=LONG_AGO).version_id


def cite(records: Records, version_id: str, *, times: int, on: date = TODAY) -> None:
    for _ in range(times):
        with records.database.writing() as conn:
            records.uses.count(conn, retrieved=[version_id], cited=[version_id], on=on)


def test_what_ends_soon_comes_the_most_cited_first(records: Records, store: KnowledgeStore, watching: Watching) -> None:
    quiet = add(store, "quiet", until=TODAY + timedelta(days=3))
    busy = add(store, "busy", until=TODAY + timedelta(days=20))
    add(store, "far", until=TODAY + timedelta(days=31))
    add(store, "over", until=TODAY)
    add(store, "endless")
    cite(records, busy, times=3)
    cite(records, quiet, times=5, on=TODAY - timedelta(days=60))  # long ago does not count

    found = watching.expiring(on=TODAY)

    assert [(row.version.version_id, row.days_left, row.cited) for row in found] == [(busy, 20, 3), (quiet, 3, 0)]
    assert [row.version.version_id for row in watching.expiring(on=TODAY, within_days=10)] == [quiet]


def test_a_version_that_is_followed_by_another_does_not_expire(store: KnowledgeStore, watching: Watching) -> None:
    add(store, "rates", until=TODAY + timedelta(days=40))
    add(store, "rates", since=TODAY + timedelta(days=5))
    assert watching.expiring(on=TODAY) == []


def test_what_no_draft_ever_found_is_listed_oldest_first(
    records: Records, store: KnowledgeStore, watching: Watching
) -> None:
    used, unused = add(store, "used"), add(store, "unused")
    add(store, "young", since=TODAY - timedelta(days=10))
    add(store, "coming", since=TODAY + timedelta(days=1))
    older = add(store, "older", since=date(2025, 1, 1))
    with records.database.writing() as conn:
        records.uses.count(conn, retrieved=[used], cited=[], on=TODAY - timedelta(days=200))

    found = watching.never_used(on=TODAY)

    # approved on one day, so both could be found since then
    assert [row.version.version_id for row in found] == sorted([older, unused])
    assert {row.days_in_force for row in found} == {(TODAY - date(2025, 6, 1)).days}


def test_uses_add_up_by_day(records: Records, store: KnowledgeStore) -> None:
    one, other = add(store, "one"), add(store, "other")
    for day in (TODAY, TODAY, TODAY - timedelta(days=1)):
        with records.database.writing() as conn:
            records.uses.count(conn, retrieved=[one, other, one], cited=[one], on=day)
    since_today, since_yesterday = records.uses.since(TODAY), records.uses.since(TODAY - timedelta(days=1))
    assert (since_today[one].retrieved, since_today[one].cited) == (2, 2)
    assert (since_yesterday[other].retrieved, since_yesterday[other].cited) == (3, 0)


@pytest.mark.parametrize("days", [10**7, 0])
def test_any_number_of_days_can_be_asked_for(watching: Watching, days: int) -> None:
    assert watching.expiring(on=TODAY, within_days=days, cited_days=days) == []
    assert watching.never_used(on=TODAY, older_than_days=days) == []
