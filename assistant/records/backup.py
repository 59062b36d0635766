"""Everything in the database as one file, taken while the service runs, and back into an empty one.

The file is a .tar.gz with `manifest.json` and one JSON-lines file for each table, all read from one snapshot.
It is the same for both engines, so that a bank can move from SQLite to PostgreSQL by a backup and a restore;
a copy of SQLite's pages would be faster to take and could not do that. WeCom's access tokens stay out.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import tarfile
import tempfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, Date, LargeBinary, Table, delete, func, insert, select, text, update

from assistant.records.audit import AuditHead, AuditReport, verify_chain
from assistant.records.errors import BackupRefused, DatabaseNotEmpty
from assistant.records.migrate import HEAD, known_revisions, upgrade
from assistant.records.tables import audit_head, metadata, wecom_tokens
from knowledge.stores.columns import Instant, dump_json
from knowledge.stores.database import Database
from knowledge.stores.tables import knowledge_revision

_FORMAT = 1
_MANIFEST = "manifest.json"
_BATCH = 1000
_SEEDED = (knowledge_revision, audit_head)  # a new database has one row in each


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int
    sha256: str
    columns: list[str]


class Manifest(BaseModel):
    """What a backup says about itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    schema_revision: str
    code_version: str
    made_at: datetime
    audit_seq: int
    audit_hash: str
    tables: dict[str, _File]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A finished backup or restore: rows by table, and the audit chain as it was checked."""

    path: Path
    rows: Mapping[str, int]
    audit: AuditReport


def backup(database: Database, path: Path, *, now: datetime, code_version: str = "") -> BackupReport:
    """Write one file with all records as they are at this moment; `path` appears only when it is complete.

    Raises: DatabaseUnavailable; OSError when the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
        with database.reading() as conn:
            files = {table.name: _dump(conn, table, Path(folder)) for table in _kept_tables()}
            chain = verify_chain(conn)
        manifest = Manifest(
            format=_FORMAT,
            schema_revision=HEAD,
            code_version=code_version,
            made_at=now,
            audit_seq=chain.head.seq,
            audit_hash=chain.head.hash,
            tables=files,
        )
        packed = Path(folder) / "packed"
        _pack(packed, manifest, Path(folder))
        os.replace(packed, path)
    return BackupReport(path, {name: file.rows for name, file in files.items()}, chain)


def restore(database: Database, path: Path, *, force: bool = False) -> BackupReport:
    """Fill an empty database (`force`: replace what is in it) in one transaction, checked before it is committed.

    An audit chain that was broken already is restored as it is; the report says where.

    Raises: BackupRefused for a damaged, foreign or newer file; DatabaseNotEmpty; DatabaseUnavailable.
    """
    manifest = read_manifest(path)
    upgrade(database)
    with database.writing() as conn:
        if not force and _filled(conn):
            raise DatabaseNotEmpty(path=path.name)
        floor = conn.execute(select(func.max(knowledge_revision.c.revision))).scalar() or 0
        _clear(conn)
        with _opened(path) as archive:
            rows = {name: _load(conn, archive, name, file) for name, file in _in_order(manifest)}
        for table in _kept_tables():
            if (
                table.name in rows
                and conn.execute(select(func.count()).select_from(table)).scalar() != rows[table.name]
            ):
                raise BackupRefused(path=path.name, table=table.name, reason="row count")
        _count_on(conn)
        _renew_revision(conn, floor)
        chain = verify_chain(conn, AuditHead(manifest.audit_seq, manifest.audit_hash))
    return BackupReport(path, rows, chain)


def read_manifest(path: Path) -> Manifest:
    """What the file holds, after checking every hash in it. Raises BackupRefused."""
    with _opened(path) as archive:
        try:
            manifest = Manifest.model_validate_json(_member(archive, _MANIFEST).read())
        except (ValidationError, KeyError) as exc:
            raise BackupRefused(path=path.name, reason="no manifest") from exc
        if manifest.format != _FORMAT or manifest.schema_revision not in known_revisions():
            raise BackupRefused(path=path.name, reason="made by newer code")
        if unknown := manifest.tables.keys() - metadata.tables.keys():
            raise BackupRefused(path=path.name, reason=f"unknown tables: {sorted(unknown)}")
        for name, file in manifest.tables.items():
            try:
                found = hashlib.file_digest(_member(archive, _entry(name)), "sha256").hexdigest()
            except (KeyError, OSError, EOFError, zlib.error, tarfile.TarError) as exc:
                raise BackupRefused(path=path.name, table=name, reason="missing or cut") from exc
            if found != file.sha256:
                raise BackupRefused(path=path.name, table=name, reason="changed")
    return manifest


