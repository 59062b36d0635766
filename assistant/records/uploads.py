"""Files that curators handed in, from the moment they are on disk until they are read or refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, cast, or_, select, update
from sqlalchemy.types import Text

from assistant.records.errors import RecordNotFound
from assistant.records.tables import uploads
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent

MOST_ATTEMPTS = 3  # a file whose reading takes the reader down is not read a fourth time


class UploadStatus(StrEnum):
    """Where a file stands; the last three are final."""

    QUEUED = "queued"
    READING = "reading"
    LOADED = "loaded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in {UploadStatus.QUEUED, UploadStatus.READING}


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """One file. `options` are the fields of knowledge.ingestion.ingest.Upload as JSON-ready data.

    `step` is what is being done (`reading`, `cutting`, `storing`); `reason` a code, `message` and `warnings`
    sentences for people; `version_ids` what it became.
    """

    upload_id: str
    name: str
    size: int
    options: dict[str, Any]
    uploaded_by: str
    uploaded_at: datetime
    status: UploadStatus = UploadStatus.QUEUED
    step: str = ""
    attempts: int = 0
    finished_at: datetime | None = None
    reason: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()
    version_ids: tuple[str, ...] = ()
    passages: int = 0


@dataclass(frozen=True, slots=True)
class UploadResult:
    """How the reading of a file ended."""

    status: UploadStatus
    reason: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()
    version_ids: tuple[str, ...] = ()
    passages: int = 0


@dataclass(frozen=True)
class Uploads:
    """Stored uploads; the bytes are kept only until the file is read."""

    database: Database

    def put(self, conn: Connection, upload: StoredUpload, content: bytes) -> None:
        """Queue a file in the caller's transaction, unless its id is known."""
        row = {name: getattr(upload, name) for name in _COLUMNS if name not in {"warnings", "version_ids"}}
        lists = {"warnings": list(upload.warnings), "version_ids": list(upload.version_ids)}
        values = {**row, **lists, "status": upload.status.value, "content": content}
        insert_if_absent(conn, uploads, ("upload_id",), values)

    def get(self, upload_id: str) -> StoredUpload:
        """One upload. Raises RecordNotFound."""
        with self.database.reading() as conn:
            row = conn.execute(select(*_SHOWN).where(uploads.c.upload_id == upload_id)).one_or_none()
        if row is None:
            raise RecordNotFound(upload_id=upload_id)
        return _upload(row)

    def recent(self, *, by: str | None = None, limit: int = 50) -> list[StoredUpload]:
        """The newest uploads first, of one member if given."""
        query = select(*_SHOWN).order_by(uploads.c.uploaded_at.desc(), uploads.c.upload_id).limit(limit)
        if by is not None:
            query = query.where(uploads.c.uploaded_by == by)
        with self.database.reading() as conn:
            return [_upload(row) for row in conn.execute(query)]

    def of_version(self, version_id: str) -> StoredUpload | None:
        """The upload that made a version, None when it came another way."""
        named = cast(uploads.c.version_ids, Text).contains(json.dumps(version_id, ensure_ascii=False), autoescape=True)
        query = select(*_SHOWN).where(named).order_by(uploads.c.uploaded_at).limit(1)
        with self.database.reading() as conn:
            found = [_upload(row) for row in conn.execute(query)]
        return found[0] if found else None

    def claim(self, *, now: datetime, lease: timedelta) -> tuple[StoredUpload, bytes] | None:
        """Take the oldest waiting file, or one whose reader died; None: nothing waits."""
        with self.database.reading() as conn:  # the one writer is not asked for its turn twice a second
            if conn.execute(select(uploads.c.upload_id).where(_waits(now)).limit(1)).first() is None:
                return None
        with self.database.writing() as conn:
            query: Select[Any] = select(*_SHOWN, uploads.c.content).where(_waits(now))
            query = query.order_by(uploads.c.uploaded_at).limit(1)
            row = conn.execute(query.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            taken = {"status": UploadStatus.READING.value, "attempts": row.attempts + 1, "lease_until": now + lease}
            conn.execute(update(uploads).where(uploads.c.upload_id == row.upload_id).values(taken))
            return _upload(row), bytes(row.content or b"")

    def step(self, upload_id: str, step: str) -> None:
        """Note what is being done now, for whoever watches."""
        with self.database.writing() as conn:
            conn.execute(update(uploads).where(uploads.c.upload_id == upload_id).values(step=step))

    def finish(self, conn: Connection, upload_id: str, result: UploadResult, *, now: datetime) -> None:
        """Note the end in the caller's transaction; the bytes go."""
        values = {
            "status": result.status.value,
            "step": "",
            "reason": result.reason,
            "message": result.message,
            "warnings": list(result.warnings),
            "version_ids": list(result.version_ids),
            "passages": result.passages,
            "finished_at": now,
            "lease_until": None,
            "content": None,
        }
        conn.execute(update(uploads).where(uploads.c.upload_id == upload_id).values(values))

    def release_all(self) -> None:
        """Queue again what a reader that is gone had in hand; only for whoever knows that no reader lives."""
        with self.database.writing() as conn:
            reading = uploads.c.status == UploadStatus.READING.value
            conn.execute(update(uploads).where(reading).values(status=UploadStatus.QUEUED.value, lease_until=None))


_COLUMNS = tuple(StoredUpload.__dataclass_fields__)
_SHOWN: Sequence[ColumnElement[Any]] = tuple(uploads.c[name] for name in _COLUMNS)


def _waits(now: datetime) -> ColumnElement[bool]:
    abandoned = and_(uploads.c.status == UploadStatus.READING.value, uploads.c.lease_until <= now)
    return or_(uploads.c.status == UploadStatus.QUEUED.value, abandoned)


def _upload(row: Row[Any]) -> StoredUpload:
    values = {name: getattr(row, name) for name in _COLUMNS}
    lists = {name: tuple(values[name]) for name in ("warnings", "version_ids")}
    return StoredUpload(**{**values, **lists, "status": UploadStatus(row.status)})
