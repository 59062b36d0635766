"""Take old words out of the records; rows, counts, hashes and the audit log stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, Update, func, null, or_, select, update

from assistant.records.tables import conversations, decisions, draft_evidence, drafts, inbox, outbox, outcomes, tickets
from knowledge.stores.database import Database

_ROWS_AT_A_TIME = 2000  # short transactions: callbacks wait for the writer


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """How many rows lost their words, by table."""

    rows: Mapping[str, int]


def purge(database: Database, *, older_than: datetime) -> PurgeReport:
    """Empty the text of everything settled before `older_than`. What still waits for an answer is left alone."""
    old_drafts = select(drafts.c.draft_id).where(drafts.c.created_at < older_than)
    steps: list[tuple[Table, Any, dict[str, Any]]] = [
        (inbox, (inbox.c.finished_at < older_than, inbox.c.payload.is_not(None)), {"payload": null(), "error": None}),
        (
            outbox,
            (outbox.c.queued_at < older_than, outbox.c.status.in_(("sent", "dead")), outbox.c.body.is_not(None)),
            {"body": null(), "error": None},
        ),
        (
            draft_evidence,
            (draft_evidence.c.draft_id.in_(old_drafts), draft_evidence.c.quote != ""),
            {"quote": ""},
        ),
        (
            decisions,
            (
                decisions.c.decided_at < older_than,
                or_(decisions.c.final_text.is_not(None), decisions.c.reason.is_not(None)),
            ),
            {"final_text": None, "edits": [], "reason": None},
        ),
        (
            outcomes,
            (outcomes.c.recorded_at < older_than, outcomes.c.recorded_by != ""),
            {"body": {}, "recorded_by": ""},
        ),
        (
            tickets,
            (tickets.c.opened_at < older_than, tickets.c.status != "open", tickets.c.question_masked != ""),
            {"question_masked": "", "answer": None},
        ),
        (
            conversations,
            (conversations.c.updated_at < older_than, conversations.c.last_draft_id.is_not(None)),
            {"last_draft_id": None, "last_question": None, "customer_words": None, "state": {}},
        ),
        (
            drafts,
            (drafts.c.created_at < older_than, or_(drafts.c.question_masked != "", drafts.c.text.is_not(None))),
            {"question_masked": "", "text": None, "alternatives": [], "findings": [], "details": {}},
        ),
    ]
    return PurgeReport({table.name: _empty(database, table, where, values) for table, where, values in steps})


def _empty(database: Database, table: Table, where: Any, values: dict[str, Any]) -> int:
    total = 0
    while True:
        with database.writing() as conn:
            changed = _some(conn, table, where, values)
        total += changed
        if changed < _ROWS_AT_A_TIME:
            return total


def _some(conn: Connection, table: Table, where: Any, values: dict[str, Any]) -> int:
    keys = list(table.primary_key.columns)
    if len(keys) == 1:
        few = select(keys[0]).where(*where).limit(_ROWS_AT_A_TIME)
        change: Update = update(table).where(keys[0].in_(few))
        return conn.execute(change.values(values)).rowcount
    first = select(func.distinct(keys[0])).where(*where).limit(_ROWS_AT_A_TIME)
    return conn.execute(update(table).where(keys[0].in_(first)).values(values)).rowcount
