from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select, text
from sqlalchemy.exc import IntegrityError

from knowledge.errors import DatabaseUnavailable
from knowledge.stores.columns import Instant, RowNumber, Words, canonical_json, storable
from knowledge.stores.database import Database
from tests.conftest import DatabaseFactory

notes = Table(
    "notes", MetaData(), Column("id", RowNumber, primary_key=True), Column("at", Instant), Column("words", Words)
)
NOON = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def database(new_database: DatabaseFactory) -> Database:
    database = new_database(migrated=False, patience_s=1.0)
    with database.migrating() as conn:
        notes.metadata.create_all(conn)
    return database


def count(database: Database) -> int:
    with database.reading() as conn:
        return len(conn.execute(select(notes)).all())


def test_a_failing_transaction_leaves_nothing(database: Database) -> None:
    def insert_twice() -> None:
        with database.writing() as conn:
            conn.execute(insert(notes), {"id": 1, "words": "a"})
            conn.execute(insert(notes), {"id": 1, "words": "a"})

    with pytest.raises(IntegrityError):
        insert_twice()
    assert count(database) == 0


def test_instants_come_back_aware_and_in_utc(database: Database) -> None:
    with database.writing() as conn:
        conn.execute(insert(notes), {"at": NOON})
    with database.reading() as conn:
        found = conn.execute(select(notes.c.at)).scalar_one()
        assert found == NOON
        assert found.tzinfo is UTC
        assert conn.execute(select(notes.c.id).where(notes.c.at < NOON + timedelta(microseconds=1))).scalar() == 1
        assert conn.execute(select(notes.c.id).where(notes.c.at < NOON)).scalar() is None


def test_an_instant_without_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="time zone"), database.writing() as conn:
        conn.execute(insert(notes), {"at": datetime(2026, 1, 1)})  # noqa: DTZ001  (the wrong kind on purpose)


def test_text_that_no_database_can_hold_is_stored_readably(database: Database) -> None:
    with database.writing() as conn:
        conn.execute(insert(notes), {"words": "黄\x00金\ud83d。"})
    with database.reading() as conn:
        assert conn.execute(select(notes.c.words)).scalar_one() == "黄\ufffd金\ufffd。"


def test_a_reader_sees_one_snapshot_and_is_not_stopped_by_a_writer(database: Database) -> None:
    with database.reading() as reader:
        assert reader.execute(select(notes)).all() == []
        with database.writing() as writer:
            writer.execute(insert(notes), {"words": "a"})
            assert count(database) == 0
        assert reader.execute(select(notes)).all() == []
    assert count(database) == 1


def test_a_reading_connection_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable), database.reading() as conn:
        conn.execute(insert(notes), {"words": "a"})


def test_many_threads_write_without_losing_a_row(database: Database) -> None:
    def work() -> None:
        for _ in range(25):
            with database.writing() as conn:
                conn.execute(insert(notes), {"words": "a"})

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 150


@pytest.mark.parametrize("engine", ["sqlite"])
def test_sqlite_is_safe_against_power_loss_and_only_the_owner_checkpoints(new_database: DatabaseFactory) -> None:
    owner, guest = new_database(checkpoints=True), new_database()
    found = []
    for database in (owner, guest):
        with database.writing() as conn:
            pragmas = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
            found.append([conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas])
    assert found == [["wal", 2, 1, 1000], ["wal", 2, 1, 0]]


def test_processes_take_turns_and_a_long_wait_is_said_clearly(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    one, other = Database(url), Database(url, patience_s=0.2)
    with one.writing(), pytest.raises(DatabaseUnavailable) as refused, other.writing():
        pass
    assert refused.value.ids == {"reason": "locked"}
    with other.writing():
        pass
    one.close()
    other.close()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_writing_block_inside_another_fails_at_once(database: Database) -> None:
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="inside"), database.writing(), database.writing():
        pass
    assert time.monotonic() - started < 0.5
    with database.writing():
        pass


def test_a_file_that_is_no_database_is_said_clearly(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("hello, not a database at all" * 50)
    database = Database(f"sqlite:///{tmp_path}/a.db")
    for block in (database.reading, database.writing):
        with pytest.raises(DatabaseUnavailable), block() as conn:
            conn.execute(text("SELECT * FROM sqlite_master"))
    database.close()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_full_disk_is_said_clearly_and_nothing_is_acknowledged(database: Database) -> None:
    with database.writing() as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseUnavailable), database.writing() as conn:
        conn.execute(insert(notes), [{"words": "长" * 5000} for _ in range(20)])
    assert count(database) == 0


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_file_is_for_its_owner_only(database: Database) -> None:
    path = Path(database.url.database or "")
    assert path.stat().st_mode & 0o077 == 0


def test_an_unreachable_server_is_said_clearly() -> None:
    database = Database("postgresql://nobody:hidden@127.0.0.1:1/none", patience_s=2)
    with pytest.raises(DatabaseUnavailable) as refused, database.reading():
        pass
    assert "hidden" not in str(refused.value.ids)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="database"):
        Database(url)


def test_equal_values_have_one_canonical_spelling() -> None:
    assert canonical_json({"b": 1, "a": "黄金"}) == '{"a":"黄金","b":1}'
    assert storable("普通文字") == "普通文字"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_busy_writer_lets_another_process_have_its_turn(new_database: DatabaseFactory) -> None:
    busy = new_database(patience_s=5.0)
    other = Database(str(busy.url), patience_s=5.0)  # its own files: the locks see another process
    stop, turns = threading.Event(), 0

    def write_all_the_time() -> None:
        nonlocal turns
        while not stop.is_set():
            with busy.writing():
                turns += 1
                time.sleep(0.005)

    writer = threading.Thread(target=write_all_the_time)
    writer.start()
    waited = []
    for _ in range(20):
        time.sleep(0.01)
        before = turns
        with other.writing():
            waited.append(turns - before)
    stop.set()
    writer.join()
    other.close()
    assert sorted(waited)[10] <= 2
    assert max(waited) <= 20
