"""What members did with drafts and what came of it: an append-only log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from assistant.records.tables import decisions, outcomes
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision: accepted, edited, rejected or ignored.

    `how` tells the door (chat, card, sidebar, cli, timeout); `sent_hash` is the hash of what was really sent.
    """

    feedback_id: str
    draft_id: str
    userid: str
    decision: str
    decided_at: datetime
    how: str
    final_text: str | None = None
    edits: Sequence[Mapping[str, Any]] = ()
    reason: str | None = None
    sent_hash: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """What came of a draft later: a reply, an appointment, a sale; `body` is JSON-ready."""

    outcome_id: str
    draft_id: str
    kind: str
    recorded_by: str
    recorded_at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decisions:
    """Stored decisions and outcomes."""

    database: Database

    def add(self, conn: Connection, decision: DecisionRecord) -> bool:
        """Store in the caller's transaction. False: this feedback_id is there already."""
        row = {
            "feedback_id": decision.feedback_id,
            "draft_id": decision.draft_id,
            "userid": decision.userid,
            "decision": decision.decision,
            "final_text": decision.final_text,
            "edits": [dict(edit) for edit in decision.edits],
            "reason": decision.reason,
            "decided_at": decision.decided_at,
            "how": decision.how,
            "sent_hash": decision.sent_hash,
        }
        return insert_if_absent(conn, decisions, ("feedback_id",), row) == 1

    def add_outcome(self, conn: Connection, outcome: OutcomeRecord) -> bool:
        """Store in the caller's transaction. False: this outcome_id is there already."""
        row = {
            "outcome_id": outcome.outcome_id,
            "draft_id": outcome.draft_id,
            "kind": outcome.kind,
            "body": dict(outcome.body),
            "recorded_by": outcome.recorded_by,
            "recorded_at": outcome.recorded_at,
        }
        return insert_if_absent(conn, outcomes, ("outcome_id",), row) == 1

    def of_draft(self, draft_id: str) -> list[DecisionRecord]:
        """Decisions about one draft, oldest first; the last one counts."""
        return self._read(select(decisions).where(decisions.c.draft_id == draft_id))

    def between(self, since: datetime, until: datetime) -> list[DecisionRecord]:
        """Decisions taken in [since, until), oldest first."""
        return self._read(select(decisions).where(decisions.c.decided_at >= since, decisions.c.decided_at < until))

    def all(self) -> list[DecisionRecord]:
        """Every decision, oldest first."""
        return self._read(select(decisions))

    def outcomes_of(self, draft_id: str) -> list[OutcomeRecord]:
        """Outcomes of one draft, oldest first."""
        query = select(outcomes).where(outcomes.c.draft_id == draft_id)
        with self.database.reading() as conn:
            rows = conn.execute(query.order_by(outcomes.c.recorded_at, outcomes.c.outcome_id)).all()
        return [
            OutcomeRecord(row.outcome_id, row.draft_id, row.kind, row.recorded_by, row.recorded_at, row.body)
            for row in rows
        ]

    def _read(self, query: Select[Any]) -> list[DecisionRecord]:
        with self.database.reading() as conn:
            rows = conn.execute(query.order_by(decisions.c.decided_at, decisions.c.feedback_id)).all()
        return [_decision(row) for row in rows]


def _decision(row: Row[Any]) -> DecisionRecord:
    return DecisionRecord(
        feedback_id=row.feedback_id,
        draft_id=row.draft_id,
        userid=row.userid,
        decision=row.decision,
        decided_at=row.decided_at,
        how=row.how,
        final_text=row.final_text,
        edits=tuple(row.edits),
        reason=row.reason,
        sent_hash=row.sent_hash,
    )
