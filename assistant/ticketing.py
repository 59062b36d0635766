"""Answers to help tickets: stored, and on their way to the RM who asked, in one transaction."""

from __future__ import annotations

from datetime import datetime

from assistant.masking import mask
from assistant.outgoing import Splitter
from assistant.records.records import Records
from assistant.records.tickets import Ticket
from assistant.wording import Messages

QUESTION_BYTES = 300  # of the question repeated in the answer


def answer_ticket(records: Records, ticket_id: str, answer: str, *, by: str, split: Splitter, now: datetime) -> Ticket:
    """Answer an open ticket; the words go to the member who asked, if it was one. Raises: RecordNotFound."""
    ticket = records.tickets.get(ticket_id)
    question = _first_part(ticket.question_masked, QUESTION_BYTES)
    words = Messages.load()("ticket_answered", question=question, answer=mask(answer))
    asker = records.staff.get(ticket.userid)
    with records.database.writing() as conn:
        records.tickets.answer(conn, ticket_id, mask(answer), by, now=now)
        for number, part in enumerate(split(words) if asker else [], start=1):
            records.outbox.enqueue(
                conn,
                dedupe_key=f"ticket:{ticket_id}:{number}",
                userid=ticket.userid,
                msgtype="text",
                body={"content": part},
                now=now,
                sequence=number,
            )
        records.audit.append(conn, actor=by, event="ticket_answered", subject=ticket_id, body={}, now=now)
    return records.tickets.get(ticket_id)


def _first_part(text: str, size: int) -> str:
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
