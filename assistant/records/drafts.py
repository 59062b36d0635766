"""Drafts as they were made, with everything needed to rebuild them, and where each conversation stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from assistant.records.errors import RecordNotFound
from assistant.records.tables import conversations, draft_evidence, drafts
from knowledge.stores.database import Database
from knowledge.stores.statements import upsert


@dataclass(frozen=True, slots=True)
class DraftEvidence:
    """A passage that a draft rests on, in the version it had."""

    passage_id: str
    version_id: str
    quote: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """One stored draft. `text` is None when blocked, unknown or purged; lists and `details` hold JSON-ready data.

    `status`: open, then accepted, edited, rejected or ignored. `question_masked` holds no personal data.
    """

    draft_id: str
    userid: str
    kind: str
    question_masked: str
    text: str | None
    verdict: str
    drafter: str
    on_day: date
    created_at: datetime
    text_hash: str = ""
    parent_draft_id: str | None = None
    inbox_id: int | None = None
    customer_id: str | None = None
    alternatives: Sequence[Mapping[str, Any]] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    prompt_id: str = ""
    rule_pack: str = ""
    model: str = ""
    settings_fingerprint: str = ""
    code_version: str = ""
    ticket_id: str | None = None
    status: str = "open"
    details: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[DraftEvidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where a member's talk with the assistant stands; `state` is JSON-ready and belongs to the caller."""

    userid: str
    last_draft_id: str | None = None
    last_question: str | None = None
    customer_words: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    updated_at: datetime | None = None


_PLAIN = [column.name for column in drafts.columns if column.name not in {"alternatives", "findings", "details"}]


@dataclass(frozen=True)
class Drafts:
    """Stored drafts."""

    database: Database

    def save(self, conn: Connection, draft: DraftRecord) -> None:
        """Store a draft with its evidence in the caller's transaction.

        Raises sqlalchemy's IntegrityError for a second draft of one inbox message.
        """
        row = {name: getattr(draft, name) for name in _PLAIN}
        row["alternatives"] = [dict(item) for item in draft.alternatives]
        row["findings"] = [dict(item) for item in draft.findings]
        row["details"] = dict(draft.details)
        conn.execute(drafts.insert(), row)
        if draft.evidence:
            conn.execute(draft_evidence.insert(), _evidence_rows(draft))

    def mark(self, conn: Connection, draft_id: str, status: str) -> None:
        """Set what became of a draft. Raises RecordNotFound."""
        if conn.execute(update(drafts).where(drafts.c.draft_id == draft_id).values(status=status)).rowcount != 1:
            raise RecordNotFound(draft_id=draft_id)

    def get(self, draft_id: str) -> DraftRecord:
        """One draft with its evidence. Raises RecordNotFound."""
        with self.database.reading() as conn:
            found = _with_evidence(conn, [*conn.execute(select(drafts).where(drafts.c.draft_id == draft_id))])
        if not found:
            raise RecordNotFound(draft_id=draft_id)
        return found[0]

    def of_message(self, inbox_id: int) -> DraftRecord | None:
        """The draft that answers an inbox message, if it was made."""
        with self.database.reading() as conn:
            found = _with_evidence(conn, [*conn.execute(select(drafts).where(drafts.c.inbox_id == inbox_id))])
        return found[0] if found else None

    def last_of(self, userid: str) -> DraftRecord | None:
        """The newest draft of a member."""
        found = self.of_user(userid, limit=1)
        return found[0] if found else None

    def of_user(self, userid: str, *, limit: int = 20) -> list[DraftRecord]:
        """A member's drafts, newest first."""
        query = select(drafts).where(drafts.c.userid == userid)
        newest = query.order_by(drafts.c.created_at.desc(), drafts.c.draft_id.desc()).limit(limit)
        with self.database.reading() as conn:
            return _with_evidence(conn, [*conn.execute(newest)])

    def lineage(self, draft_id: str) -> list[DraftRecord]:
        """A draft and those it was made from, the first one first."""
        line: list[DraftRecord] = []
        wanted: str | None = draft_id
        while wanted is not None and wanted not in {draft.draft_id for draft in line}:
            line.insert(0, self.get(wanted))
            wanted = line[0].parent_draft_id
        return line

    def between(self, since: datetime, until: datetime) -> list[DraftRecord]:
        """Drafts made in [since, until), oldest first."""
        query = select(drafts).where(drafts.c.created_at >= since, drafts.c.created_at < until)
        with self.database.reading() as conn:
            return _with_evidence(conn, [*conn.execute(query.order_by(drafts.c.created_at, drafts.c.draft_id))])

    def undecided(self, before: datetime, *, limit: int = 500) -> list[DraftRecord]:
        """Drafts older than `before` that nobody accepted, edited or rejected, oldest first."""
        query = select(drafts).where(drafts.c.status == "open", drafts.c.created_at < before)
        with self.database.reading() as conn:
            rows = conn.execute(query.order_by(drafts.c.created_at, drafts.c.draft_id).limit(limit)).all()
            return _with_evidence(conn, [*rows])

    def citing(self, version_id: str, since: datetime) -> list[DraftRecord]:
        """Drafts since then that rest on a version: whom to tell when it is recalled."""
        ids = select(draft_evidence.c.draft_id).where(draft_evidence.c.version_id == version_id)
        query = select(drafts).where(drafts.c.draft_id.in_(ids), drafts.c.created_at >= since)
        with self.database.reading() as conn:
            return _with_evidence(conn, [*conn.execute(query.order_by(drafts.c.created_at))])

    def counts(self) -> dict[tuple[str, str], int]:
        """How many drafts there are by (verdict, status)."""
        query = select(drafts.c.verdict, drafts.c.status, func.count()).group_by(drafts.c.verdict, drafts.c.status)
        with self.database.reading() as conn:
            return {(verdict, status): number for verdict, status, number in conn.execute(query)}


