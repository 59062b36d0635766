"""Read a knowledge folder back: checked whole before anything is stored, stored all or nothing, twice as good as once.

Ids, passages and dates arrive as they left. What was approved there is a draft here, which a second person approves,
unless `trust`: then every status, date and approval is taken as it stands. Nothing is ever un-withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from knowledge.checked_folder import ArrivingVersion, KnowledgeFolder
from knowledge.documents import DocumentVersion, VersionStatus
from knowledge.errors import ImportRefused
from knowledge.folder_format import (
    MANIFEST,
    Manifest,
    sound_source,
)
from knowledge.ingestion.masked import masked_text, masked_value
from knowledge.stores.database import Database
from knowledge.stores.files import packed, unpacked
from knowledge.stores.transfer import (
    KeptFile,
    StoredPassage,
    hold_document,
    read_passages,
    read_version,
    tell_indexes,
    versions_of_document,
    write_file,
    write_state,
    write_version,
)

_WORDING = ("document_id", "version", "kind", "title", "content_hash", "effective_from", "product_code", "payload")
_AUDIENCE = ("branches", "roles", "lines")


@dataclass
class ImportReport:
    """What an import did, or with a dry run would do; `fingerprint` is the SHA-256 of the manifest."""

    fingerprint: str
    versions: int = 0
    passages: int = 0
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    waiting: int = 0  # arrived as drafts though they were approved where they come from
    files: int = 0


@dataclass(frozen=True)
class Importing:
    """Takes a checked folder in. `mask` takes personal data out of what nobody vouches for."""

    database: Database
    mask: Callable[[str], str]

    def check(self, folder: KnowledgeFolder, *, by: str, trust: bool) -> ImportReport:
        """What `store` would do, without doing it. Raises: ImportRefused."""
        with self.database.reading() as conn:
            return self._run(conn, folder, by=by, trust=trust, write=False)

    def store(self, conn: Connection, folder: KnowledgeFolder, *, by: str, trust: bool) -> ImportReport:
        """Take everything in, in the caller's transaction. Raises: ImportRefused; then roll back."""
        return self._run(conn, folder, by=by, trust=trust, write=True)

    def _run(self, conn: Connection, folder: KnowledgeFolder, *, by: str, trust: bool, write: bool) -> ImportReport:
        report = ImportReport(folder.fingerprint)
        served: list[str] = []
        days: dict[str, dict[str, DocumentVersion]] = {}
        for arriving in folder.versions():
            report.versions += 1
            report.passages += len(arriving.passages)
            wanted = arriving if trust else self._untrusted(arriving, by)
            if write:
                hold_document(conn, wanted.version.document_id, wanted.version.kind.value)
            here = read_version(conn, wanted.version.version_id)
            after = self._one(conn, wanted, here, trust=trust, report=report, write=write)
            _note_days(conn, days, after)
            if after != here and VersionStatus.APPROVED in {after.status, here.status if here else None}:
                served.append(after.version_id)
            report.waiting += here is None and arriving.version.status is not after.status
        _check_counts(folder.manifest, report)
        for document in days.values():
            _check_days(document.values())
        for file in folder.files():
            report.files += 1
            if write:
                write_file(conn, file if trust else self._untrusted_file(file))
        if write:
            tell_indexes(conn, served)
        return report

    def _one(
        self,
        conn: Connection,
        wanted: ArrivingVersion,
        here: DocumentVersion | None,
        *,
        trust: bool,
        report: ImportReport,
        write: bool,
    ) -> DocumentVersion:
        """Store one version, or find that it is here. Returns: how it stands afterwards."""
        version_id = wanted.version.version_id
        if here is None:
            report.new.append(version_id)
            if write:
                write_version(conn, wanted.version, wanted.passages, wanted.history)
            return wanted.version
        if not _same_wording(wanted, here, read_passages(conn, version_id)):
            raise ImportRefused(reason="conflict", version_id=version_id)
        revived = here.status is VersionStatus.WITHDRAWN and wanted.version.status is not VersionStatus.WITHDRAWN
        if not trust or revived or here == wanted.version:
            report.unchanged.append(version_id)
            return here
        report.changed.append(version_id)
        if write:
            write_state(conn, wanted.version, wanted.passages, wanted.history)
        return wanted.version

    def _untrusted(self, arriving: ArrivingVersion, by: str) -> ArrivingVersion:
        """As a draft that whoever brings it may not approve, personal data masked."""
        version = arriving.version
        if version.status is VersionStatus.APPROVED:
            version = replace(
                version,
                status=VersionStatus.DRAFT,
                superseded_by=None,
                approved_by=None,
                approved_at=None,
                submitted_by=None,
                submitted_at=None,
            )
        version = replace(
            version,
            title=self.mask(version.title),
            payload=masked_value(version.payload, self.mask),
            editors=tuple(sorted({*version.editors, by})),
        )
        passages = tuple(
            replace(
                passage,
                text=self.mask(passage.text),
                known_questions=tuple(map(self.mask, passage.known_questions)),
                counter_questions=tuple(map(self.mask, passage.counter_questions)),
            )
            for passage in arriving.passages
        )
        words = ("before", "after")
        history = tuple({**line, **masked_value({n: line[n] for n in words}, self.mask)} for line in arriving.history)
        return ArrivingVersion(version, passages, history)

    def _untrusted_file(self, file: KeptFile) -> KeptFile:
        """The text masked; the bytes only beside a text in which nothing had to be masked, as with an upload."""
        before = unpacked(file.extracted)
        if before is None:
            return replace(file, content=None)
        after, changed = masked_text(before, self.mask)
        return file if not changed else replace(file, content=None, extracted=packed(after))


def _same_wording(wanted: ArrivingVersion, here: DocumentVersion, passages: list[StoredPassage]) -> bool:
    for name in (*_WORDING, *_AUDIENCE):
        if getattr(wanted.version, name) != getattr(here, name):
            return False
    kept = [replace(passage, source=sound_source(passage.source)) for passage in passages]
    return sorted(wanted.passages, key=_place) == sorted(kept, key=_place)


def _place(passage: StoredPassage) -> int:
    return passage.position


def _note_days(conn: Connection, days: dict[str, dict[str, DocumentVersion]], version: DocumentVersion) -> None:
    known = days.get(version.document_id)
    if known is None:
        others = versions_of_document(conn, version.document_id)
        known = days[version.document_id] = {other.version_id: other for other in others}
    known[version.version_id] = version


def _check_days(versions: Any) -> None:
    """At most one version of a document is in force on a day. Raises: ImportRefused."""
    approved = [version for version in versions if version.status is VersionStatus.APPROVED]
    held = [version for version in approved if (version.effective_until or date.max) > version.effective_from]
    held.sort(key=lambda version: version.effective_from)
    for earlier, later in pairwise(held):
        if earlier.effective_until is None or earlier.effective_until > later.effective_from:
            raise ImportRefused(reason="overlap", version_id=later.version_id)


def _check_counts(manifest: Manifest, report: ImportReport) -> None:
    if (manifest.versions, manifest.passages) != (report.versions, report.passages):
        raise ImportRefused(reason="count", path=MANIFEST)
