"""People, one product and drafts that rest on it, in a database of the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from assistant.compliance.gate import ComplianceGate
from assistant.curating import Curating
from assistant.gaps import Gaps
from assistant.recalling import Recalling
from assistant.records.decisions import DecisionRecord
from assistant.records.drafts import DraftEvidence, DraftRecord
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from assistant.records.tables import outbox
from assistant.records.tickets import Ticket
from knowledge.documents import DocumentKind, DocumentVersion, PassageText
from knowledge.retrieval.embedding import HashEmbedder
from knowledge.stores.repository import KnowledgeStore

NOW = datetime(2026, 3, 2, 6, 5, tzinfo=UTC)  # 14:05 in Asia/Shanghai
DAY = date(2026, 3, 2)
ROLES = {
    "curator1": "curator",
    "curator2": "curator",
    "officer1": "compliance_officer",
    "rm001": "relationship_manager",
    "rm002": "relationship_manager",
    "rm003": "relationship_manager",
}


@cache
def the_gate() -> ComplianceGate:
    """The shipped rules, compiled once."""
    return ComplianceGate.load()


def whole(text: str, *, keep: Sequence[str] = ()) -> list[str]:
    """A splitter that cuts nothing."""
    return [text]


@dataclass(frozen=True)
class Office:
    """Services of the middle office over one database."""

    records: Records
    store: KnowledgeStore
    recalling: Recalling
    gaps: Gaps
    curating: Curating

    @classmethod
    def open(cls, records: Records) -> Office:
        store = KnowledgeStore(records.database)
        gaps = Gaps(records, store, the_gate(), HashEmbedder(), whole)
        office = cls(
            records,
            store,
            Recalling(records, store, the_gate(), whole),
            gaps,
            Curating(records, store, gaps.approved),
        )
        with records.database.writing() as conn:
            for userid, role in ROLES.items():
                records.staff.save(conn, StaffMember(userid, userid, role, None, NOW))
        return office

    def leaflet(self, document_id: str = "leaflet", **more: object) -> DocumentVersion:
        """An approved leaflet in force since the year began."""
        version = self.store.add_version(
            document_id,
            DocumentKind.PRODUCT,
            "稳盈90天宣传单",
            [PassageText("稳盈90天起购金额1万元。")],
            **{"effective_from": date(2026, 1, 1), "uploaded_by": "curator1", "now": NOW, **more},  # type: ignore[arg-type]
        )
        return self.store.approve(version.version_id, "curator2", now=NOW)

    def draft(
        self,
        draft_id: str,
        userid: str,
        version_id: str,
        *,
        at: datetime = NOW,
        decision: str = "",
        verdict: str = "pass",
    ) -> None:
        """A stored draft that cites the version's first passage, decided upon if said."""
        record = DraftRecord(
            draft_id=draft_id,
            userid=userid,
            kind="reply",
            question_masked="稳盈90天起购多少",
            text="稳盈90天1万元起购。",
            verdict=verdict,
            drafter="composer",
            on_day=at.astimezone(UTC).date(),
            created_at=at,
            status=decision or "open",
            evidence=(DraftEvidence(f"{version_id}#p1", version_id, "起购金额1万元"),),
        )
        with self.records.database.writing() as conn:
            self.records.drafts.save(conn, record)
            if decision:
                sent = None if decision == "rejected" else "hash of what was sent"
                made = DecisionRecord(f"f{draft_id}", draft_id, userid, decision, at, "chat", sent_hash=sent)
                self.records.decisions.add(conn, made)

    def ticket(self, ticket_id: str, userid: str, question: str, *, at: datetime = NOW, due_hours: int = 4) -> Ticket:
        """An open ticket."""
        ticket = Ticket(ticket_id, question, userid, at, at + timedelta(hours=due_hours))
        with self.records.database.writing() as conn:
            self.records.tickets.open(conn, ticket)
        return ticket

    def queued(self, userid: str) -> list[str]:
        """Texts queued for a member, oldest first."""
        with self.records.database.reading() as conn:
            rows = conn.execute(outbox.select().where(outbox.c.userid == userid).order_by(outbox.c.id)).all()
        return [str(row.body["content"]) for row in rows]
