"""Uploads of the middle office: a file is on disk before its sender hears so; a loop reads one after the other."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from assistant.records.records import Records
from assistant.records.uploads import MOST_ATTEMPTS, StoredUpload, UploadResult, UploadStatus
from knowledge.curation import may_curate
from knowledge.documents import DocumentKind
from knowledge.errors import CuratorNotAllowed, DetailsInvalid
from knowledge.ingestion.ingest import IngestedFile, Upload

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # longer than the reading of any one file may take


class FileReader(Protocol):
    """Reads one file into drafts, all or nothing."""

    def ingest_bytes(
        self, data: bytes, name: str, upload: Upload, *, on_step: Callable[[str], None] = ...
    ) -> IngestedFile: ...


@dataclass(frozen=True)
class Loading:
    """Takes files in, and reads them in the background."""

    records: Records
    reader: FileReader
    refusal: Callable[[str], str]  # the sentence for a reason code

    def hand_in(
        self, data: bytes, name: str, upload: Upload, *, now: datetime, upload_id: str | None = None
    ) -> StoredUpload:
        """Store a file for reading; under an `upload_id` that is known nothing is stored, and what is there comes back.

        Raises: CuratorNotAllowed, DetailsInvalid for dates that cannot be.
        """
        member = self.records.staff.get(upload.uploaded_by)
        if member is None or not member.active or not may_curate(member.role):
            raise CuratorNotAllowed(by=upload.uploaded_by)
        if upload.effective_until is not None and upload.effective_until <= upload.effective_from:
            raise DetailsInvalid(field="effective_until", reason="before_from")
        options = options_of(upload)
        stored = StoredUpload(upload_id or uuid.uuid4().hex, name, len(data), options, upload.uploaded_by, now)
        with self.records.database.writing() as conn:
            self.records.uploads.put(conn, stored, data)
        return stored if upload_id is None else self.records.uploads.get(upload_id)

    def step(self, now: datetime) -> int:
        """Read the next waiting file; 0: none waits."""
        claimed = self.records.uploads.claim(now=now, lease=LEASE)
        if claimed is None:
            return 0
        stored, data = claimed
        if stored.attempts >= MOST_ATTEMPTS:
            result = UploadResult(UploadStatus.REFUSED, "too_slow", self.refusal("too_slow"))
        else:
            result = self._read(stored, data, now)
        with self.records.database.writing() as conn:
            self.records.uploads.finish(conn, stored.upload_id, result, now=now)
            if result.status is UploadStatus.LOADED:
                body = {"versions": list(result.version_ids), "upload_id": stored.upload_id}
                subject = result.version_ids[0] if result.version_ids else stored.upload_id
                self.records.audit.append(
                    conn, actor=stored.uploaded_by, event="document_loaded", subject=subject, body=body, now=now
                )
        log.info("upload_read", extra={"upload_id": stored.upload_id, "status": result.status.value})
        return 1

    def _read(self, stored: StoredUpload, data: bytes, now: datetime) -> UploadResult:
        def on_step(step: str) -> None:
            self.records.uploads.step(stored.upload_id, step)

        upload = upload_from(stored.options, uploaded_by=stored.uploaded_by, now=now)
        file = self.reader.ingest_bytes(data, stored.name, upload, on_step=on_step)
        return UploadResult(
            UploadStatus(file.outcome.value), file.reason, file.message, file.warnings, file.version_ids, file.passages
        )


def options_of(upload: Upload) -> dict[str, Any]:
    """How an upload's wishes are kept while it waits."""
    return {
        "effective_from": upload.effective_from.isoformat(),
        "effective_until": upload.effective_until.isoformat() if upload.effective_until else None,
        "kind": upload.kind.value if upload.kind else None,
        "document_id": upload.document_id,
        "title": upload.title,
        "branches": sorted(upload.branches),
        "roles": sorted(upload.roles),
        "lines": sorted(upload.lines),
    }


def upload_from(options: dict[str, Any], *, uploaded_by: str, now: datetime) -> Upload:
    """The inverse of `options_of`."""
    until = options["effective_until"]
    return Upload(
        effective_from=date.fromisoformat(options["effective_from"]),
        effective_until=date.fromisoformat(until) if until else None,
        uploaded_by=uploaded_by,
        kind=DocumentKind(options["kind"]) if options["kind"] else None,
        document_id=options["document_id"],
        title=options["title"],
        now=now,
        branches=frozenset(options["branches"]),
        roles=frozenset(options["roles"]),
        lines=frozenset(options["lines"]),
    )
