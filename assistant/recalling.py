"""Takes a document back: which drafts rested on it, who wrote to customers with them, and what to say now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import Connection

from assistant.clock import SHANGHAI, business_day
from assistant.compliance.findings import Review, Subject
from assistant.compliance.gate import ComplianceGate
from assistant.drafting.facts import gate_type
from assistant.errors import TextNotAllowed
from assistant.masking import mask
from assistant.outgoing import Splitter
from assistant.records.recalls import AffectedDraft, Recall, RecallNotice, drafts_resting_on
from assistant.records.records import Records
from assistant.telling import tell
from assistant.wording import Messages
from knowledge.curation import may_curate
from knowledge.documents import DocumentVersion, VersionStatus
from knowledge.errors import CuratorNotAllowed, DetailsInvalid
from knowledge.products import ProductSheet
from knowledge.stores.repository import KnowledgeStore

LONGEST_REASON = 200
LONGEST_SAY_NOW = 400
MOST_DAYS = 3660
MOST_LISTED = 5  # drafts named in one notice
QUESTION_SHOWN = 24
LATE_DRAFTS = timedelta(hours=24)  # a draft that was being written during a recall is looked for this long


@dataclass(frozen=True, slots=True)
class Affected:
    """What a recall would reach: the drafts, those sent to customers first, and the active members to tell."""

    version: DocumentVersion
    drafts: tuple[AffectedDraft, ...]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Recalling:
    """Recalls in one database. `by` is a curator's or compliance officer's userid; instants are aware."""

    records: Records
    store: KnowledgeStore
    gate: ComplianceGate
    split: Splitter

    def affected(self, version_id: str, *, days: int, now: datetime) -> Affected:
        """Drafts of the last `days` that rest on a version. Raises: DocumentNotFound, DetailsInvalid (`days`)."""
        version = self.store.version(version_id)
        since = now - timedelta(days=_days(days))
        active = self._active()
        with self.records.database.reading() as conn:
            found = tuple(drafts_resting_on(conn, version_id, since))
        return Affected(version, found, tuple(_by_member(found, active)))

    def review(self, version_id: str, say_now: str, *, on: date) -> Review:
        """The gate's judgement of what RMs are to say now about this version. Raises: DocumentNotFound."""
        return self._review(self.store.version(version_id), say_now.strip(), on)

    def recall(
        self, version_id: str, *, days: int, reason: str, say_now: str, withdraw: bool, by: str, now: datetime
    ) -> Recall:
        """Recall a version, and tell every member whose drafts of the last `days` rest on it: all or nothing.

        The same words about the same version are the same recall: done again it tells only members not told yet.
        Raises: CuratorNotAllowed, DocumentNotFound, DetailsInvalid (`reason`, `say_now`, `days`), TextNotAllowed when
            the gate does not let `say_now` pass.
        """
        self._curator(by)
        version = self.store.version(version_id)
        recall = Recall(
            recall_id=_recall_id(version_id, say_now.strip()),
            version_id=version_id,
            document_id=version.document_id,
            reason=mask(_said(reason, "reason", LONGEST_REASON)),
            say_now=_said(say_now, "say_now", LONGEST_SAY_NOW),
            days=_days(days),
            recalled_by=by,
            recalled_at=now,
        )
        self._allowed(version, recall.say_now, business_day(now))
        active = self._active()
        with self.records.database.writing() as conn:
            if withdraw and version.status is not VersionStatus.WITHDRAWN:
                version = self.store.withdraw(version_id, by, note=recall.reason, now=now, conn=conn)
                self.records.audit.append(
                    conn, actor=by, event="version_withdrawn", subject=version_id, body={}, now=now
                )
            new = self.records.recalls.add(conn, recall)
            told = self._tell_all(conn, version, recall, active, now=now)
            body = {"recall_id": recall.recall_id, "withdrawn": withdraw, "days": days, "members": told, "new": new}
            self.records.audit.append(conn, actor=by, event="version_recalled", subject=version_id, body=body, now=now)
        return self.records.recalls.get(recall.recall_id)

    def catch_up(self, *, now: datetime) -> int:
        """Tell members whose drafts were being written while a version was recalled; returns how many were told."""
        count = 0
        for recall in self.records.recalls.since(now - LATE_DRAFTS):
            late = {d.userid for d in self.affected(recall.version_id, days=recall.days, now=now).drafts}
            if not late - {notice.userid for notice in recall.notices}:
                continue
            version, active = self.store.version(recall.version_id), self._active()
            with self.records.database.writing() as conn:
                told = self._tell_all(conn, version, recall, active, now=now)
                if told:
                    body = {"recall_id": recall.recall_id, "members": told}
                    self.records.audit.append(
                        conn, actor="system", event="recall_completed", subject=recall.version_id, body=body, now=now
                    )
            count += len(told)
        return count

    def recent(self, limit: int = 50) -> list[Recall]:
        """Recalls with who was told, newest first."""
        return self.records.recalls.recent(limit)

    def get(self, recall_id: str) -> Recall:
        """One recall with who was told. Raises: RecordNotFound."""
        return self.records.recalls.get(recall_id)

    def _tell_all(
        self, conn: Connection, version: DocumentVersion, recall: Recall, active: Mapping[str, bool], *, now: datetime
    ) -> list[str]:
        """Tell everybody not told yet; read inside the transaction, so that drafts since a preview count."""
        since = recall.recalled_at - timedelta(days=recall.days)
        told = []
        for userid, mine in _by_member(drafts_resting_on(conn, version.version_id, since), active).items():
            ids = tuple(draft.draft_id for draft in mine)
            sent = tuple(draft.draft_id for draft in mine if draft.sent)
            if self.records.recalls.add_notice(conn, recall.recall_id, RecallNotice(userid, ids, sent, now)):
                key = f"recall:{recall.recall_id}:{userid}"
                tell(self.records, conn, userid, notice_text(version, recall, mine), key=key, split=self.split, now=now)
                told.append(userid)
        return told

    def _allowed(self, version: DocumentVersion, say_now: str, on: date) -> None:
        review = self._review(version, say_now, on)
        if review.blocked:
            raise TextNotAllowed.by(review)

    def _review(self, version: DocumentVersion, say_now: str, on: date) -> Review:
        sheet = _sheet(version)
        subject = Subject(
            kind="reply",
            product_type=gate_type(sheet),
            product_level=sheet.risk_level if sheet else None,
            sold_as=sheet.sold_as if sheet else "own",
            issuer=sheet.issuer if sheet else "",
        )
        return self.gate.review(say_now, subject, on=on, known_names=sheet.names if sheet else ())

    def _active(self) -> dict[str, bool]:
        return {member.userid: True for member in self.records.staff.all() if member.active}

    def _curator(self, userid: str) -> None:
        member = self.records.staff.get(userid)
        if member is None or not member.active or not may_curate(member.role):
            raise CuratorNotAllowed(by=userid)


