"""What an RM did with a draft: accepted, edited, rejected or let lie; kept with the diff for learning and audit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from assistant.compliance.findings import Finding, Subject
from assistant.compliance.gate import ComplianceGate
from assistant.edits import Edit, diff, summary_category
from assistant.errors import DraftAlreadyDecided, DraftNotFound, DraftNotYours, EvidenceLapsed, FinalTextMissing
from assistant.masking import mask
from assistant.outgoing import text_hash
from assistant.reading import reject_reason
from assistant.records.decisions import DecisionRecord
from assistant.records.drafts import DraftRecord
from assistant.records.errors import RecordNotFound
from assistant.records.records import Records
from assistant.standing import lapsed_evidence
from assistant.wording import load_toml

FINAL = frozenset({"accepted", "edited", "rejected"})
IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as kept; `findings` are what the gate sees in an edited final text."""

    feedback_id: str
    draft_id: str
    decision: str
    edits: tuple[Edit, ...] = ()
    category: str | None = None
    reason: str | None = None
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `wainao decide --json`."""
        return {
            "feedback_id": self.feedback_id,
            "draft_id": self.draft_id,
            "decision": self.decision,
            "edits": [edit.as_dict() for edit in self.edits],
            "category": self.category,
            "reason": self.reason,
            "findings": [{"code": f.code, "severity": f.severity, "title": f.title} for f in self.findings],
        }


@dataclass(frozen=True)
class Deciding:
    """Decisions for one database of records. `product_names`: those in force on a day, to tell a product exchanged."""

    records: Records
    gate: ComplianceGate
    product_names: Callable[[date], Collection[str]] = lambda on: ()
    new_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)

    def decide(
        self,
        draft_id: str,
        decision: str,
        *,
        now: datetime,
        how: str,
        userid: str | None = None,
        final_text: str | None = None,
        reason: str | None = None,
    ) -> Decided:
        """Keep a decision at once.

        Raises: DraftNotFound, DraftNotYours, DraftAlreadyDecided, FinalTextMissing; EvidenceLapsed when a draft is to
            be accepted whose evidence was recalled, replaced or has expired.
        """
        decided, write = self.prepare(
            draft_id, decision, now=now, how=how, userid=userid, final_text=final_text, reason=reason
        )
        with self.records.database.writing() as conn:
            write(conn)
        return decided

    def prepare(
        self,
        draft_id: str,
        decision: str,
        *,
        now: datetime,
        how: str,
        userid: str | None = None,
        final_text: str | None = None,
        reason: str | None = None,
    ) -> tuple[Decided, Callable[[Connection], None]]:
        """Work out a decision; the second value stores it in the caller's transaction. Raises as `decide`."""
        draft = self._draft(draft_id, userid)
        if draft.status in FINAL and not _refines(draft.status, decision, reason):
            raise DraftAlreadyDecided(draft_id=draft_id, status=draft.status)
        if decision == "edited" and not (final_text or "").strip():
            raise FinalTextMissing(draft_id=draft_id)
        if decision == "accepted":
            self._still_holds(draft, now)
        decided = self._decided(draft, decision, final_text, reason)
        actor = userid or draft.userid
        sent = None if decision == "rejected" else final_text or draft.text
        record = DecisionRecord(
            feedback_id=decided.feedback_id,
            draft_id=draft_id,
            userid=actor,
            decision=decision,
            decided_at=now,
            how=how,
            final_text=mask(final_text) if sent and final_text else None,
            edits=[edit.as_dict() for edit in decided.edits],
            reason=decided.reason,
            sent_hash=text_hash(sent) or None,
        )
        body = {"decision": decision, "category": decided.category, "sent_hash": record.sent_hash}

        def write(conn: Connection) -> None:
            self.records.decisions.add(conn, record)
            self.records.drafts.mark(conn, draft_id, decision)
            self.records.audit.append(conn, actor=actor, event="decision", subject=draft_id, body=body, now=now)

        return decided, write

    def expire(self, before: datetime, *, now: datetime) -> int:
        """Mark drafts made before `before` without a decision as ignored; returns how many."""
        undecided = self.records.drafts.undecided(before)
        if not undecided:
            return 0
        with self.records.database.writing() as conn:
            for draft in undecided:
                record = DecisionRecord(
                    f"f-ignored-{draft.draft_id}", draft.draft_id, draft.userid, IGNORED, now, "timeout"
                )
                self.records.decisions.add(conn, record)
                self.records.drafts.mark(conn, draft.draft_id, IGNORED)
            self.records.audit.append(
                conn, actor="system", event="drafts_ignored", subject="", body={"count": len(undecided)}, now=now
            )
        return len(undecided)

    def _draft(self, draft_id: str, userid: str | None) -> DraftRecord:
        try:
            draft = self.records.drafts.get(draft_id)
        except RecordNotFound as exc:
            raise DraftNotFound(draft_id=draft_id) from exc
        if userid is not None and draft.userid not in (userid, "cli"):
            raise DraftNotYours(draft_id=draft_id, userid=userid)
        return draft

    def _still_holds(self, draft: DraftRecord, now: datetime) -> None:
        lapsed = lapsed_evidence(self.records.database, draft, now=now)
        if lapsed is not None:
            raise EvidenceLapsed(
                draft_id=draft.draft_id,
                version_id=lapsed.version.version_id,
                title=lapsed.version.title,
                reason=str(lapsed.why),
            )

    def _decided(self, draft: DraftRecord, decision: str, final_text: str | None, reason: str | None) -> Decided:
        feedback_id = f"f{self.new_id()[:12]}"
        if decision == "edited" and final_text:
            edits = diff(draft.text or "", mask(final_text), names=self.product_names(draft.on_day))
            review = self.gate.review(
                final_text,
                Subject(
                    kind="reply" if draft.kind in ("answer", "check") else draft.kind,
                    customer_level=draft.details.get("customer_level"),
                    customer_age=draft.details.get("customer_age"),
                ),
                on=draft.on_day,
            )
            category = summary_category(edits) if edits else None
            hard = tuple(f for f in review.findings if f.severity != "W")
            return Decided(feedback_id, draft.draft_id, decision, edits, category, _code(reason), hard)
        return Decided(feedback_id, draft.draft_id, decision, reason=_code(reason))


def _refines(status: str, decision: str, reason: str | None) -> bool:
    """A rejection may be given its reason, or the text that was sent instead, afterwards."""
    return status == "rejected" and (decision == "edited" or (decision == "rejected" and bool(reason)))


def _code(reason: str | None) -> str | None:
    """A reason code with the RM's own words behind it: `too_long: 太长了`."""
    if not reason:
        return None
    if reason in load_toml("messages.zh")["reject_reasons"]:
        return reason
    return f"{reject_reason(reason)}: {mask(reason)}"
