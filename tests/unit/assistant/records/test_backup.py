from __future__ import annotations

import gzip
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text

from assistant.records.backup import backup, read_manifest, restore
from assistant.records.errors import BackupRefused, DatabaseNotEmpty
from assistant.records.records import Records
from assistant.records.tables import inbox, metadata
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore
from tests.conftest import ENGINES, DatabaseFactory
from tests.scenarios.records_work import fill
from tests.unit.assistant.records.samples import LEASE, NOW

LEFT_OUT = {"wecom_tokens", "knowledge_revision"}


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.reading() as conn:
        return {
            table.name: sorted((tuple(row) for row in conn.execute(select(table))), key=str)
            for table in metadata.sorted_tables
            if table.name not in LEFT_OUT
        }


@pytest.mark.parametrize("target_engine", ENGINES)
def test_a_backup_restores_on_either_engine(
    database: Database, new_database: DatabaseFactory, tmp_path: Path, target_engine: str
) -> None:
    fill(database)
    made = backup(database, tmp_path / "bank.tar.gz", now=NOW, code_version="1")
    target = new_database(migrated=False, engine=target_engine)
    report = restore(target, tmp_path / "bank.tar.gz")
    assert report.rows == made.rows
    assert report.audit.whole
    assert report.audit.head == Records.of(database).audit.head()
    assert everything(target) == everything(database)
    assert KnowledgeStore(target).revision() > KnowledgeStore(database).revision()
    records = Records.of(target)
    assert records.inbox.put("wecom", "after", "rm009", {}, now=NOW)
    assert records.inbox.claim(9, LEASE, now=NOW)


def test_a_full_database_is_only_replaced_when_forced(database: Database, tmp_path: Path) -> None:
    fill(database)
    backup(database, tmp_path / "bank.tar.gz", now=NOW)
    before = everything(database)
    with pytest.raises(DatabaseNotEmpty):
        restore(database, tmp_path / "bank.tar.gz")
    Records.of(database).inbox.put("wecom", "later", "rm001", {}, now=NOW)
    restore(database, tmp_path / "bank.tar.gz", force=True)
    assert everything(database) == before


def test_access_tokens_of_wecom_are_not_in_a_backup(database: Database, tmp_path: Path) -> None:
    Records.of(database).wecom_tokens.put("corp", "SECRET-TOKEN-123", NOW + LEASE)
    backup(database, tmp_path / "bank.tar.gz", now=NOW)
    assert b"SECRET-TOKEN-123" not in gzip.decompress((tmp_path / "bank.tar.gz").read_bytes())
    assert (tmp_path / "bank.tar.gz").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "other", "absent", "repacked"])
def test_a_damaged_backup_is_refused_and_nothing_is_changed(
    database: Database, new_database: DatabaseFactory, tmp_path: Path, damage: str
) -> None:
    fill(database)
    path = tmp_path / "bank.tar.gz"
    backup(database, path, now=NOW)
    content = path.read_bytes()
    damaged = {
        "cut": content[: len(content) // 2],
        "flipped": content[:500] + bytes([content[500] ^ 255]) + content[501:],
        "other": b"hello",
        "repacked": gzip.compress(gzip.decompress(content).replace("积存金".encode(), "定期金".encode())),
        "absent": None,
    }[damage]
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    target = new_database()
    before = everything(target)
    with pytest.raises(BackupRefused):
        restore(target, path)
    assert everything(target) == before


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_failing_backup_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    with database.writing() as conn:
        conn.execute(text("DROP TABLE outcomes"))
    folder = tmp_path / "backups"
    with pytest.raises(Exception, match="tables"):
        backup(database, folder / "bank.tar.gz", now=NOW)
    assert list(folder.iterdir()) == []


def test_a_backup_under_load_holds_everything_that_was_acknowledged_before_it(
    database: Database, new_database: DatabaseFactory, tmp_path: Path
) -> None:
    records, stop = Records.of(database), threading.Event()
    acknowledged: list[str] = []

    def receive() -> None:
        while not stop.is_set():
            key = f"m{len(acknowledged)}"
            records.inbox.put("wecom", key, "rm001", {"text": key}, now=NOW)
            with database.writing() as conn:
                records.audit.append(conn, actor="rm001", event="received", subject=key, body={}, now=NOW)
            acknowledged.append(key)

    worker = threading.Thread(target=receive)
    worker.start()
    try:
        while len(acknowledged) < 30:
            stop.wait(0.005)
        promised = set(acknowledged)
        backup(database, tmp_path / "bank.tar.gz", now=NOW)
        later = len(acknowledged)
        while len(acknowledged) < later + 5:
            stop.wait(0.005)
    finally:
        stop.set()
        worker.join()
    target = new_database(migrated=False)
    report = restore(target, tmp_path / "bank.tar.gz")
    with target.reading() as conn:
        kept = set(conn.execute(select(inbox.c.dedupe_key)).scalars())
    assert promised <= kept
    assert report.audit.whole
    assert read_manifest(tmp_path / "bank.tar.gz").tables["inbox"].rows == len(kept)
