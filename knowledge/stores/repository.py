"""Documents in the database: versions are added, approved, withdrawn, and read back as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from knowledge.documents import DocumentKind, DocumentVersion, Passage, PassageText, VersionStatus
from knowledge.errors import ApproverNotAllowed, DocumentNotFound, VersionNotDraft, VersionWithdrawn
from knowledge.products import ProductSheet
from knowledge.retrieval.source import KnowledgeChange, ProductSheetVersion
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.following import changes_since, days_of, kept_embeddings, sheet_versions
from knowledge.stores.rows import has_a_day, passage_of, passage_query, version_of
from knowledge.stores.statements import insert_if_absent

_ID_BATCH = 500  # parameters in one IN list
_CHANGES_KEPT = 10_000  # revisions; an index that is further behind reads everything
_PRUNE_EVERY = 1_000


@dataclass(frozen=True)
class KnowledgeStore:
    """Every wording of every document. Writes join the caller's transaction when `conn` is given."""

    database: Database

    def add_version(
        self,
        document_id: str,
        kind: DocumentKind,
        title: str,
        passages: Sequence[PassageText],
        *,
        effective_from: date,
        effective_until: date | None = None,
        file: str = "",
        content_hash: str = "",
        uploaded_by: str = "",
        payload: Mapping[str, object] | None = None,
        branches: Iterable[str] = (),
        roles: Iterable[str] = (),
        lines: Iterable[str] = (),
        product_code: str | None = None,
        version: int | None = None,
        file_hash: str = "",
        derived_from: str | None = None,
        now: datetime | None = None,
        conn: Connection | None = None,
    ) -> DocumentVersion:
        """Store a wording as a draft, or find it again.

        The same `content_hash` as the newest version, or as one with the same first day or the same number, is the
        same version: nothing is stored twice. A `version` number that is taken by another wording counts up.
        """
        with self._writing(conn) as conn:
            known = _lock_document(conn, document_id, kind)
            same = _same_wording(known, content_hash, version, effective_from)
            if same is not None:
                return same
            number = _free_number(known, version)
            row = {
                "version_id": f"{document_id}@v{number}",
                "document_id": document_id,
                "version": number,
                "kind": kind.value,
                "title": title,
                "status": VersionStatus.DRAFT.value,
                "effective_from": effective_from,
                "effective_until": effective_until,
                "content_hash": content_hash,
                "file": file,
                "uploaded_by": uploaded_by,
                "uploaded_at": now,
                "branches": sorted(branches),
                "roles": sorted(roles),
                "lines": sorted(lines),
                "product_code": product_code,
                "payload": dict(payload) if payload is not None else None,
                "file_hash": file_hash,
                "derived_from": derived_from,
                "editors": [],
                "note": "",
            }
            conn.execute(tables.versions.insert(), row)
            if passages:
                conn.execute(tables.passages.insert(), passage_rows(str(row["version_id"]), passages))
            return version_of(
                conn.execute(select(tables.versions).where(tables.versions.c.version_id == row["version_id"])).one()
            )

    def submit(self, version_id: str, by: str, *, now: datetime, conn: Connection | None = None) -> DocumentVersion:
        """Hand a draft in for review. Raises: DocumentNotFound, VersionNotDraft."""
        with self._writing(conn) as conn:
            version = locked_version(conn, version_id)
            if version.status is VersionStatus.IN_REVIEW:
                return version
            _require(version, VersionStatus.DRAFT)
            _change(conn, version_id, status=VersionStatus.IN_REVIEW.value, submitted_by=by, submitted_at=now, note="")
            return _one(conn, version_id)

    def send_back(self, version_id: str, note: str, *, conn: Connection | None = None) -> DocumentVersion:
        """Return a version from review to its authors with a note. Raises: DocumentNotFound, VersionNotDraft."""
        with self._writing(conn) as conn:
            _require(locked_version(conn, version_id), VersionStatus.IN_REVIEW)
            _change(conn, version_id, status=VersionStatus.DRAFT.value, note=note)
            return _one(conn, version_id)

    def approve(
        self, version_id: str, by: str, *, now: datetime | None = None, conn: Connection | None = None
    ) -> DocumentVersion:
        """Let a version be retrieved inside its dates; approving twice changes nothing.

        An approved version that began earlier ends where this one begins, one with the same first day is replaced
        whole, and this one ends where a later approved one begins: so at most one is in force on any day.
        Raises: DocumentNotFound, VersionWithdrawn, ApproverNotAllowed when somebody approves an own wording.
        """
        with self._writing(conn) as conn:
            version = locked_version(conn, version_id)
            if version.status is VersionStatus.APPROVED:
                return version
            if version.status is VersionStatus.WITHDRAWN:
                raise VersionWithdrawn(version_id=version_id)
            if by in {version.uploaded_by, version.submitted_by, *version.editors}:
                raise ApproverNotAllowed(version_id=version_id, by=by)
            until, successor, ended = _make_way(conn, version)
            approval = {"approved_by": by, "approved_at": now, "effective_until": until, "superseded_by": successor}
            _change(conn, version_id, status=VersionStatus.APPROVED.value, **approval)
            note_changes(conn, version_id, *ended)
            return _one(conn, version_id)

    def withdraw(
        self,
        version_id: str,
        by: str,
        *,
        note: str = "",
        now: datetime | None = None,
        conn: Connection | None = None,
    ) -> DocumentVersion:
        """Take a version out of retrieval for good. Raises DocumentNotFound."""
        with self._writing(conn) as conn:
            if locked_version(conn, version_id).status is not VersionStatus.WITHDRAWN:
                withdrawal = {"withdrawn_by": by, "withdrawn_at": now, "note": note}
                _change(conn, version_id, status=VersionStatus.WITHDRAWN.value, **withdrawal)
                note_changes(conn, version_id)
            return _one(conn, version_id)

    def version(self, version_id: str) -> DocumentVersion:
        """One version whatever its status. Raises DocumentNotFound."""
        with self.database.reading() as conn:
            return _one(conn, version_id)

    def versions(self, document_id: str | None = None) -> list[DocumentVersion]:
        """Versions of one document, or of all, oldest number first."""
        query = select(tables.versions).order_by(tables.versions.c.document_id, tables.versions.c.version)
        if document_id is not None:
            query = query.where(tables.versions.c.document_id == document_id)
        with self.database.reading() as conn:
            return [version_of(row) for row in conn.execute(query)]

    def versions_of_file(self, file_hash: str) -> list[DocumentVersion]:
        """Versions of any status that were read from these bytes (SHA-256), in the order of their ids."""
        query = select(tables.versions).where(tables.versions.c.file_hash == file_hash)
        with self.database.reading() as conn:
            return [version_of(row) for row in conn.execute(query.order_by(tables.versions.c.version_id))]

    def payloads(self, kind: DocumentKind, on: date) -> list[DocumentVersion]:
        """Approved versions of a kind that are in force on a day and carry typed content."""
        query = select(tables.versions).where(
            tables.versions.c.kind == kind.value,
            tables.versions.c.status == VersionStatus.APPROVED.value,
            tables.versions.c.payload.is_not(None),
            tables.versions.c.effective_from <= on,
            or_(tables.versions.c.effective_until.is_(None), tables.versions.c.effective_until > on),
        )
        with self.database.reading() as conn:
            found = [version_of(row) for row in conn.execute(query)]
        return sorted(found, key=lambda version: version.version_id)

    def passage(self, passage_id: str) -> Passage:
        """One passage whatever the status of its version. Raises DocumentNotFound."""
        found = self.passages_by_ids([passage_id])
        if not found:
            raise DocumentNotFound(passage_id=passage_id)
        return found[passage_id]

    def passages_by_ids(self, passage_ids: Sequence[str]) -> dict[str, Passage]:
        """The passages that exist among these ids, of any status."""
        found: dict[str, Passage] = {}
        with self.database.reading() as conn:
            for start in range(0, len(passage_ids), _ID_BATCH):
                batch = passage_ids[start : start + _ID_BATCH]
                for row in conn.execute(passage_query().where(tables.passages.c.passage_id.in_(batch))):
                    found[row.passage_id] = passage_of(row)
        return found

    def passages_of(self, version_id: str) -> list[Passage]:
        """The passages of one version in reading order."""
        query = passage_query().where(tables.passages.c.version_id == version_id).order_by(tables.passages.c.position)
        with self.database.reading() as conn:
            return [passage_of(row) for row in conn.execute(query)]

    def revision(self) -> int:
        """A number that changes, upwards, with every change of what may be served; a restored backup differs too."""
        with self.database.reading() as conn:
            # Asked several times for every draft: plain SQL, because composing a query costs more than running it.
            return conn.exec_driver_sql("SELECT revision FROM knowledge_revision").scalar() or 0

    def passages(self) -> Iterator[Passage]:
        """Passages of approved versions, whatever their dates, ordered by passage_id, all from one snapshot."""
        order = tables.passages.c.passage_id if self.database.is_sqlite else tables.passages.c.passage_id.collate("C")
        query = (
            passage_query().where(tables.versions.c.status == VersionStatus.APPROVED.value, has_a_day()).order_by(order)
        )
        with self.database.reading() as conn:
            streaming = conn.execution_options(stream_results=True, yield_per=1000)
            with streaming.execute(query) as rows:  # closed also when the reader stops half way
                for row in rows:
                    yield passage_of(row)

    def products(self) -> list[tuple[ProductSheet, date, date | None]]:
        """Approved product sheets with their first day and the day from which they no longer hold."""
        return [(held.sheet, held.effective_from, held.effective_until) for held in self.product_sheets()]

    def product_sheets(self) -> list[ProductSheetVersion]:
        """Approved product sheets of any date with their audience, ordered by version."""
        with self.database.reading() as conn:
            return sheet_versions(conn)

    def changes_since(self, revision: int) -> KnowledgeChange | None:
        """What an index at that revision has to change; None when only a full reading is safe or sooner done."""
        with self.database.reading() as conn:
            return changes_since(conn, revision)

    def days_of(self, version_ids: Iterable[str]) -> dict[str, tuple[date, date | None]]:
        """First day and end (exclusive) of those versions that may still be served."""
        with self.database.reading() as conn:
            return days_of(conn, version_ids)

    def embeddings(self, embedder_id: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Those vectors that are kept, by content key (sha256 of the text), float32 little-endian."""
        with self.database.reading() as conn:
            return kept_embeddings(conn, embedder_id, keys)

    def store_embeddings(self, embedder_id: str, rows: Mapping[str, bytes]) -> None:
        """Keep vectors for next time; keys that are there already stay as they are."""
        items = [{"embedder_id": embedder_id, "content_key": key, "vector": vector} for key, vector in rows.items()]
        for start in range(0, len(items), 1000):  # several short transactions: callbacks wait for the writer
            with self.database.writing() as conn:
                insert_if_absent(conn, tables.embeddings, ("embedder_id", "content_key"), items[start : start + 1000])

    def _writing(self, conn: Connection | None) -> AbstractContextManager[Connection]:
        return self.database.writing() if conn is None else nullcontext(conn)


def _lock_document(conn: Connection, document_id: str, kind: DocumentKind) -> list[DocumentVersion]:
    """Make the document if need be, hold it until the transaction ends, and list its versions by number."""
    insert_if_absent(conn, tables.documents, ("document_id",), {"document_id": document_id, "kind": kind.value})
    conn.execute(select(tables.documents).where(tables.documents.c.document_id == document_id).with_for_update())
    query = (
        select(tables.versions).where(tables.versions.c.document_id == document_id).order_by(tables.versions.c.version)
    )
    return [version_of(row) for row in conn.execute(query)]


def _hold(conn: Connection, document_id: str) -> None:
    conn.execute(select(tables.documents).where(tables.documents.c.document_id == document_id).with_for_update())


def _same_wording(
    known: Sequence[DocumentVersion], content_hash: str, number: int | None, effective_from: date
) -> DocumentVersion | None:
    # A wording may come back after another one or after a recall, from a new day on: that is a new version.
    for version in reversed(known):
        if content_hash and version.content_hash == content_hash:
            newest = version is known[-1] and version.status is not VersionStatus.WITHDRAWN
            if newest or version.version == number or version.effective_from == effective_from:
                return version
    return None


def _free_number(known: Sequence[DocumentVersion], wanted: int | None) -> int:
    taken = {version.version for version in known}
    if wanted is not None and wanted not in taken:
        return wanted
    return max(taken, default=0) + 1


def passage_rows(version_id: str, texts: Sequence[PassageText]) -> list[dict[str, Any]]:
    """Rows of a version's passages, numbered from 1 in reading order."""
    return [
        {
            "passage_id": f"{version_id}#p{position}",
            "version_id": version_id,
            "position": position,
            "text": text.text,
            "known_questions": list(text.known_questions),
            "source": asdict(text.source),
            "counter_questions": list(text.counter_questions),
        }
        for position, text in enumerate(texts, start=1)
    ]


def locked_version(conn: Connection, version_id: str) -> DocumentVersion:
    """One version, its document held until the transaction ends. Raises DocumentNotFound."""
    version = _one(conn, version_id)
    conn.execute(
        select(tables.documents).where(tables.documents.c.document_id == version.document_id).with_for_update()
    )
    return _one(conn, version_id)


def _one(conn: Connection, version_id: str) -> DocumentVersion:
    row = conn.execute(select(tables.versions).where(tables.versions.c.version_id == version_id)).one_or_none()
    if row is None:
        raise DocumentNotFound(version_id=version_id)
    return version_of(row)


def _require(version: DocumentVersion, status: VersionStatus) -> None:
    if version.status is not status:
        raise VersionNotDraft(version_id=version.version_id, status=version.status.value)


def _make_way(conn: Connection, version: DocumentVersion) -> tuple[date | None, str | None, list[str]]:
    """Shorten what overlaps `version`. Returns the end that it may have itself, what ends it, and what it ended."""
    query = select(tables.versions).where(
        tables.versions.c.document_id == version.document_id,
        tables.versions.c.status == VersionStatus.APPROVED.value,
        tables.versions.c.version_id != version.version_id,
    )
    first, until = version.effective_from, version.effective_until
    if until is not None and until <= first:
        return until, None, []
    others = [version_of(row) for row in conn.execute(query)]
    later = [other for other in others if other.effective_from > first and _holds_a_day(other)]
    successor = min(later, key=lambda other: other.effective_from, default=None)
    ended = [other.version_id for other in others if other.effective_from <= first and _reaches(other, first)]
    for version_id in ended:
        _change(conn, version_id, effective_until=first, superseded_by=version.version_id)
    if successor is None or (until is not None and until < successor.effective_from):
        return until, None, ended
    return successor.effective_from, successor.version_id, ended


def _reaches(version: DocumentVersion, day: date) -> bool:
    """Whether a version holds until `day` at least: one that was to end then is followed, not merely expired."""
    until = version.effective_until
    return until is None or day < until or (day == until and version.superseded_by is None)


def _holds_a_day(version: DocumentVersion) -> bool:
    return version.effective_until is None or version.effective_from < version.effective_until


def _change(conn: Connection, version_id: str, **columns: object) -> None:
    conn.execute(update(tables.versions).where(tables.versions.c.version_id == version_id).values(**columns))


def note_changes(conn: Connection, *version_ids: str) -> None:
    """Move the revision on and note which versions it touched; old notes go."""
    changed = conn.execute(update(tables.knowledge_revision).values(revision=tables.knowledge_revision.c.revision + 1))
    if changed.rowcount == 0:
        insert_if_absent(conn, tables.knowledge_revision, ("id",), {"id": 1, "revision": 1})
    revision = conn.execute(select(tables.knowledge_revision.c.revision)).scalar_one()
    rows = [{"revision": revision, "version_id": version_id} for version_id in dict.fromkeys(version_ids)]
    conn.execute(tables.knowledge_changes.insert(), rows)
    if revision % _PRUNE_EVERY == 0:
        old = tables.knowledge_changes.c.revision <= revision - _CHANGES_KEPT
        conn.execute(delete(tables.knowledge_changes).where(old))
