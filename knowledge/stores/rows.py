"""How rows of the knowledge tables become plain values."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, or_, select

from knowledge.documents import DocumentKind, DocumentVersion, Passage, Source, VersionStatus
from knowledge.stores import tables


def has_a_day() -> ColumnElement[bool]:
    """Versions that some day may quote: not those replaced on their own first day."""
    return or_(
        tables.versions.c.effective_until.is_(None),
        tables.versions.c.effective_until > tables.versions.c.effective_from,
    )


def passage_query() -> Select[Any]:
    return select(
        tables.passages,
        tables.versions.c.document_id,
        tables.versions.c.version,
        tables.versions.c.kind,
        tables.versions.c.title,
        tables.versions.c.product_code,
        tables.versions.c.effective_from,
        tables.versions.c.effective_until,
        tables.versions.c.branches,
        tables.versions.c.roles,
        tables.versions.c.lines,
    ).join_from(tables.passages, tables.versions)


def version_of(row: Row[Any]) -> DocumentVersion:
    return DocumentVersion(
        version_id=row.version_id,
        document_id=row.document_id,
        version=row.version,
        kind=DocumentKind(row.kind),
        title=row.title,
        status=VersionStatus(row.status),
        effective_from=row.effective_from,
        effective_until=row.effective_until,
        content_hash=row.content_hash,
        file=row.file,
        uploaded_by=row.uploaded_by,
        approved_by=row.approved_by,
        branches=frozenset(row.branches),
        roles=frozenset(row.roles),
        payload=row.payload,
        lines=frozenset(row.lines),
        product_code=row.product_code,
        uploaded_at=row.uploaded_at,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        approved_at=row.approved_at,
        withdrawn_by=row.withdrawn_by,
        withdrawn_at=row.withdrawn_at,
        editors=tuple(row.editors),
        file_hash=row.file_hash,
        derived_from=row.derived_from,
        superseded_by=row.superseded_by,
        note=row.note,
    )


def passage_of(row: Row[Any]) -> Passage:
    return Passage(
        passage_id=row.passage_id,
        version_id=row.version_id,
        document_id=row.document_id,
        version=row.version,
        kind=DocumentKind(row.kind),
        title=row.title,
        text=row.text,
        known_questions=tuple(row.known_questions),
        product_code=row.product_code,
        effective_from=row.effective_from,
        effective_until=row.effective_until,
        branches=frozenset(row.branches),
        roles=frozenset(row.roles),
        source=Source(**row.source),
        lines=frozenset(row.lines),
        counter_questions=tuple(row.counter_questions),
    )
