"""Messages that were acknowledged and wait for their answer.

A row is stored before the door says 200, and leaves only as `done` (in the transaction that stores the answer) or
as `dead`, where people see it. Messages of one member are worked on one at a time, in the order they came.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)

from assistant.records.errors import LeaseLost
from assistant.records.grouping import GroupCommit
from assistant.records.tables import inbox
from knowledge.stores.columns import Instant, storable
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent, prefer_index_order

_ORDER_ROOM = 7_201_127
_other = inbox.alias("other")
# Spelled out, or a partial index is not used. Written once, because composing a query costs more than running it.
_WAITING: list[ColumnElement[str]] = [literal_column("'new'"), literal_column("'leased'")]
_NOW = bindparam("now", type_=Instant)
_of_member = select(func.min(_other.c.id)).where(_other.c.userid == inbox.c.userid)
_first_of_member = _of_member.where(_other.c.status.in_(_WAITING))
_due = or_(
    and_(inbox.c.status == "new", inbox.c.next_at <= _NOW),
    and_(inbox.c.status == "leased", inbox.c.lease_until <= _NOW),
)
_CLAIMABLE = (
    select(inbox.c.id)
    .where(inbox.c.status.in_(_WAITING), _due, inbox.c.id == _first_of_member.scalar_subquery())
    .order_by(inbox.c.id)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True, of=inbox)
)
_TAKE = (
    update(inbox)
    .where(inbox.c.id.in_(bindparam("ids", expanding=True)), inbox.c.status.in_(_WAITING))
    .values(status="leased", lease_until=bindparam("until", type_=Instant), attempts=inbox.c.attempts + 1)
    .returning(inbox)
)


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One stored message. `attempts` counts the claims and is the proof of the current lease."""

    id: int
    channel: str
    dedupe_key: str
    userid: str
    payload: dict[str, Any]
    received_at: datetime
    status: str
    attempts: int
    error: str | None = None


@dataclass(frozen=True)
class Inbox:
    """The queue of what came in. After `max_attempts` claims without success a message is dead."""

    database: Database
    max_attempts: int = 8
    _puts: GroupCommit = field(default_factory=GroupCommit, repr=False, compare=False)

    def put(self, channel: str, dedupe_key: str, userid: str, payload: Mapping[str, Any], *, now: datetime) -> bool:
        """Store a message; on disk when this returns. False: the same one is there already."""
        row = {
            "channel": channel,
            "dedupe_key": dedupe_key,
            "userid": userid,
            "payload": dict(payload),
            "received_at": now,
            "status": "new",
            "attempts": 0,
            "next_at": now,
        }
        return self._puts.put(row, self._store)

    def _store(self, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
        with self.database.writing() as conn:
            if not self.database.is_sqlite:
                # Row numbers are given before the commit; in turn, so that a member's messages keep their order. And
                # always in the same order, or two transactions could wait for each other.
                for member in sorted({_order_lock(row["userid"]) for row in rows}):
                    lock = text("SELECT pg_advisory_xact_lock(:room, :member)")
                    conn.execute(lock, {"room": _ORDER_ROOM, "member": member})
            return [insert_if_absent(conn, inbox, ("channel", "dedupe_key"), row) == 1 for row in rows]

    def claim(self, limit: int, lease: timedelta, *, now: datetime) -> list[InboxMessage]:
        """Take up to `limit` messages that are due, each for the time of `lease`, oldest first."""
        with self.database.writing() as conn:
            prefer_index_order(conn)
            ids = list(conn.execute(_CLAIMABLE, {"now": now, "most": limit}).scalars())
            if not ids:
                return []
            self._bury_hopeless(conn, ids, now)
            rows = conn.execute(_TAKE, {"ids": ids, "until": now + lease}).all()
        return sorted((_message(row) for row in rows), key=lambda message: message.id)

    def _bury_hopeless(self, conn: Connection, ids: list[int], now: datetime) -> None:
        """A message whose every claim ended with its worker must not take the next worker down as well."""
        conn.execute(
            update(inbox)
            .where(inbox.c.id.in_(ids), inbox.c.attempts >= self.max_attempts)
            .values(status="dead", lease_until=None, finished_at=now, error=func.coalesce(inbox.c.error, "abandoned"))
        )

    def done(self, conn: Connection, message: InboxMessage, *, now: datetime) -> None:
        """The message is answered by what this transaction stores. Raises LeaseLost: roll it back."""
        _settle(conn, message, status="done", lease_until=None, finished_at=now, error=None)

    def fail(self, message: InboxMessage, error: str, *, retry_at: datetime, now: datetime) -> bool:
        """Give it back until `retry_at`, or bury it when its attempts are used up. Returns whether it is dead."""
        dead = message.attempts >= self.max_attempts
        with self.database.writing() as conn:
            if dead:
                _settle(conn, message, status="dead", lease_until=None, finished_at=now, error=error)
            else:
                _settle(conn, message, status="new", lease_until=None, next_at=retry_at, error=error)
        return dead

    def bury(self, conn: Connection, message: InboxMessage, error: str, *, now: datetime) -> None:
        """Give it up now, in the caller's transaction. Raises LeaseLost."""
        _settle(conn, message, status="dead", lease_until=None, finished_at=now, error=error)

    def release_all(self, *, now: datetime) -> int:
        """End every lease at once: for the start of a process that is the only one working on this database."""
        leased = update(inbox).where(inbox.c.status == "leased").values(status="new", lease_until=None, next_at=now)
        with self.database.writing() as conn:
            return conn.execute(leased).rowcount

    def revive(self, message_id: int, *, now: datetime) -> bool:
        """Put a dead letter back into the queue. False: it is not dead."""
        again = update(inbox).where(inbox.c.id == message_id, inbox.c.status == "dead")
        with self.database.writing() as conn:
            return conn.execute(again.values(status="new", attempts=0, next_at=now, finished_at=None)).rowcount == 1

    def counts(self) -> dict[str, int]:
        """How many messages stand in each status."""
        with self.database.reading() as conn:
            rows = conn.execute(select(inbox.c.status, func.count()).group_by(inbox.c.status))
            return {row[0]: row[1] for row in rows}

    def dead(self, limit: int = 100) -> list[InboxMessage]:
        """Dead letters, newest first."""
        query = select(inbox).where(inbox.c.status == "dead").order_by(inbox.c.id.desc()).limit(limit)
        with self.database.reading() as conn:
            return [_message(row) for row in conn.execute(query)]


def _order_lock(userid: str) -> int:
    return zlib.crc32(storable(userid).encode()) - 2**31  # a signed 32-bit number


def _settle(conn: Connection, message: InboxMessage, **columns: object) -> None:
    mine = and_(inbox.c.id == message.id, inbox.c.status == "leased", inbox.c.attempts == message.attempts)
    if conn.execute(update(inbox).where(mine).values(**columns)).rowcount != 1:
        raise LeaseLost(inbox_id=str(message.id))


def _message(row: Row[Any]) -> InboxMessage:
    return InboxMessage(
        id=row.id,
        channel=row.channel,
        dedupe_key=row.dedupe_key,
        userid=row.userid,
        payload=row.payload or {},
        received_at=row.received_at,
        status=row.status,
        attempts=row.attempts,
        error=row.error,
    )
