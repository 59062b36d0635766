"""Load files into the store: read, cut, keep as versions, approve where somebody does."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from knowledge.documents import DocumentKind, DocumentVersion, PassageText, VersionStatus
from knowledge.errors import ApproverNotAllowed, DocumentRefused
from knowledge.ingestion.extracted import ExtractedText
from knowledge.ingestion.formats.registry import MAX_BYTES
from knowledge.ingestion.readers import read_document, refusal_sentence
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.sandbox import extract
from knowledge.ingestion.wording import warning_sentence
from knowledge.stores.repository import KnowledgeStore


class Outcome(StrEnum):
    """What became of a file."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class IngestedFile:
    """One file's result. `reason` is a code, `message` and `warnings` are sentences for people."""

    path: Path
    outcome: Outcome
    document_ids: tuple[str, ...] = ()
    version_ids: tuple[str, ...] = ()
    passages: int = 0
    warnings: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """How a batch is loaded. `approve_as` has been checked to be a curator or officer; None leaves drafts.

    `effective_from` holds for files that do not say so themselves; `branches` empty: whole bank.
    """

    effective_from: date
    uploaded_by: str
    approve_as: str | None = None
    kind: DocumentKind | None = None
    branches: frozenset[str] = frozenset()
    now: datetime | None = None


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Ingestor:
    """Loads files. `mask` takes personal data out of everything that will be stored."""

    store: KnowledgeStore
    mask: Callable[[str], str] = _as_it_is
    extract: Callable[[bytes, str], ExtractedText] = extract

    def ingest(
        self,
        path: Path,
        *,
        effective_from: date,
        uploaded_by: str,
        kind: DocumentKind | None = None,
        approve_as: str | None = None,
        branches: frozenset[str] = frozenset(),
        now: datetime | None = None,
    ) -> list[IngestedFile]:
        """One file, or every file below a folder. Raises: ApproverNotAllowed when the uploader approves."""
        upload = Upload(effective_from, uploaded_by, approve_as, kind, branches, now)
        return list(self.ingest_paths([path], upload))

    def ingest_paths(self, paths: Iterable[Path], upload: Upload) -> Iterator[IngestedFile]:
        """Load one file after the other, so that progress can be shown; a refused file stops nothing.

        Raises: ApproverNotAllowed when the uploader approves.
        """
        if upload.approve_as is not None and upload.approve_as == upload.uploaded_by:
            raise ApproverNotAllowed(by=upload.approve_as)
        for root in paths:
            files = files_below(root)
            names = Counter(file.name for file in files)
            for file in files:
                doubled = names[file.name] > 1
                yield self._file(file, file.relative_to(root).as_posix() if doubled else file.name, upload, doubled)

    def _file(self, path: Path, name: str, upload: Upload, doubled: bool) -> IngestedFile:
        try:
            documents = read_document(_bytes_of(path), name, extract=self.extract, kind=upload.kind, file=path.name)
        except DocumentRefused as exc:
            return IngestedFile(path, Outcome.REFUSED, reason=exc.ids.get("reason", ""), message=refusal_sentence(exc))
        documents = [self._prepared(document, upload) for document in documents]
        warnings = [
            warning_sentence(doubt.code, **dict(doubt.slots)) for document in documents for doubt in document.doubts
        ]
        if doubled:
            warnings.append(warning_sentence("same_name"))
        changed, versions = self._stored(documents, upload)
        return IngestedFile(
            path,
            Outcome.LOADED if changed else Outcome.UNCHANGED,
            document_ids=tuple(version.document_id for version in versions),
            version_ids=tuple(version.version_id for version in versions),
            passages=sum(len(document.passages) for document in documents),
            warnings=tuple(warnings),
        )

    def _prepared(self, document: ReadDocument, upload: Upload) -> ReadDocument:
        passages = tuple(
            PassageText(self.mask(item.text), item.source, tuple(map(self.mask, item.known_questions)))
            for item in document.passages
        )
        payload = self._masked(document.payload)
        branches = document.branches or upload.branches
        return replace(document, title=self.mask(document.title), passages=passages, payload=payload, branches=branches)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            return {name: self._masked(item) for name, item in value.items()}
        return [self._masked(item) for item in value] if isinstance(value, list) else value

    def _stored(self, documents: list[ReadDocument], upload: Upload) -> tuple[bool, list[DocumentVersion]]:
        """All documents of a file in one transaction; whether anything changed, and the versions."""
        known = {
            version.version_id: version.status
            for document in documents
            for version in self.store.versions(document.document_id)
        }
        with self.store.database.writing() as conn:
            versions = [self._version(document, upload, conn) for document in documents]
        return any(known.get(version.version_id) != version.status for version in versions), versions

    def _version(self, document: ReadDocument, upload: Upload, conn: Connection) -> DocumentVersion:
        version = self.store.add_version(
            document.document_id,
            document.kind,
            document.title,
            document.passages,
            effective_from=document.effective_from or upload.effective_from,
            effective_until=document.effective_until,
            file=document.passages[0].source.file if document.passages else "",
            content_hash=document.content_hash,
            uploaded_by=upload.uploaded_by,
            payload=document.payload,
            branches=document.branches,
            product_code=document.product_code,
            version=document.version,
            now=upload.now,
            conn=conn,
        )
        doubtful = any(doubt.code == "looks_superseded" for doubt in document.doubts)
        if upload.approve_as is None or doubtful or version.status is not VersionStatus.DRAFT:
            return version
        return self.store.approve(version.version_id, upload.approve_as, now=upload.now, conn=conn)


def files_below(path: Path) -> list[Path]:
    """The file itself, or the files of a folder in name order, without hidden ones, lock files and links."""
    if not path.is_dir():
        return [path]
    found: list[Path] = []
    for folder, folders, names in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder, name) for name in sorted(names) if not name.startswith((".", "~$"))]
    return [file for file in found if not file.is_symlink()]


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentRefused(file=path.name, reason="too_large")
        return path.read_bytes()
    except OSError as exc:
        raise DocumentRefused(file=path.name, reason="unreadable") from exc
