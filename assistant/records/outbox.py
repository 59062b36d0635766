"""Messages to staff that wait to be sent.

A row is stored in the transaction of the change that causes it, under a key of its own, so that it exists once.
Rows of one member leave in the order they were stored: a later one waits while an earlier one is not settled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
    tuple_,
    update,
)

from assistant.records.errors import LeaseLost
from assistant.records.tables import outbox
from knowledge.stores.columns import Instant
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent, prefer_index_order

_other = outbox.alias("other")
# Spelled out, or a partial index is not used. Written once, because composing a query costs more than running it.
_WAITING: list[ColumnElement[str]] = [literal_column("'pending'"), literal_column("'sending'")]
_NOW = bindparam("now", type_=Instant)
_first_of_member = select(func.min(_other.c.id)).where(
    _other.c.userid == outbox.c.userid, _other.c.status.in_(_WAITING)
)
_due = or_(
    and_(outbox.c.status == "pending", outbox.c.next_at <= _NOW),
    and_(outbox.c.status == "sending", outbox.c.lease_until <= _NOW),
)
_CLAIMABLE = (
    select(outbox.c.id)
    .where(outbox.c.status.in_(_WAITING), _due, outbox.c.id == _first_of_member.scalar_subquery())
    .order_by(outbox.c.id)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True, of=outbox)
)
_TAKE = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), outbox.c.status.in_(_WAITING))
    .values(status="sending", lease_until=bindparam("until", type_=Instant), attempts=outbox.c.attempts + 1)
    .returning(outbox)
)
_SENT = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"), outbox.c.status == "sending", outbox.c.attempts == bindparam("try"))
    .values(status="sent", sent_at=_NOW, msgid=bindparam("given"), lease_until=None, error=None)
)


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message to a member. `first_sent_at` set means: an earlier try may have reached WeCom."""

    id: int
    dedupe_key: str
    userid: str
    msgtype: str
    body: dict[str, Any]
    sequence: int
    status: str
    attempts: int
    next_at: datetime
    queued_at: datetime
    first_sent_at: datetime | None = None
    sent_at: datetime | None = None
    error: str | None = None
    msgid: str | None = None
    draft_id: str | None = None


