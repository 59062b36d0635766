"""Questions that the brain could not answer, with a clock for the middle office."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select, update

from assistant.records.errors import RecordNotFound
from assistant.records.tables import tickets
from knowledge.stores.database import Database


@dataclass(frozen=True, slots=True)
class Ticket:
    """One question to the middle office. `status`: open, answered or closed."""

    ticket_id: str
    question_masked: str
    userid: str
    opened_at: datetime
    due_at: datetime
    draft_id: str | None = None
    status: str = "open"
    answered_at: datetime | None = None
    answer: str | None = None
    answered_by: str | None = None
    version_id: str | None = None


@dataclass(frozen=True)
class Tickets:
    """Stored tickets."""

    database: Database

    def open(self, conn: Connection, ticket: Ticket) -> None:
        """Store a new ticket in the caller's transaction."""
        conn.execute(tickets.insert(), asdict(ticket))

    def answer(self, conn: Connection, ticket_id: str, answer: str, by: str, *, now: datetime) -> None:
        """Answer an open ticket in the caller's transaction. Raises RecordNotFound when none is open."""
        change = update(tickets).where(tickets.c.ticket_id == ticket_id, tickets.c.status == "open")
        values = {"status": "answered", "answer": answer, "answered_by": by, "answered_at": now}
        if conn.execute(change.values(values)).rowcount != 1:
            raise RecordNotFound(ticket_id=ticket_id)

    def close(self, conn: Connection, ticket_id: str) -> None:
        """Close a ticket in the caller's transaction. Raises RecordNotFound."""
        change = update(tickets).where(tickets.c.ticket_id == ticket_id).values(status="closed")
        if conn.execute(change).rowcount != 1:
            raise RecordNotFound(ticket_id=ticket_id)

    def became(self, conn: Connection, ticket_ids: Collection[str], version_id: str) -> None:
        """Note in the caller's transaction that the answer to these is written in that version."""
        conn.execute(update(tickets).where(tickets.c.ticket_id.in_(ticket_ids)).values(version_id=version_id))

    def open_of_version(self, conn: Connection, version_id: str) -> list[Ticket]:
        """Open tickets whose answer is written in that version, read in the caller's transaction."""
        query = select(tickets).where(tickets.c.version_id == version_id, tickets.c.status == "open")
        rows = conn.execute(query.order_by(tickets.c.opened_at, tickets.c.ticket_id)).all()
        return [Ticket(**row._mapping) for row in rows]

    def without_knowledge(self, since: datetime) -> list[Ticket]:
        """Open tickets of any age, and those answered since then to one member only; oldest first."""
        answered = and_(tickets.c.status == "answered", tickets.c.opened_at >= since, tickets.c.version_id.is_(None))
        query = select(tickets).where(or_(tickets.c.status == "open", answered))
        with self.database.reading() as conn:
            rows = conn.execute(query.order_by(tickets.c.opened_at, tickets.c.ticket_id)).all()
        return [Ticket(**row._mapping) for row in rows]

    def get(self, ticket_id: str) -> Ticket:
        """One ticket. Raises RecordNotFound."""
        with self.database.reading() as conn:
            row = conn.execute(select(tickets).where(tickets.c.ticket_id == ticket_id)).one_or_none()
        if row is None:
            raise RecordNotFound(ticket_id=ticket_id)
        return Ticket(**row._mapping)

    def with_status(self, status: str = "open") -> list[Ticket]:
        """Tickets that stand there, the most urgent first."""
        query = select(tickets).where(tickets.c.status == status)
        with self.database.reading() as conn:
            rows = conn.execute(query.order_by(tickets.c.due_at, tickets.c.ticket_id)).all()
        return [Ticket(**row._mapping) for row in rows]

    def overdue(self, *, now: datetime) -> list[Ticket]:
        """Open tickets whose time has passed."""
        return [ticket for ticket in self.with_status() if ticket.due_at <= now]
