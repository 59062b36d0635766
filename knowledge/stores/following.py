"""What the indexes read: product sheets, kept vectors, and the difference between two revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from knowledge.documents import DocumentKind, VersionStatus
from knowledge.products import ProductSheet
from knowledge.retrieval.source import KnowledgeChange, ProductSheetVersion
from knowledge.stores import tables
from knowledge.stores.rows import has_a_day, passage_of, passage_query

_IDS_AT_ONCE = 500  # parameters in one IN list
_VERSIONS_AT_MOST = 2_000  # with more of them changed, reading everything is sooner done


def changes_since(conn: Connection, revision: int) -> KnowledgeChange | None:
    """What changed after `revision`, all from the snapshot of `conn`; None when the log has a gap or there is much."""
    now = conn.execute(select(tables.knowledge_revision.c.revision)).scalar() or 0
    log = tables.knowledge_changes.c
    if not 0 <= now - revision <= _VERSIONS_AT_MOST:
        return None
    rows = conn.execute(select(log.revision, log.version_id).where(log.revision > revision, log.revision <= now)).all()
    version_ids = frozenset(row.version_id for row in rows)
    # A revision without a row: restored, pruned, or a change that named no versions. Only a full reading is safe.
    if len({row.revision for row in rows}) != now - revision or len(version_ids) > _VERSIONS_AT_MOST:
        return None
    passages, sheets = [], []
    for part in _parts(sorted(version_ids)):
        among = tables.versions.c.version_id.in_(part)
        passages += [passage_of(row) for row in conn.execute(passage_query().where(among, *_served()))]
        sheets += sheet_versions(conn, among)
    return KnowledgeChange(now, version_ids, tuple(passages), tuple(sheets))


def sheet_versions(conn: Connection, *which: ColumnElement[bool]) -> list[ProductSheetVersion]:
    """Approved product sheets, ordered by version."""
    return [
        ProductSheetVersion(
            row.version_id,
            ProductSheet.model_validate(row.payload.get("data", row.payload)),
            row.effective_from,
            row.effective_until,
            frozenset(row.branches),
            frozenset(row.roles),
            frozenset(row.lines),
        )
        for row in conn.execute(_sheet_query().where(*which))
        if row.payload.get("content", "product") == "product"  # a proposal is text until somebody has confirmed it
    ]


def kept_embeddings(conn: Connection, embedder_id: str, keys: Sequence[str]) -> dict[str, bytes]:
    """Those vectors of `keys` that are stored, float32 little-endian."""
    columns, found = tables.embeddings.c, {}
    for part in _parts(keys):
        query = select(columns.content_key, columns.vector).where(
            columns.embedder_id == embedder_id, columns.content_key.in_(part)
        )
        found.update({key: bytes(vector) for key, vector in conn.execute(query)})
    return found


def days_of(conn: Connection, version_ids: Iterable[str]) -> dict[str, tuple[date, date | None]]:
    """First day and end (exclusive) of those versions that may still be served."""
    columns, found = tables.versions.c, {}
    for part in _parts(sorted(set(version_ids))):
        query = select(columns.version_id, columns.effective_from, columns.effective_until)
        rows = conn.execute(query.where(columns.version_id.in_(part), *_served()))
        found.update({row.version_id: (row.effective_from, row.effective_until) for row in rows})
    return found


def _served() -> tuple[ColumnElement[bool], ...]:
    return (tables.versions.c.status == VersionStatus.APPROVED.value, has_a_day())


def _sheet_query() -> Select[Any]:
    columns = tables.versions.c
    query = select(
        columns.version_id,
        columns.payload,
        columns.effective_from,
        columns.effective_until,
        columns.branches,
        columns.roles,
        columns.lines,
    )
    sheets = (columns.kind == DocumentKind.PRODUCT.value, columns.payload.is_not(None), *_served())
    return query.where(*sheets).order_by(columns.version_id)


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + _IDS_AT_ONCE] for start in range(0, len(keys), _IDS_AT_ONCE)]
