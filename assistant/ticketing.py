"""Answers to help tickets: stored, and on their way to the RM who asked, in one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from assistant.masking import mask
from assistant.outgoing import Splitter
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from assistant.records.tickets import Ticket
from assistant.telling import tell
from assistant.wording import Messages

QUESTION_BYTES = 300  # of the question repeated in the answer


def answer_ticket(records: Records, ticket_id: str, answer: str, *, by: str, split: Splitter, now: datetime) -> Ticket:
    """Answer an open ticket; the words go to the member who asked, if it was one. Raises: RecordNotFound."""
    ticket = records.tickets.get(ticket_id)
    asker = records.staff.get(ticket.userid)
    with records.database.writing() as conn:
        send_answer(records, conn, ticket, asker, answer, by=by, split=split, now=now)
        records.audit.append(conn, actor=by, event="ticket_answered", subject=ticket_id, body={}, now=now)
    return records.tickets.get(ticket_id)


def send_answer(
    records: Records,
    conn: Connection,
    ticket: Ticket,
    asker: StaffMember | None,
    answer: str,
    *,
    by: str,
    split: Splitter,
    now: datetime,
) -> None:
    """Close an open ticket with its answer and queue it for whoever asked, in the caller's transaction.

    The caller writes the audit entry. Raises: RecordNotFound when the ticket is not open.
    """
    said = mask(answer)
    records.tickets.answer(conn, ticket.ticket_id, said, by, now=now)
    if asker is not None and asker.active:
        question = _first_part(ticket.question_masked, QUESTION_BYTES)
        words = Messages.load()("ticket_answered", question=question, answer=said)
        tell(records, conn, ticket.userid, words, key=f"ticket:{ticket.ticket_id}", split=split, now=now)


def _first_part(text: str, size: int) -> str:
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