def _kept_tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if table is not wecom_tokens]


def _entry(name: str) -> str:
    return f"tables/{name}.jsonl"


def _dump(conn: Connection, table: Table, folder: Path) -> _File:
    digest, count = hashlib.sha256(), 0
    query = select(table).order_by(*table.primary_key.columns)
    with (folder / f"{table.name}.jsonl").open("wb") as file:
        for row in conn.execution_options(stream_results=True, yield_per=_BATCH).execute(query):
            line = dump_json([_plain(value) for value in row]).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
    return _File(rows=count, sha256=digest.hexdigest(), columns=[column.name for column in table.columns])


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _pack(path: Path, manifest: Manifest, folder: Path) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=5) as archive:
            words = manifest.model_dump_json(indent=1).encode()
            entry = tarfile.TarInfo(_MANIFEST)
            entry.size = len(words)
            archive.addfile(entry, io.BytesIO(words))
            for name in manifest.tables:
                archive.add(folder / f"{name}.jsonl", _entry(name))
        raw.flush()
        os.fsync(raw.fileno())


class _opened:
    """The archive of a backup, its damage told as BackupRefused."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> tarfile.TarFile:
        try:
            self._archive = tarfile.open(self._path, "r:gz")
        except (OSError, EOFError, zlib.error, tarfile.TarError) as exc:
            raise BackupRefused(path=self._path.name, reason="not a backup file") from exc
        return self._archive

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._archive.close()
        if isinstance(error, (EOFError, zlib.error, tarfile.TarError)):
            raise BackupRefused(path=self._path.name, reason="cut or damaged") from error


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return cast(io.BufferedReader, file)


def _filled(conn: Connection) -> bool:
    return any(
        conn.execute(select(*table.primary_key.columns).limit(1)).first()
        for table in _kept_tables()
        if table not in _SEEDED
    )


def _clear(conn: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        conn.execute(delete(table))


def _in_order(manifest: Manifest) -> Iterator[tuple[str, _File]]:
    for table in _kept_tables():
        if table.name in manifest.tables:
            yield table.name, manifest.tables[table.name]


def _load(conn: Connection, archive: tarfile.TarFile, name: str, file: _File) -> int:
    table = metadata.tables[name]
    if unknown := set(file.columns) - set(table.columns.keys()):
        raise BackupRefused(table=name, reason=f"unknown columns: {sorted(unknown)}")
    count, batch = 0, []
    for line in _member(archive, _entry(name)):
        values = json.loads(line)
        batch.append({key: _typed(table, key, value) for key, value in zip(file.columns, values, strict=True)})
        if len(batch) == _BATCH:
            conn.execute(insert(table), batch)
            count, batch = count + len(batch), []
    if batch:
        conn.execute(insert(table), batch)
    return count + len(batch)


def _typed(table: Table, column: str, value: Any) -> Any:
    kind = table.columns[column].type
    if value is None:
        return None
    if isinstance(kind, Instant):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return b64decode(value) if isinstance(kind, LargeBinary) else value


def _count_on(conn: Connection) -> None:
    """PostgreSQL's counters go on after the restored row numbers; SQLite's do by themselves."""
    if conn.dialect.name == "sqlite":
        return
    for name in ("inbox", "outbox"):
        words = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {name}))"  # noqa: S608
        conn.execute(text(words))


def _renew_revision(conn: Connection, floor: int) -> None:
    """An index built from the replaced database must not look up to date."""
    kept = conn.execute(select(func.max(knowledge_revision.c.revision))).scalar() or 0
    conn.execute(update(knowledge_revision).values(revision=max(floor, kept) + 1 + secrets.randbelow(2**20)))