def notice_text(version: DocumentVersion, recall: Recall, drafts: Sequence[AffectedDraft]) -> str:
    """What one member reads: which document, why, which of their drafts went to customers, and what to say now."""
    messages = Messages.load()
    listed = [_listed(draft, messages) for draft in drafts[:MOST_LISTED]]
    if len(drafts) > MOST_LISTED:
        listed.append(messages("recall_more", count=len(drafts) - MOST_LISTED))
    return messages(
        "recall_notice",
        title=version.title,
        version=version.version,
        reason=recall.reason,
        drafts="\n".join(listed),
        advice=messages("recall_advice_sent" if any(draft.sent for draft in drafts) else "recall_advice_unsent"),
        say_now=recall.say_now,
    )


def _listed(draft: AffectedDraft, messages: Messages) -> str:
    at = draft.created_at.astimezone(SHANGHAI)
    time = messages("recall_time", month=at.month, day=at.day, clock=at.strftime("%H:%M"))
    question = " ".join(draft.question.split())
    shown = question if len(question) <= QUESTION_SHOWN else question[:QUESTION_SHOWN] + "…"
    return messages("recall_sent" if draft.sent else "recall_unsent", time=time, question=shown)


def _by_member(drafts: Sequence[AffectedDraft], active: Mapping[str, bool]) -> dict[str, list[AffectedDraft]]:
    """Each active member's drafts, in the given order; members by userid."""
    mine: dict[str, list[AffectedDraft]] = {}
    for draft in drafts:
        if active.get(draft.userid):
            mine.setdefault(draft.userid, []).append(draft)
    return dict(sorted(mine.items()))


def _recall_id(version_id: str, say_now: str) -> str:
    return "r" + hashlib.sha256(f"{version_id}\n{say_now}".encode("utf-8", "replace")).hexdigest()[:12]


def _sheet(version: DocumentVersion) -> ProductSheet | None:
    payload = version.payload or {}
    if payload.get("content") != "product":
        return None
    try:
        return ProductSheet.model_validate(payload.get("data"))
    except ValidationError:
        return None


def _days(days: int) -> int:
    if not 1 <= days <= MOST_DAYS:
        raise DetailsInvalid(field="days", reason="out_of_range")
    return days


def _said(words: str, field: str, longest: int) -> str:
    said = words.strip()
    if not said:
        raise DetailsInvalid(field=field, reason="missing")
    if len(said) > longest:
        raise DetailsInvalid(field=field, reason="too_long")
    return said
