"""The audit log: rows that are only ever added, each sealed with the hash of the one before.

    hash = sha256(prev_hash + canonical JSON of {seq, at, actor, event, subject, body})

The chain shows a changed, removed, inserted or reordered row. The head row shows a cut tail; somebody who rewrites
the head as well is shown by a head that was noted elsewhere (`verify(saved=...)`). Personal data stays out: bodies
hold ids, codes, counts and hashes of texts, so that a purge leaves the chain whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from assistant.records.tables import audit, audit_head
from knowledge.stores.columns import canonical_json, storable
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent

_START = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest row: what to note outside the database."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row of the log; `body` is the stored JSON."""

    seq: int
    at: datetime
    actor: str
    event: str
    subject: str
    body: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check of the whole chain found. `broken_at` is the first sequence number that does not fit, or None."""

    count: int
    head: AuditHead
    broken_at: int | None = None
    problem: str | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, removed or cut."""
        return self.broken_at is None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows to show; empty: all. `since` inclusive, `until` exclusive, both aware."""

    event: str = ""
    actor: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Audit:
    """The log of one database."""

    database: Database

    def append(
        self, conn: Connection, *, actor: str, event: str, subject: str, body: Mapping[str, Any], now: datetime
    ) -> AuditHead:
        """Add a row in the caller's transaction, best as its last statement: others wait for the head until it ends."""
        head = _locked_head(conn)
        seq, words = head.seq + 1, canonical_json(dict(body))
        actor, subject = storable(actor), storable(subject)
        sealed = _seal(head.hash, seq, now, actor, event, subject, words)
        row = {"seq": seq, "at": now, "actor": actor, "event": event, "subject": subject, "body": words}
        conn.execute(audit.insert(), {**row, "prev_hash": head.hash, "hash": sealed})
        conn.execute(update(audit_head).values(seq=seq, hash=sealed))
        return AuditHead(seq, sealed)

    def head(self) -> AuditHead:
        """The newest row; seq 0 when the log is empty."""
        with self.database.reading() as conn:
            return _head(conn.execute(select(audit_head)).one_or_none())

    def verify(self, saved: AuditHead | None = None) -> AuditReport:
        """Walk the whole chain; with `saved`, also prove that a head noted earlier is still part of it."""
        with self.database.reading() as conn:
            return verify_chain(conn, saved)

    def of_subject(self, subject: str) -> list[AuditEntry]:
        """Everything logged about one draft, version, ticket..., oldest first."""
        with self.database.reading() as conn:
            rows = conn.execute(select(audit).where(audit.c.subject == subject).order_by(audit.c.seq)).all()
        return [_entry(row) for row in rows]

    def tail(self, limit: int = 100) -> list[AuditEntry]:
        """The newest rows, newest first."""
        with self.database.reading() as conn:
            rows = conn.execute(select(audit).order_by(audit.c.seq.desc()).limit(limit)).all()
        return [_entry(row) for row in rows]

    def page(self, wanted: AuditFilter, *, before: int | None = None, limit: int = 50) -> list[AuditEntry]:
        """Rows that fit, newest first, those with a smaller number than `before`."""
        query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        asked = ((audit.c.event, wanted.event), (audit.c.actor, wanted.actor), (audit.c.subject, wanted.subject))
        query = query.where(*(column == value for column, value in asked if value))
        if wanted.since is not None:
            query = query.where(audit.c.at >= wanted.since)
        if wanted.until is not None:
            query = query.where(audit.c.at < wanted.until)
        if before is not None:
            query = query.where(audit.c.seq < before)
        with self.database.reading() as conn:
            return [_entry(row) for row in conn.execute(query)]

    def events(self) -> list[str]:
        """The events that occur, by name."""
        with self.database.reading() as conn:
            return list(conn.execute(select(audit.c.event).distinct().order_by(audit.c.event)).scalars())


def verify_chain(conn: Connection, saved: AuditHead | None = None) -> AuditReport:
    """As Audit.verify, on a connection of the caller."""
    seq, previous = 0, _START
    rows = conn.execution_options(stream_results=True, yield_per=1000).execute(select(audit).order_by(audit.c.seq))
    for row in rows:
        problem = _problem(row, seq + 1, previous, saved)
        if problem:
            rows.close()
            return AuditReport(seq, AuditHead(seq, previous), seq + 1, problem)
        seq, previous = row.seq, row.hash
    here = AuditHead(seq, previous)
    if saved is not None and saved.seq > seq:
        return AuditReport(seq, here, seq + 1, "rows up to the saved head are missing")
    if _head(conn.execute(select(audit_head)).one_or_none()) != here:
        return AuditReport(seq, here, seq + 1, "the last rows are missing")
    return AuditReport(seq, here)


def _problem(row: Row[Any], seq: int, previous: str, saved: AuditHead | None) -> str | None:
    if row.seq != seq:
        return "a row is missing"
    if row.prev_hash != previous:
        return "the row does not follow the one before"
    if row.hash != _seal(previous, seq, row.at, row.actor, row.event, row.subject, row.body):
        return "the row was changed"
    if saved is not None and saved.seq == seq and saved.hash != row.hash:
        return "the row is not the one whose hash was saved"
    return None


def _seal(previous: str, seq: int, at: datetime, actor: str, event: str, subject: str, body: str) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    words = canonical_json({"seq": seq, "at": moment, "actor": actor, "event": event, "subject": subject, "body": body})
    return hashlib.sha256((previous + words).encode()).hexdigest()


def _locked_head(conn: Connection) -> AuditHead:
    query = select(audit_head).with_for_update()  # SQLite has one writer anyway
    row = conn.execute(query).one_or_none()
    if row is None:
        insert_if_absent(conn, audit_head, ("id",), {"id": 1, "seq": 0, "hash": _START})
        row = conn.execute(query).one()
    return _head(row)


def _head(row: Row[Any] | None) -> AuditHead:
    return AuditHead(0, _START) if row is None else AuditHead(row.seq, row.hash)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.seq, row.at, row.actor, row.event, row.subject, json.loads(row.body), row.hash)