@dataclass(frozen=True)
class Outbox:
    """The queue of what goes out to members."""

    database: Database

    def enqueue(
        self,
        conn: Connection,
        *,
        dedupe_key: str,
        userid: str,
        msgtype: str,
        body: Mapping[str, Any],
        now: datetime,
        sequence: int = 1,
        draft_id: str | None = None,
        not_before: datetime | None = None,
    ) -> bool:
        """Queue a message in the caller's transaction. False: one with this key is there already."""
        row = {
            "dedupe_key": dedupe_key,
            "userid": userid,
            "msgtype": msgtype,
            "body": dict(body),
            "sequence": sequence,
            "status": "pending",
            "attempts": 0,
            "next_at": not_before or now,
            "queued_at": now,
            "draft_id": draft_id,
        }
        return insert_if_absent(conn, outbox, ("dedupe_key",), row) == 1

    def claim(self, limit: int, lease: timedelta, *, now: datetime) -> list[OutboxMessage]:
        """Take up to `limit` messages that are due, at most one of each member, oldest first.

        Also those whose sender died: its lease ran out.
        """
        with self.database.writing() as conn:
            prefer_index_order(conn)
            ids = list(conn.execute(_CLAIMABLE, {"now": now, "most": limit}).scalars())
            if not ids:
                return []
            rows = conn.execute(_TAKE, {"ids": ids, "until": now + lease}).all()
        return sorted((_message(row) for row in rows), key=lambda message: message.id)

    def mark_sending(self, messages: Sequence[OutboxMessage], *, now: datetime) -> dict[int, datetime]:
        """Note that the send calls start now; returns when the first one of each started, by id.

        What another sender has taken over meanwhile is missing in the answer, and must not be sent.
        """
        mine = tuple_(outbox.c.id, outbox.c.attempts).in_([(message.id, message.attempts) for message in messages])
        start = update(outbox).where(mine, outbox.c.status == "sending")
        noted = start.values(first_sent_at=func.coalesce(outbox.c.first_sent_at, now)).returning(outbox.c.id)
        with self.database.writing() as conn:
            ids = set(conn.execute(noted).scalars())
        return {message.id: message.first_sent_at or now for message in messages if message.id in ids}

    def sent(self, message: OutboxMessage, *, msgid: str | None, now: datetime) -> None:
        """WeCom took it. Raises LeaseLost when another sender has it now."""
        if not self.sent_all([(message, msgid)], now=now):
            raise LeaseLost(outbox_id=str(message.id))

    def sent_all(self, sent: Sequence[tuple[OutboxMessage, str | None]], *, now: datetime) -> int:
        """WeCom took these; one transaction. Returns how many were still this sender's."""
        rows = [{"row": message.id, "try": message.attempts, "given": msgid, "now": now} for message, msgid in sent]
        with self.database.writing() as conn:
            return sum(conn.execute(_SENT, row).rowcount for row in rows)

    def retry(self, message: OutboxMessage, error: str, *, at: datetime, never_sent: bool = False) -> None:
        """Try again later. Raises LeaseLost.

        Args:
            never_sent: this try certainly did not reach the member. When it was the first one, there is nothing that a
                repeat could double; an earlier try of unknown outcome stays on record.
        """
        changes: dict[str, object] = {"status": "pending", "next_at": at, "lease_until": None, "error": error}
        if never_sent and message.first_sent_at is None:
            changes["first_sent_at"] = None
        with self.database.writing() as conn:
            _settle(conn, message, **changes)

    def put_off(self, message: OutboxMessage, *, at: datetime) -> None:
        """Wait without counting an attempt, e.g. for the member's rate limit. Raises LeaseLost."""
        with self.database.writing() as conn:
            _settle(conn, message, status="pending", next_at=at, lease_until=None, attempts=outbox.c.attempts - 1)

    def bury(self, message: OutboxMessage, error: str, *, now: datetime) -> None:
        """Give it up where people see it; later messages of the member may go. Raises LeaseLost."""
        with self.database.writing() as conn:
            _settle(conn, message, status="dead", lease_until=None, error=error, sent_at=None)

    def release_all(self, *, now: datetime) -> int:
        """End every lease at once: for the start of a process that is the only one sending."""
        leased = update(outbox).where(outbox.c.status == "sending")
        with self.database.writing() as conn:
            return conn.execute(leased.values(status="pending", lease_until=None, next_at=now)).rowcount

    def revive(self, message_id: int, *, now: datetime) -> bool:
        """Queue a dead letter again as if it were new: a person decided that. False: it is not dead."""
        again = update(outbox).where(outbox.c.id == message_id, outbox.c.status == "dead")
        fresh = again.values(status="pending", attempts=0, next_at=now, queued_at=now, first_sent_at=None)
        with self.database.writing() as conn:
            return conn.execute(fresh).rowcount == 1

    def sent_since(self, userids: Collection[str], since: datetime) -> dict[str, int]:
        """How many messages each of these members got since then, for WeCom's limit; without those who got none."""
        query = select(outbox.c.userid, func.count()).where(outbox.c.userid.in_(userids), outbox.c.sent_at > since)
        with self.database.reading() as conn:
            return {row[0]: row[1] for row in conn.execute(query.group_by(outbox.c.userid))}

    def of_draft(self, draft_id: str) -> list[OutboxMessage]:
        """The messages that carried one draft, in order."""
        query = select(outbox).where(outbox.c.draft_id == draft_id).order_by(outbox.c.id)
        with self.database.reading() as conn:
            return [_message(row) for row in conn.execute(query)]

    def counts(self) -> dict[str, int]:
        """How many messages stand in each status."""
        with self.database.reading() as conn:
            rows = conn.execute(select(outbox.c.status, func.count()).group_by(outbox.c.status))
            return {row[0]: row[1] for row in rows}

    def dead(self, limit: int = 100) -> list[OutboxMessage]:
        """Dead letters, newest first."""
        query = select(outbox).where(outbox.c.status == "dead").order_by(outbox.c.id.desc()).limit(limit)
        with self.database.reading() as conn:
            return [_message(row) for row in conn.execute(query)]


def _settle(conn: Connection, message: OutboxMessage, **columns: object) -> None:
    mine = and_(outbox.c.id == message.id, outbox.c.status == "sending", outbox.c.attempts == message.attempts)
    if conn.execute(update(outbox).where(mine).values(**columns)).rowcount != 1:
        raise LeaseLost(outbox_id=str(message.id))


def _message(row: Row[Any]) -> OutboxMessage:
    return OutboxMessage(
        id=row.id,
        dedupe_key=row.dedupe_key,
        userid=row.userid,
        msgtype=row.msgtype,
        body=row.body or {},
        sequence=row.sequence,
        status=row.status,
        attempts=row.attempts,
        next_at=row.next_at,
        queued_at=row.queued_at,
        first_sent_at=row.first_sent_at,
        sent_at=row.sent_at,
        error=row.error,
        msgid=row.msgid,
        draft_id=row.draft_id,
    )
