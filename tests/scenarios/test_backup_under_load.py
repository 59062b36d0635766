"""A backup taken while callbacks arrive and drafts are made holds everything acknowledged before it began."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import select

from assistant.records.backup import backup, restore
from assistant.records.records import Records
from assistant.records.tables import audit_head, drafts, inbox, outbox
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore
from tests.conftest import DatabaseFactory
from tests.scenarios.house import NEWCOMER, House

QUESTIONS = ("客户问：黄金还能买吗", "客户问：定期利率多少", "短一点", "换一版", "采用")


def keys(database: Database) -> set[str]:
    with database.reading() as conn:
        return set(conn.execute(select(inbox.c.dedupe_key)).scalars())


def test_what_was_acknowledged_before_a_backup_is_in_it(
    house: House, new_database: DatabaseFactory, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    enough, stop = threading.Event(), threading.Event()

    def members_write() -> None:
        for number in range(1, 400):
            house.says(f"rm{number % 10 + 1:03}", QUESTIONS[number % 5], msg_id=number)
            acknowledged.append(f"message:{number}")
            if number == 12:
                enough.set()
            if stop.is_set():
                return

    def answers_go_out() -> None:
        while not stop.is_set():
            house.work()

    busy = [threading.Thread(target=run) for run in (members_write, answers_go_out)]
    for thread in busy:
        thread.start()
    try:
        assert enough.wait(30)
        before = set(acknowledged)
        made = backup(house.records.database, tmp_path / "all.tar.gz", now=house.clock(), code_version="test")
    finally:
        stop.set()
        for thread in busy:
            thread.join(60)
    assert len(acknowledged) > len(before)  # it did not hold anybody up

    empty = new_database(migrated=False)
    report = restore(empty, tmp_path / "all.tar.gz")
    assert report.audit.whole
    assert before <= keys(empty) <= set(acknowledged)
    records = Records.of(empty)
    assert records.audit.verify().whole
    assert records.audit.head() == made.audit.head
    assert KnowledgeStore(empty).versions() == house.services.store.versions()
    with empty.reading() as conn:
        finished = conn.execute(select(inbox.c.id).where(inbox.c.status == "done")).all()
        made_from = conn.execute(select(drafts.c.inbox_id)).all()
        assert {row[0] for row in made_from} <= {row[0] for row in finished}  # a draft and its message, or neither
        assert conn.execute(select(audit_head.c.seq)).scalar_one() >= len(made_from)
        assert len(conn.execute(select(outbox.c.id)).all()) >= len(finished)


def test_a_restored_house_works_on_where_the_other_stopped(house: House, tmp_path: Path) -> None:
    draft, _ = house.ask(NEWCOMER, "客户问：黄金还能买吗")
    house.says(NEWCOMER, "短一点")  # acknowledged, not yet answered
    backup(house.records.database, tmp_path / "all.tar.gz", now=house.clock())
    home = tmp_path / "second-home"
    url = f"sqlite:///{home / 'wainao.db'}"  # from either engine into a file
    target = Database(url)
    restore(target, tmp_path / "all.tar.gz")
    target.close()
    house.worker = house.new_worker(home=home, database_url=url)
    house.work()
    shorter, basis = house.news(NEWCOMER)
    assert len(shorter) < len(draft)
    assert basis.startswith("依据：")
    assert house.records.audit.verify().whole
