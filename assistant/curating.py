"""What curators do to knowledge: each step checks who, changes the version and writes the audit row as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from assistant.masking import mask
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from knowledge.content import COMPOSED
from knowledge.curation import may_approve, may_curate
from knowledge.documents import DocumentVersion, Passage, PassageText
from knowledge.errors import ApproverNotAllowed, CuratorNotAllowed, DetailsInvalid
from knowledge.ingestion.masked import masked_value
from knowledge.ingestion.reading import ContentInvalid, ReadDocument
from knowledge.ingestion.typed.written import read_payload
from knowledge.payloads import payload_problem
from knowledge.stores.editing import Details, DraftEditing, fingerprint, texts_of
from knowledge.stores.repository import KnowledgeStore

LONGEST_NOTE = 500
AfterApproval = Callable[[Connection, DocumentVersion, str, datetime], None]


def _nothing_more(conn: Connection, version: DocumentVersion, by: str, now: datetime) -> None:
    """Nobody waits for an approval."""


@dataclass(frozen=True)
class Curating:
    """Steps in the life of a version. `by` is a member's userid; instants are aware.

    `after_approval` is called in the transaction of each approval with the version, the approver and the instant.

    All raise CuratorNotAllowed for anybody who is not an active curator or compliance officer, and DocumentNotFound.
    """

    records: Records
    store: KnowledgeStore
    after_approval: AfterApproval = _nothing_more

    def submit(self, version_id: str, *, by: str, now: datetime) -> DocumentVersion:
        """Hand a draft in for review. Raises: VersionNotDraft, DetailsInvalid when it has no passages."""
        self._curator(by)
        if not self.store.passages_of(version_id):
            self.store.version(version_id)
            raise DetailsInvalid(version_id=version_id, field="passages", reason="missing")
        with self.records.database.writing() as conn:
            version = self.store.submit(version_id, by, now=now, conn=conn)
            self._note(conn, by, "version_submitted", version_id, {"content_hash": version.content_hash}, now)
        return version

    def send_back(self, version_id: str, *, by: str, note: str, now: datetime) -> DocumentVersion:
        """Return a version from review; `note` says what to change. Raises: VersionNotDraft, DetailsInvalid."""
        self._curator(by)
        said = _said(note)
        with self.records.database.writing() as conn:
            version = self.store.send_back(version_id, said, conn=conn)
            self._note(conn, by, "version_sent_back", version_id, {}, now)
        return version

    def approve(self, version_id: str, *, by: str, now: datetime) -> DocumentVersion:
        """Let a version be retrieved inside its dates. Raises: ApproverNotAllowed, VersionWithdrawn."""
        member = self._curator(by)
        before = self.store.version(version_id)
        if not may_approve(before, by=by, role=member.role):
            raise ApproverNotAllowed(version_id=version_id, by=by)
        with self.records.database.writing() as conn:
            version = self.store.approve(version_id, by, now=now, conn=conn)
            self.after_approval(conn, version, by, now)
            body = {
                "effective_from": version.effective_from.isoformat(),
                "effective_until": version.effective_until.isoformat() if version.effective_until else None,
                "content_hash": version.content_hash,
            }
            self._note(conn, by, "version_approved", version_id, body, now)
        return version

    def withdraw(self, version_id: str, *, by: str, note: str, now: datetime) -> DocumentVersion:
        """Take a version out of retrieval for good, at once. Raises: DetailsInvalid without a reason."""
        self._curator(by)
        said = _said(note)
        with self.records.database.writing() as conn:
            version = self.store.withdraw(version_id, by, note=said, now=now, conn=conn)
            self._note(conn, by, "version_withdrawn", version_id, {}, now)
        return version

    def set_details(self, version_id: str, details: Details, *, by: str, now: datetime) -> DocumentVersion:
        """Title, dates and audience of a draft. Raises: VersionNotDraft, DetailsInvalid (unknown branch, dates)."""
        self._curator(by)
        unknown = details.branches - {branch.branch_id for branch in self.records.staff.branches()}
        if unknown:
            raise DetailsInvalid(version_id=version_id, field="branches", reason="unknown")
        with self.records.database.writing() as conn:
            self._editing.set_details(conn, version_id, details, by=by)
            self._note(conn, by, "version_details_set", version_id, {}, now)
        return self.store.version(version_id)

    def set_payload(
        self, version_id: str, payload: dict[str, object], *, product_code: str | None, by: str, now: datetime
    ) -> DocumentVersion:
        """Typed content of a draft, e.g. a product sheet that the curator has confirmed; personal data is masked.

        Content from which passages follow replaces these too. Raises: VersionNotDraft, DetailsInvalid with the field.
        """
        self._curator(by)
        version = self.store.version(version_id)
        payload = masked_value(payload, mask)
        self._check_payload(version, payload)
        if payload.get("content") in COMPOSED:
            passages = texts_of(self.store.passages_of(version_id))
            try:
                document = read_payload(payload, version, passages)
            except ContentInvalid as exc:
                field = f"data.{exc.ids['field']}"
                raise DetailsInvalid(version_id=version_id, field=field, reason="payload") from exc
            return self.rewrite(version_id, document, expected=fingerprint(version), by=by, now=now)
        with self.records.database.writing() as conn:
            self._editing.set_payload(conn, version_id, payload, product_code=product_code, by=by)
            self._note(conn, by, "version_content_set", version_id, {"content": payload.get("content")}, now)
        return self.store.version(version_id)

    def rewrite(
        self, version_id: str, document: ReadDocument, *, expected: str, by: str, now: datetime
    ) -> DocumentVersion:
        """Replace the typed content of a draft with what was read of its edited form, and its passages with it.

        Personal data is masked; `expected` is the `fingerprint` of the version that the editor saw.
        Raises: VersionNotDraft, DetailsInvalid (`changed_meanwhile`, `payload`, dates and texts).
        """
        self._curator(by)
        document = replace(
            document,
            title=mask(document.title),
            payload=masked_value(document.payload, mask),
            passages=tuple(_masked(passage) for passage in document.passages),
        )
        self._check_payload(self.store.version(version_id), document.payload)
        with self.records.database.writing() as conn:
            self._editing.rewrite(conn, version_id, document, expected=expected, by=by, now=now)
            content = (document.payload or {}).get("content")
            self._note(conn, by, "version_content_set", version_id, {"content": content}, now)
        return self.store.version(version_id)

    def edit_passage(self, passage_id: str, changed: PassageText, *, expected: str, by: str, now: datetime) -> Passage:
        """Reword a passage of a draft, personal data masked; `expected` is the text that the editor saw.

        Raises: VersionNotDraft, DetailsInvalid (`changed_meanwhile`, `missing`, `too_long`).
        """
        self._curator(by)
        changed = _masked(changed)
        with self.records.database.writing() as conn:
            passage = self._editing.edit(conn, passage_id, changed, by=by, now=now, expected=expected)
            self._note(conn, by, "passage_edited", passage.version_id, {"passage_id": passage_id}, now)
        return passage

    def add_passage(self, version_id: str, added: PassageText, *, by: str, now: datetime) -> Passage:
        """Put a passage at the end of a draft, personal data masked. Raises: VersionNotDraft, DetailsInvalid."""
        self._curator(by)
        added = _masked(added)
        with self.records.database.writing() as conn:
            passage = self._editing.add(conn, version_id, added, by=by, now=now)
            self._note(conn, by, "passage_added", version_id, {"passage_id": passage.passage_id}, now)
        return passage

    def remove_passage(self, passage_id: str, *, by: str, now: datetime) -> None:
        """Take a passage out of a draft. Raises: VersionNotDraft."""
        self._curator(by)
        version_id = self.store.passage(passage_id).version_id
        with self.records.database.writing() as conn:
            self._editing.remove(conn, passage_id, by=by, now=now)
            self._note(conn, by, "passage_removed", version_id, {"passage_id": passage_id}, now)

    def revise(self, version_id: str, *, effective_from: date, by: str, now: datetime) -> DocumentVersion:
        """A new draft with this version's content: to correct an approved wording, or to go back to a former one."""
        self._curator(by)
        with self.records.database.writing() as conn:
            draft = self._editing.copy_version(conn, version_id, effective_from=effective_from, by=by, now=now)
            self._note(conn, by, "version_revised", draft.version_id, {"derived_from": version_id}, now)
        return draft

    @property
    def _editing(self) -> DraftEditing:
        return DraftEditing(self.store)

    @staticmethod
    def _check_payload(version: DocumentVersion, payload: dict[str, object] | None) -> None:
        if problem := payload_problem(version.kind, payload):
            raise DetailsInvalid(version_id=version.version_id, field=problem, reason="payload")

    def _curator(self, userid: str) -> StaffMember:
        member = self.records.staff.get(userid)
        if member is None or not member.active or not may_curate(member.role):
            raise CuratorNotAllowed(by=userid)
        return member

    def _note(
        self, conn: Connection, by: str, event: str, subject: str, body: Mapping[str, Any], now: datetime
    ) -> None:
        self.records.audit.append(conn, actor=by, event=event, subject=subject, body=body, now=now)


def _masked(passage: PassageText) -> PassageText:
    return replace(
        passage,
        text=mask(passage.text),
        known_questions=tuple(mask(question) for question in passage.known_questions),
        counter_questions=tuple(mask(question) for question in passage.counter_questions),
    )


def _said(note: str) -> str:
    said = note.strip()
    if not said:
        raise DetailsInvalid(field="note", reason="missing")
    if len(said) > LONGEST_NOTE:
        raise DetailsInvalid(field="note", reason="too_long")
    return said
