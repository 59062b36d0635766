"""Change a draft before its approval: passages one by one, dates and audience; copy a version into a new draft.

An approved wording is never changed in place: `copy_version` makes a draft of it, which a second person approves.
Every change of a passage is kept in `passage_revisions`, and who made it may not approve the version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from knowledge.content import COMPOSED
from knowledge.documents import DocumentVersion, Passage, PassageText, VersionStatus
from knowledge.errors import DetailsInvalid, DocumentNotFound, TypedContent, VersionNotDraft
from knowledge.ingestion.reading import ReadDocument
from knowledge.stores import tables
from knowledge.stores.repository import KnowledgeStore, locked_version, passage_rows
from knowledge.stores.rows import passage_of, passage_query

LONGEST_PASSAGE = 20_000


@dataclass(frozen=True, slots=True)
class Details:
    """What a curator sets for a version beside its passages; sets empty: whole bank, every role, every line."""

    title: str
    effective_from: date
    effective_until: date | None = None
    branches: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PassageRevision:
    """One change of one passage; `before` or `after` None: added or removed."""

    passage_id: str
    edited_by: str
    edited_at: datetime
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True)
class DraftEditing:
    """Writes join the caller's transaction."""

    store: KnowledgeStore

    def set_details(self, conn: Connection, version_id: str, details: Details, *, by: str) -> None:
        """Set title, dates and audience of a draft. Raises: DocumentNotFound, VersionNotDraft, DetailsInvalid."""
        version = _draft(conn, version_id)
        _check_details(version_id, details.title, details.effective_from, details.effective_until)
        values = {
            "title": details.title.strip(),
            "effective_from": details.effective_from,
            "effective_until": details.effective_until,
            "branches": sorted(details.branches),
            "roles": sorted(details.roles),
            "lines": sorted(details.lines),
        }
        _change(conn, version, by, **values)

    def set_payload(
        self, conn: Connection, version_id: str, payload: dict[str, object], *, product_code: str | None, by: str
    ) -> None:
        """Set the typed content of a draft, e.g. a confirmed product sheet. Raises: as set_details."""
        _change(conn, _draft(conn, version_id), by, payload=payload, product_code=product_code)

    def rewrite(
        self, conn: Connection, version_id: str, document: ReadDocument, *, expected: str, by: str, now: datetime
    ) -> None:
        """Replace the typed content of a draft, and with it title, dates and passages, which keep their sources.

        `expected` is the `fingerprint` of the version that the editor saw. Each passage that changes leaves a revision.
        Raises: DocumentNotFound, VersionNotDraft, DetailsInvalid (`changed_meanwhile`, dates, texts).
        """
        version = _draft(conn, version_id)
        if fingerprint(version) != expected:
            raise DetailsInvalid(version_id=version_id, field="payload", reason="changed_meanwhile")
        first, until = document.effective_from or version.effective_from, document.effective_until
        _check_details(version_id, document.title, first, until)
        held = _passages(conn, version_id)
        for passage, changed in zip_longest(held, document.passages):
            if changed is None:
                conn.execute(delete(tables.passages).where(tables.passages.c.passage_id == passage.passage_id))
                self._note(conn, version, passage.passage_id, by=by, now=now, before=_kept(passage), after=None)
            elif passage is None:
                self._insert(conn, version, changed, by=by, now=now)
            else:
                self._replace(conn, version, passage, changed, by=by, now=now)
        values = {"title": document.title.strip(), "effective_from": first, "effective_until": until}
        _change(conn, version, by, payload=document.payload, product_code=document.product_code, **values)

    def edit(
        self, conn: Connection, passage_id: str, changed: PassageText, *, by: str, now: datetime, expected: str
    ) -> Passage:
        """Replace text and questions of a passage; its source stays.

        `expected` is the text that the editor saw: another one meanwhile raises DetailsInvalid (`changed_meanwhile`).
        """
        passage, version = self._held(conn, passage_id)
        if passage.text != expected:
            raise DetailsInvalid(passage_id=passage_id, field="text", reason="changed_meanwhile")
        self._replace(conn, version, passage, changed, by=by, now=now)
        return _passage(conn, passage_id)

    def add(self, conn: Connection, version_id: str, added: PassageText, *, by: str, now: datetime) -> Passage:
        """Put a passage at the end of a draft. Raises: DocumentNotFound, VersionNotDraft, DetailsInvalid."""
        return _passage(conn, self._insert(conn, _free(_draft(conn, version_id)), added, by=by, now=now))

    def _insert(self, conn: Connection, version: DocumentVersion, added: PassageText, *, by: str, now: datetime) -> str:
        version_id = version.version_id
        _check_text(added.text, version_id)
        place = tables.passages.c
        position = 1 + (
            conn.execute(select(func.max(place.position)).where(place.version_id == version_id)).scalar() or 0
        )
        row = passage_rows(version_id, [replace(added, text=added.text.strip())])[0]
        row |= {"position": position, "passage_id": f"{version_id}#p{position}"}
        conn.execute(insert(tables.passages), row)
        after = {name: row[name] for name in ("text", "known_questions", "counter_questions")}
        self._note(conn, version, row["passage_id"], by=by, now=now, before=None, after=after)
        return str(row["passage_id"])

    def _replace(
        self,
        conn: Connection,
        version: DocumentVersion,
        passage: Passage,
        changed: PassageText,
        *,
        by: str,
        now: datetime,
    ) -> None:
        _check_text(changed.text, passage.passage_id)
        row = {
            "text": changed.text.strip(),
            "known_questions": list(changed.known_questions),
            "counter_questions": list(changed.counter_questions),
        }
        before = _kept(passage)
        if row != before:
            own = tables.passages.c.passage_id == passage.passage_id
            conn.execute(update(tables.passages).where(own).values(**row))
            self._note(conn, version, passage.passage_id, by=by, now=now, before=before, after=row)

    def remove(self, conn: Connection, passage_id: str, *, by: str, now: datetime) -> None:
        """Take a passage out of a draft. Raises: DocumentNotFound, VersionNotDraft."""
        passage, version = self._held(conn, passage_id)
        conn.execute(delete(tables.passages).where(tables.passages.c.passage_id == passage_id))
        self._note(conn, version, passage_id, by=by, now=now, before=_kept(passage), after=None)

    def revisions(self, version_id: str) -> list[PassageRevision]:
        """Every change of a version's passages, oldest first."""
        query = select(tables.passage_revisions).where(tables.passage_revisions.c.version_id == version_id)
        with self.store.database.reading() as conn:
            rows = conn.execute(query.order_by(tables.passage_revisions.c.id)).all()
        return [PassageRevision(row.passage_id, row.edited_by, row.edited_at, row.before, row.after) for row in rows]

    def copy_version(
        self, conn: Connection, version_id: str, *, effective_from: date, by: str, now: datetime
    ) -> DocumentVersion:
        """A new draft with the same passages, typed content and audience: to edit it, or to go back to it."""
        version = locked_version(conn, version_id)
        passages = self.store.passages_of(version_id)
        return self.store.add_version(
            version.document_id,
            version.kind,
            version.title,
            texts_of(passages),
            effective_from=effective_from,
            file=version.file,
            content_hash=f"{version.content_hash}+{by}+{now.timestamp()}",
            uploaded_by=by,
            payload=version.payload,
            branches=version.branches,
            roles=version.roles,
            lines=version.lines,
            product_code=version.product_code,
            file_hash=version.file_hash,
            derived_from=version_id,
            now=now,
            conn=conn,
        )

    def _held(self, conn: Connection, passage_id: str) -> tuple[Passage, DocumentVersion]:
        passage = _passage(conn, passage_id)
        return passage, _free(_draft(conn, passage.version_id))

    @staticmethod
    def _note(
        conn: Connection,
        version: DocumentVersion,
        passage_id: str,
        *,
        by: str,
        now: datetime,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        row = {"version_id": version.version_id, "passage_id": passage_id, "edited_by": by, "edited_at": now}
        conn.execute(insert(tables.passage_revisions), {**row, "before": before, "after": after})
        _change(conn, version, by)


def _draft(conn: Connection, version_id: str) -> DocumentVersion:
    version = locked_version(conn, version_id)
    if version.status is not VersionStatus.DRAFT:
        raise VersionNotDraft(version_id=version_id, status=version.status.value)
    return version


def _free(version: DocumentVersion) -> DocumentVersion:
    """A version whose passages may be changed one by one. Raises: TypedContent."""
    if (version.payload or {}).get("content") in COMPOSED:
        raise TypedContent(version_id=version.version_id)
    return version


def fingerprint(version: DocumentVersion) -> str:
    """Changes with title, dates and typed content of a version: what an editor of these saw."""
    until = version.effective_until
    seen = [version.title, version.effective_from.isoformat(), until.isoformat() if until else "", version.payload]
    return hashlib.sha256(json.dumps(seen, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _check_details(version_id: str, title: str, first: date, until: date | None) -> None:
    if not title.strip():
        raise DetailsInvalid(version_id=version_id, field="title", reason="missing")
    if until is not None and until <= first:
        raise DetailsInvalid(version_id=version_id, field="effective_until", reason="before_from")


def _change(conn: Connection, version: DocumentVersion, by: str, **values: object) -> None:
    editors = sorted({*version.editors, by})
    change = update(tables.versions).where(tables.versions.c.version_id == version.version_id)
    conn.execute(change.values(editors=editors, **values))


def _passages(conn: Connection, version_id: str) -> list[Passage]:
    query = passage_query().where(tables.passages.c.version_id == version_id).order_by(tables.passages.c.position)
    return [passage_of(row) for row in conn.execute(query)]


def _passage(conn: Connection, passage_id: str) -> Passage:
    row = conn.execute(passage_query().where(tables.passages.c.passage_id == passage_id)).one_or_none()
    if row is None:
        raise DocumentNotFound(passage_id=passage_id)
    return passage_of(row)


def _kept(passage: Passage) -> dict[str, Any]:
    return {
        "text": passage.text,
        "known_questions": list(passage.known_questions),
        "counter_questions": list(passage.counter_questions),
    }


def texts_of(passages: Sequence[Passage]) -> list[PassageText]:
    """Stored passages as they were before they had ids."""
    return [PassageText(p.text, p.source, p.known_questions, p.counter_questions) for p in passages]


def _check_text(text: str, where: str) -> None:
    if not text.strip():
        raise DetailsInvalid(at=where, field="text", reason="missing")
    if len(text) > LONGEST_PASSAGE:
        raise DetailsInvalid(at=where, field="text", reason="too_long")
