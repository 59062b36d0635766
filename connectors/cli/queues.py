"""Commands about what waits for people: help tickets and dead letters."""

from __future__ import annotations

import enum
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.cli.door import Door
from connectors.cli.failing import CommandFailed
from connectors.cli.options import AsJson
from connectors.cli.output import emit, labels, show, show_table, words
from connectors.cli.people import ACTOR, Role, require_role

if TYPE_CHECKING:
    from connectors.services import Services

ANSWERERS = (Role.CURATOR, Role.COMPLIANCE_OFFICER, Role.HEAD_OF_RETAIL)


class TicketStatus(enum.StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


def tickets_list(
    ctx: typer.Context,
    status: Annotated[TicketStatus, typer.Option("--status")] = TicketStatus.OPEN,
    as_json: AsJson = False,
) -> None:
    """List the questions that the brain could not answer, the most urgent first."""
    door: Door = ctx.obj
    with door.open_services() as services:
        found = services.records.tickets.with_status(status.value)
        now = services.now()
    if as_json:
        emit({"tickets": [_plain(asdict(ticket)) for ticket in found]})
        return
    late = labels("ticket_clock")
    rows = [
        (t.ticket_id, t.userid, t.question_masked, local(t.due_at), late["late" if t.due_at <= now else "in_time"])
        for t in found
    ]
    show_table(list(labels("ticket_columns").values()), rows)


def tickets_answer(
    ctx: typer.Context,
    ticket_id: Annotated[str, typer.Argument(metavar="TICKET_ID")],
    text: Annotated[str, typer.Argument(help="The answer that the RM receives.")],
    userid: Annotated[str, typer.Option("--as", metavar="USERID", help="Who answers: a curator or an officer.")],
) -> None:
    """Answer a ticket; the RM who asked is told."""
    from assistant.records.errors import RecordNotFound
    from assistant.ticketing import answer_ticket
    from connectors.wecom.splitting import split_text

    if not text.strip():
        raise typer.BadParameter("答复不能是空的")
    door: Door = ctx.obj
    with door.open_services() as services:
        require_role(services, userid, ANSWERERS)
        try:
            answer_ticket(services.records, ticket_id, text, by=userid, split=split_text, now=services.now())
        except RecordNotFound as exc:
            raise CommandFailed("ticket_closed", ticket_id=ticket_id) from exc
    show(words("ticket.answered", ticket_id=ticket_id))


def deadletters_list(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List messages that were given up, coming in or going out."""
    door: Door = ctx.obj
    with door.open_services() as services:
        letters = _letters(services)
    if as_json:
        emit({"dead_letters": letters})
        return
    names = labels("letter_sides")
    rows = [(x["letter"], names[x["side"]], x["userid"], x["at"], x["attempts"], x["error"]) for x in letters]
    show_table(list(labels("letter_columns").values()), rows)


def deadletters_retry(
    ctx: typer.Context,
    letters: Annotated[list[str] | None, typer.Argument(metavar="[LETTER]...", help="e.g. in:12 out:7")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
) -> None:
    """Put dead letters back into their queue."""
    if bool(letters) == everything:
        raise typer.BadParameter("请给出死信编号（如 in:12），或只用 --all")
    door: Door = ctx.obj
    with door.open_services() as services:
        wanted = letters or [str(letter["letter"]) for letter in _letters(services)]
        for letter in wanted:
            if not _revive(services, letter):
                raise CommandFailed("nothing_to_retry", letter=letter)
            services_log(services, letter)
    show(words("deadletters.retried", count=len(wanted)))


def services_log(services: Services, letter: str) -> None:
    """Note in the audit log that a dead letter was queued again."""
    with services.records.database.writing() as conn:
        services.records.audit.append(
            conn, actor=ACTOR, event="dead_letter_retried", subject=letter, body={}, now=services.now()
        )


def local(instant: Any) -> str:
    """An instant as people in the bank read it."""
    from assistant.clock import SHANGHAI

    return str(instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"))


def _letters(services: Services) -> list[dict[str, Any]]:
    dead_in = [
        {"letter": f"in:{m.id}", "side": "in", "userid": m.userid, "at": local(m.received_at), "attempts": m.attempts,
         "error": m.error or ""}
        for m in services.records.inbox.dead(limit=1000)
    ]  # fmt: skip
    dead_out = [
        {"letter": f"out:{m.id}", "side": "out", "userid": m.userid, "at": local(m.queued_at), "attempts": m.attempts,
         "error": m.error or ""}
        for m in services.records.outbox.dead(limit=1000)
    ]  # fmt: skip
    return dead_in + dead_out


def _revive(services: Services, letter: str) -> bool:
    side, _, number = letter.partition(":")
    if side not in ("in", "out") or not number.isdigit():
        raise typer.BadParameter(f"{letter}：死信编号应写成 in:12 或 out:7")
    queue = services.records.inbox if side == "in" else services.records.outbox
    return queue.revive(int(number), now=services.now())


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}
