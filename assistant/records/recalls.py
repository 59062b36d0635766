"""Recalls of knowledge, who was told, and the drafts that rest on a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from assistant.records.errors import RecordNotFound
from assistant.records.tables import decisions, draft_evidence, drafts, recall_notices, recalls
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent

_IDS_AT_ONCE = 500
TAKEN = frozenset({"accepted", "edited"})


@dataclass(frozen=True, slots=True)
class RecallNotice:
    """One member was told about these drafts of theirs; those sent to customers are named apart."""

    userid: str
    draft_ids: tuple[str, ...]
    sent_draft_ids: tuple[str, ...]
    notified_at: datetime


@dataclass(frozen=True, slots=True)
class Recall:
    """A version taken back or corrected: why, what to say now, and who was told by userid."""

    recall_id: str
    version_id: str
    document_id: str
    reason: str
    say_now: str
    days: int
    recalled_by: str
    recalled_at: datetime
    notices: tuple[RecallNotice, ...] = ()


@dataclass(frozen=True, slots=True)
class AffectedDraft:
    """A draft that rests on a version. `decision` is open, accepted, edited, rejected or ignored.

    `sent`: the RM took it, so it may have reached a customer. `quote`: what it cites of the version.
    """

    draft_id: str
    userid: str
    created_at: datetime
    question: str
    decision: str
    sent: bool
    quote: str


@dataclass(frozen=True)
class Recalls:
    """Stored recalls."""

    database: Database

    def add(self, conn: Connection, recall: Recall) -> bool:
        """Store a recall without its notices in the caller's transaction. False: it is there already."""
        row = {name: getattr(recall, name) for name in _PLAIN}
        return insert_if_absent(conn, recalls, ("recall_id",), row) == 1

    def add_notice(self, conn: Connection, recall_id: str, notice: RecallNotice) -> bool:
        """Note in the caller's transaction that a member is told. False: they were before."""
        row = {
            "recall_id": recall_id,
            "userid": notice.userid,
            "draft_ids": list(notice.draft_ids),
            "sent_draft_ids": list(notice.sent_draft_ids),
            "notified_at": notice.notified_at,
        }
        return insert_if_absent(conn, recall_notices, ("recall_id", "userid"), row) == 1

    def get(self, recall_id: str) -> Recall:
        """One recall with its notices. Raises RecordNotFound."""
        found = self._read(select(recalls).where(recalls.c.recall_id == recall_id))
        if not found:
            raise RecordNotFound(recall_id=recall_id)
        return found[0]

    def recent(self, limit: int = 50) -> list[Recall]:
        """Recalls with their notices, newest first."""
        return self._read(select(recalls).order_by(recalls.c.recalled_at.desc(), recalls.c.recall_id).limit(limit))

    def since(self, at: datetime) -> list[Recall]:
        """Recalls made then or later, newest first."""
        query = select(recalls).where(recalls.c.recalled_at >= at)
        return self._read(query.order_by(recalls.c.recalled_at.desc(), recalls.c.recall_id))

    def _read(self, query: Select[Any]) -> list[Recall]:
        with self.database.reading() as conn:
            rows = conn.execute(query).all()
            told = _notices(conn, [row.recall_id for row in rows])
        return [Recall(**{name: getattr(row, name) for name in _PLAIN}, notices=told[row.recall_id]) for row in rows]


_PLAIN = ("recall_id", "version_id", "document_id", "reason", "say_now", "days", "recalled_by", "recalled_at")


def drafts_resting_on(conn: Connection, version_id: str, since: datetime) -> list[AffectedDraft]:
    """Drafts made since then that an RM saw and that cite the version; the sent ones first, then the newest."""
    query = (
        select(
            drafts.c.draft_id,
            drafts.c.userid,
            drafts.c.created_at,
            drafts.c.question_masked,
            drafts.c.status,
            draft_evidence.c.quote,
        )
        .join_from(draft_evidence, drafts)
        .where(draft_evidence.c.version_id == version_id, drafts.c.created_at >= since, drafts.c.verdict != "blocked")
        .order_by(drafts.c.created_at.desc(), drafts.c.draft_id, draft_evidence.c.position)
    )
    first: dict[str, Any] = {}
    for row in conn.execute(query):
        first.setdefault(row.draft_id, row)
    sent = _sent(conn, list(first))
    found = [
        AffectedDraft(
            row.draft_id,
            row.userid,
            row.created_at,
            row.question_masked,
            row.status,
            row.status in TAKEN or row.draft_id in sent,
            row.quote,
        )
        for row in first.values()
    ]
    return sorted(found, key=lambda draft: not draft.sent)


def _sent(conn: Connection, draft_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(draft_ids), _IDS_AT_ONCE):
        among = decisions.c.draft_id.in_(draft_ids[start : start + _IDS_AT_ONCE])
        rows = conn.execute(select(decisions.c.draft_id, decisions.c.decision, decisions.c.sent_hash).where(among))
        found |= {row.draft_id for row in rows if row.decision in TAKEN or row.sent_hash}
    return found


def _notices(conn: Connection, recall_ids: Sequence[str]) -> dict[str, tuple[RecallNotice, ...]]:
    told: dict[str, list[RecallNotice]] = {recall_id: [] for recall_id in recall_ids}
    for start in range(0, len(recall_ids), _IDS_AT_ONCE):
        among = recall_notices.c.recall_id.in_(recall_ids[start : start + _IDS_AT_ONCE])
        query = select(recall_notices).where(among)
        for row in conn.execute(query.order_by(recall_notices.c.recall_id, recall_notices.c.userid)):
            notice = RecallNotice(row.userid, tuple(row.draft_ids), tuple(row.sent_draft_ids), row.notified_at)
            told[row.recall_id].append(notice)
    return {recall_id: tuple(notices) for recall_id, notices in told.items()}
