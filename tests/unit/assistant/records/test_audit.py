from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from assistant.records.audit import AuditHead
from assistant.records.records import Records
from tests.unit.assistant.records.samples import NOW, a_draft


def note(records: Records, subject: str, **body: object) -> AuditHead:
    with records.database.writing() as conn:
        return records.audit.append(conn, actor="rm001", event="drafted", subject=subject, body=body, now=NOW)


@pytest.fixture
def filled(records: Records) -> Records:
    for number in range(6):
        note(records, f"d{number}", verdict="pass", passages=["a@v1#p1"], 条数=number)
    return records


def test_an_untouched_log_is_whole(filled: Records) -> None:
    report = filled.audit.verify()
    assert (report.whole, report.count, report.head) == (True, 6, filled.audit.head())
    assert [entry.body["条数"] for entry in filled.audit.of_subject("d3")] == [3]
    assert filled.audit.tail(1)[0].seq == 6


def test_an_empty_log_is_whole(records: Records) -> None:
    assert records.audit.verify().whole


@pytest.mark.parametrize(
    ("tampering", "broken_at"),
    [
        ("UPDATE audit SET body = '{}' WHERE seq = 3", 3),
        ("UPDATE audit SET actor = 'rm002' WHERE seq = 1", 1),
        ("UPDATE audit SET hash = prev_hash WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq > 4", 5),
        ("UPDATE audit SET seq = 7 WHERE seq = 6", 6),
        ("DELETE FROM audit", 1),
    ],
)
def test_any_tampering_is_found_where_it_begins(filled: Records, tampering: str, broken_at: int) -> None:
    with filled.database.writing() as conn:
        conn.execute(text(tampering))
    assert filled.audit.verify().broken_at == broken_at


def test_a_cut_tail_with_a_forged_head_is_found_by_the_head_that_was_saved(filled: Records) -> None:
    saved = filled.audit.head()
    with filled.database.writing() as conn:
        conn.execute(text("DELETE FROM audit WHERE seq > 4"))
        conn.execute(text("UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)"))
    assert filled.audit.verify().whole
    assert filled.audit.verify(saved).broken_at == 5
    note(filled, "x")
    note(filled, "y")
    assert filled.audit.verify(saved).broken_at == 6


def test_a_saved_head_stays_valid_while_the_log_grows(filled: Records) -> None:
    saved = filled.audit.head()
    note(filled, "later")
    assert filled.audit.verify(saved).whole


def test_many_workers_build_one_chain(records: Records) -> None:
    def work(name: str) -> None:
        for number in range(15):
            note(records, f"{name}-{number}")

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    report = records.audit.verify()
    assert (report.whole, report.count) == (True, 60)


def test_nothing_is_logged_when_the_transaction_fails(records: Records) -> None:
    def draft_twice() -> None:
        with records.database.writing() as conn:
            for _ in range(2):
                records.audit.append(conn, actor="a", event="e", subject="s", body={}, now=NOW)
                records.drafts.save(conn, a_draft())  # the second one is refused

    with pytest.raises(IntegrityError):
        draft_twice()
    assert records.audit.verify().count == 0
