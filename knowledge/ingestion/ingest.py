"""Load files into the store: read, cut, keep as versions, approve where somebody does."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection

from knowledge.documents import DocumentKind, DocumentVersion, VersionStatus
from knowledge.errors import ApproverNotAllowed, DocumentRefused
from knowledge.ingestion.extracted import ExtractedText
from knowledge.ingestion.formats.registry import MAX_BYTES
from knowledge.ingestion.masked import Mask, unmasked
from knowledge.ingestion.readers import MARKDOWN, YAML, read_document, refusal_sentence
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.sandbox import extract
from knowledge.ingestion.wording import warning_sentence
from knowledge.stores.files import FileStore
from knowledge.stores.repository import KnowledgeStore


class Outcome(StrEnum):
    """What became of a file."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class IngestedFile:
    """One file's result. `reason` is a code, `message` and `warnings` are sentences for people.

    `masked` is how many stretches of it held personal data, which nothing stored holds any more.
    """

    path: Path
    outcome: Outcome
    document_ids: tuple[str, ...] = ()
    version_ids: tuple[str, ...] = ()
    passages: int = 0
    warnings: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""
    file_hash: str = ""
    masked: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """How a batch is loaded. `approve_as` has been checked to be a curator or officer; None leaves drafts.

    `effective_from` and `effective_until` hold for files that do not say so themselves; `branches`, `roles` and `lines`
    empty: whole bank. `document_id` makes a file with one document a new version of that one, `title` names it.
    Without `now` (aware) the text of the file is not kept beside its passages.
    """

    effective_from: date
    uploaded_by: str
    approve_as: str | None = None
    kind: DocumentKind | None = None
    branches: frozenset[str] = frozenset()
    now: datetime | None = None
    roles: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    effective_until: date | None = None
    document_id: str | None = None
    title: str | None = None