@dataclass(frozen=True)
class Conversations:
    """One row for each member who writes to the assistant."""

    database: Database

    def get(self, userid: str) -> Conversation:
        """Where the talk stands; an empty one for a member who never wrote."""
        with self.database.reading() as conn:
            row = conn.execute(select(conversations).where(conversations.c.userid == userid)).one_or_none()
        if row is None:
            return Conversation(userid)
        return Conversation(
            row.userid, row.last_draft_id, row.last_question, row.customer_words, row.state, row.updated_at
        )

    def save(self, conn: Connection, conversation: Conversation, *, now: datetime) -> None:
        """Replace the row in the caller's transaction."""
        row = {
            "userid": conversation.userid,
            "last_draft_id": conversation.last_draft_id,
            "last_question": conversation.last_question,
            "customer_words": conversation.customer_words,
            "state": dict(conversation.state),
            "updated_at": now,
        }
        upsert(conn, conversations, ("userid",), row)


def _evidence_rows(draft: DraftRecord) -> list[dict[str, Any]]:
    return [
        {
            "draft_id": draft.draft_id,
            "position": position,
            "passage_id": item.passage_id,
            "version_id": item.version_id,
            "quote": item.quote,
            "scores": dict(item.scores),
        }
        for position, item in enumerate(draft.evidence, start=1)
    ]


def _with_evidence(conn: Connection, rows: Sequence[Row[Any]]) -> list[DraftRecord]:
    ids = [row.draft_id for row in rows]
    evidence: dict[str, list[DraftEvidence]] = {draft_id: [] for draft_id in ids}
    for start in range(0, len(ids), 500):
        batch = draft_evidence.c.draft_id.in_(ids[start : start + 500])
        query = select(draft_evidence).where(batch)
        for row in conn.execute(query.order_by(draft_evidence.c.draft_id, draft_evidence.c.position)):
            evidence[row.draft_id].append(DraftEvidence(row.passage_id, row.version_id, row.quote, row.scores))
    return [_draft(row, tuple(evidence[row.draft_id])) for row in rows]


def _draft(row: Row[Any], evidence: tuple[DraftEvidence, ...]) -> DraftRecord:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return DraftRecord(
        **plain,
        alternatives=tuple(row.alternatives),
        findings=tuple(row.findings),
        details=row.details,
        evidence=evidence,
    )
