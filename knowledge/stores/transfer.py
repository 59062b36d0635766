"""Whole versions out of the database and back into it, every column as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select

from knowledge.documents import DocumentVersion
from knowledge.stores import tables
from knowledge.stores.repository import note_changes
from knowledge.stores.rows import version_of
from knowledge.stores.statements import insert_if_absent, upsert

_AT_ONCE = 500  # parameters in one IN list
_HISTORY = ("passage_id", "edited_by", "edited_at", "before", "after")


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """One passage as it is kept; `position` counts from 1 and may have gaps, `source` is JSON-ready."""

    passage_id: str
    position: int
    text: str
    known_questions: tuple[str, ...]
    counter_questions: tuple[str, ...]
    source: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WholeVersion:
    """A version with its passages in reading order and the changes that people made to them, oldest first."""

    version: DocumentVersion
    passages: tuple[StoredPassage, ...]
    history: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """An uploaded file. `extracted` is compressed as in the table; `content` None: it held personal data."""

    file_hash: str
    name: str
    size: int
    stored_at: datetime
    content: bytes | None
    extracted: bytes | None


def version_ids(conn: Connection) -> list[str]:
    """Every version by document and number, in the same order on both engines."""
    order = _bytewise(conn, tables.versions.c.document_id)
    query = select(tables.versions.c.version_id).order_by(order, tables.versions.c.version)
    return list(conn.execute(query).scalars())


def read_version(conn: Connection, version_id: str) -> DocumentVersion | None:
    """One version, if it is there."""
    row = conn.execute(select(tables.versions).where(tables.versions.c.version_id == version_id)).one_or_none()
    return None if row is None else version_of(row)


def versions_of_document(conn: Connection, document_id: str) -> list[DocumentVersion]:
    """All versions of one document by number."""
    query = select(tables.versions).where(tables.versions.c.document_id == document_id)
    return [version_of(row) for row in conn.execute(query.order_by(tables.versions.c.version))]


def read_passages(conn: Connection, version_id: str) -> list[StoredPassage]:
    """A version's passages in reading order."""
    return _passages(conn, [version_id]).get(version_id, [])


def read_whole(conn: Connection, wanted: Sequence[str]) -> Iterator[WholeVersion]:
    """Versions with all that belongs to them, in the order asked for, a few hundred at a time."""
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        rows = conn.execute(select(tables.versions).where(tables.versions.c.version_id.in_(part)))
        found = {row.version_id: version_of(row) for row in rows}
        passages, history = _passages(conn, part), _history(conn, part)
        for version_id in part:
            of_it = tuple(passages.get(version_id, ())), tuple(history.get(version_id, ()))
            yield WholeVersion(found[version_id], *of_it)


def file_hashes(conn: Connection) -> list[str]:
    """Files that a version was read from and that are kept, by hash."""
    used = select(tables.versions.c.file_hash).distinct()
    query = select(tables.files.c.file_hash).where(tables.files.c.file_hash.in_(used))
    return sorted(conn.execute(query).scalars())


def read_file(conn: Connection, file_hash: str) -> KeptFile:
    """One kept file."""
    row = conn.execute(select(tables.files).where(tables.files.c.file_hash == file_hash)).one()
    content = None if row.content is None else bytes(row.content)
    extracted = None if row.extracted is None else bytes(row.extracted)
    return KeptFile(row.file_hash, row.name, row.size, row.stored_at, content, extracted)


def hold_document(conn: Connection, document_id: str, kind: str) -> None:
    """Make the document if need be and keep others from changing its versions until the transaction ends."""
    insert_if_absent(conn, tables.documents, ("document_id",), {"document_id": document_id, "kind": kind})
    conn.execute(select(tables.documents).where(tables.documents.c.document_id == document_id).with_for_update())


def write_version(
    conn: Connection,
    version: DocumentVersion,
    passages: Sequence[StoredPassage],
    history: Sequence[dict[str, Any]],
) -> None:
    """Store a version that is not there yet; its document is held already."""
    conn.execute(insert(tables.versions), _columns(version))
    rows = [
        {
            "passage_id": passage.passage_id,
            "version_id": version.version_id,
            "position": passage.position,
            "text": passage.text,
            "known_questions": list(passage.known_questions),
            "counter_questions": list(passage.counter_questions),
            "source": passage.source,
        }
        for passage in passages
    ]
    if rows:
        conn.execute(insert(tables.passages), rows)
    if history:
        conn.execute(insert(tables.passage_revisions), [{**row, "version_id": version.version_id} for row in history])


def write_state(
    conn: Connection, version: DocumentVersion, passages: Sequence[StoredPassage], history: Sequence[dict[str, Any]]
) -> None:
    """Give a stored version every column of `version`, and its history where none is kept; passages are the same."""
    upsert(conn, tables.versions, ("version_id",), _columns(version))
    kept = tables.passage_revisions.c.version_id == version.version_id
    held = conn.execute(select(func.count()).select_from(tables.passage_revisions).where(kept)).scalar_one()
    if history and not held:
        conn.execute(insert(tables.passage_revisions), [{**row, "version_id": version.version_id} for row in history])


def write_file(conn: Connection, file: KeptFile) -> None:
    """Keep a file unless it is kept already."""
    row = {
        "file_hash": file.file_hash,
        "name": file.name,
        "size": file.size,
        "stored_at": file.stored_at,
        "content": file.content,
        "extracted": file.extracted,
    }
    insert_if_absent(conn, tables.files, ("file_hash",), row)


def tell_indexes(conn: Connection, touched: Sequence[str]) -> None:
    """Move the revision on for these versions."""
    if touched:
        note_changes(conn, *touched)


def _columns(version: DocumentVersion) -> dict[str, Any]:
    values = {name: getattr(version, name) for name in DocumentVersion.__dataclass_fields__}
    values |= {name: sorted(values[name]) for name in ("branches", "roles", "lines")}
    return {**values, "kind": version.kind.value, "status": version.status.value, "editors": list(version.editors)}


def _bytewise(conn: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    return column if conn.dialect.name == "sqlite" else column.collate("C")


def _passages(conn: Connection, wanted: Sequence[str]) -> dict[str, list[StoredPassage]]:
    held = tables.passages.c
    query = select(tables.passages).where(held.version_id.in_(wanted)).order_by(held.version_id, held.position)
    found: dict[str, list[StoredPassage]] = {}
    for row in conn.execute(query):
        questions = tuple(row.known_questions), tuple(row.counter_questions)
        passage = StoredPassage(row.passage_id, row.position, row.text, *questions, dict(row.source))
        found.setdefault(row.version_id, []).append(passage)
    return found


def _history(conn: Connection, wanted: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    kept = tables.passage_revisions.c
    query = select(tables.passage_revisions).where(kept.version_id.in_(wanted)).order_by(kept.id)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in conn.execute(query):
        found.setdefault(row.version_id, []).append({name: getattr(row, name) for name in _HISTORY})
    return found