def _in_silence(step: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Ingestor:
    """Loads files. `mask` takes personal data out of everything that will be stored."""

    store: KnowledgeStore
    mask: Mask = unmasked
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
        _check_approver(upload)
        for root in paths:
            files = files_below(root)
            names = Counter(file.name for file in files)
            for file in files:
                doubled = names[file.name] > 1
                yield self._file(file, file.relative_to(root).as_posix() if doubled else file.name, upload, doubled)

    def ingest_bytes(
        self, data: bytes, name: str, upload: Upload, on_step: Callable[[str], None] = _in_silence
    ) -> IngestedFile:
        """Load one uploaded file; `on_step` hears "reading", "cutting" and "storing".

        Raises: ApproverNotAllowed when the uploader approves.
        """
        _check_approver(upload)
        return self._loaded(Path(name), lambda: data, PurePosixPath(name).name, upload, on_step)

    def _file(self, path: Path, name: str, upload: Upload, doubled: bool) -> IngestedFile:
        done = self._loaded(path, lambda: _bytes_of(path), name, upload, _in_silence)
        if doubled and done.outcome is not Outcome.REFUSED:
            done = replace(done, warnings=(*done.warnings, warning_sentence("same_name")))
        return done

    def _loaded(
        self, path: Path, data_of: Callable[[], bytes], name: str, upload: Upload, on_step: Callable[[str], None]
    ) -> IngestedFile:
        on_step("reading")
        extract = self._extracting(on_step)
        try:
            data = data_of()
            if Path(name).suffix.lower() in MARKDOWN | YAML:  # read as it is cut, without the worker
                on_step("cutting")
            found = read_document(data, name, extract=extract, kind=upload.kind, file=path.name, mask=self.mask)
        except DocumentRefused as exc:
            return IngestedFile(path, Outcome.REFUSED, reason=exc.ids.get("reason", ""), message=refusal_sentence(exc))
        documents = [_addressed(document, upload, alone=len(found) == 1) for document in found]
        warnings = tuple(
            dict.fromkeys(
                warning_sentence(doubt.code, **{name: self.mask(value) for name, value in doubt.slots})
                for item in documents
                for doubt in item.doubts
            )
        )
        same = self._same_file(documents)
        if same:
            warnings = (warning_sentence("same_file", title=same[0].title, version=same[0].version_id),)
            return _result(path, Outcome.UNCHANGED, documents, same, warnings)
        on_step("storing")
        changed, versions = self._stored(documents, data, upload)
        return _result(path, Outcome.LOADED if changed else Outcome.UNCHANGED, documents, versions, warnings)

    def _extracting(self, on_step: Callable[[str], None]) -> Callable[[bytes, str], ExtractedText]:
        def extracting(data: bytes, suffix: str) -> ExtractedText:
            extracted = self.extract(data, suffix)
            on_step("cutting")
            return extracted

        return extracting

    def _same_file(self, documents: list[ReadDocument]) -> list[DocumentVersion]:
        """Versions in use that were read from the same bytes under another name; none when the document is known."""
        kept = self.store.versions_of_file(documents[0].file_hash)
        in_use = [version for version in kept if version.status is not VersionStatus.WITHDRAWN]
        own = {document.document_id for document in documents}
        return [] if own & {version.document_id for version in in_use} else in_use

    def _stored(self, documents: list[ReadDocument], data: bytes, upload: Upload) -> tuple[bool, list[DocumentVersion]]:
        """All documents of a file in one transaction; whether anything changed, and the versions."""
        known = {
            version.version_id: version.status
            for document in documents
            for version in self.store.versions(document.document_id)
        }
        with self.store.database.writing() as conn:
            self._keep_file(documents, data, upload, conn)
            versions = [self._version(document, upload, conn) for document in documents]
        return any(known.get(version.version_id) != version.status for version in versions), versions

    def _keep_file(self, documents: list[ReadDocument], data: bytes, upload: Upload, conn: Connection) -> None:
        """The masked text, and the bytes too where nothing had to be masked."""
        first = documents[0]
        if upload.now is None:
            return
        clean = all(document.keeps_file and not document.masked for document in documents)
        FileStore(self.store.database).keep(
            conn,
            first.file_hash,
            name=next((item.source.file for document in documents for item in document.passages), ""),
            size=len(data),
            content=data if clean else None,
            extracted=first.extracted,
            now=upload.now,
        )

    def _version(self, document: ReadDocument, upload: Upload, conn: Connection) -> DocumentVersion:
        version = self.store.add_version(
            document.document_id,
            document.kind,
            document.title,
            document.passages,
            effective_from=document.effective_from or upload.effective_from,
            effective_until=document.effective_until or upload.effective_until,
            file=document.passages[0].source.file if document.passages else "",
            content_hash=document.content_hash,
            uploaded_by=upload.uploaded_by,
            payload=document.payload,
            branches=document.branches,
            roles=upload.roles,
            lines=upload.lines,
            file_hash=document.file_hash,
            product_code=document.product_code,
            version=document.version,
            now=upload.now,
            conn=conn,
        )
        doubtful = any(doubt.code == "looks_superseded" for doubt in document.doubts)
        if upload.approve_as is None or doubtful or version.status is not VersionStatus.DRAFT:
            return version
        return self.store.approve(version.version_id, upload.approve_as, now=upload.now, conn=conn)


def _check_approver(upload: Upload) -> None:
    if upload.approve_as is not None and upload.approve_as == upload.uploaded_by:
        raise ApproverNotAllowed(by=upload.approve_as)


def _addressed(document: ReadDocument, upload: Upload, *, alone: bool) -> ReadDocument:
    """With what the uploader said about it; a name and a document only fit a file that holds one."""
    changes: dict[str, Any] = {"branches": document.branches or upload.branches}
    if alone:
        changes |= {"document_id": upload.document_id or document.document_id, "title": upload.title or document.title}
    return replace(document, **changes)


def _result(
    path: Path,
    outcome: Outcome,
    documents: list[ReadDocument],
    versions: list[DocumentVersion],
    warnings: tuple[str, ...],
) -> IngestedFile:
    return IngestedFile(
        path,
        outcome,
        document_ids=tuple(version.document_id for version in versions),
        version_ids=tuple(version.version_id for version in versions),
        passages=sum(len(document.passages) for document in documents),
        warnings=warnings,
        file_hash=documents[0].file_hash,
        masked=max(document.masked for document in documents),
    )


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
