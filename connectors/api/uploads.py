"""Files handed in, and what became of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Form, Header, Path, Query, UploadFile
from pydantic import ConfigDict, StringConstraints

from assistant.loading import options_of
from assistant.records.uploads import StoredUpload, UploadStatus
from connectors.api.door import Curator
from connectors.api.failing import ApiRefused
from connectors.api.shapes import Day, Ident, Limit, Line, Names, Out
from connectors.services import Services
from knowledge.documents import DocumentKind
from knowledge.errors import DetailsInvalid
from knowledge.ingestion.ingest import Upload

Key = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class UploadOut(Out):
    """One file. `status`: queued, reading, loaded, unchanged or refused; `version_ids` are the drafts it became."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "upload_id": "5f0c6f0e",
                    "name": "稳盈90天.docx",
                    "size": 18231,
                    "status": "loaded",
                    "step": "",
                    "uploaded_by": "curator1",
                    "uploaded_at": "2026-03-02T01:00:00Z",
                    "finished_at": "2026-03-02T01:00:02Z",
                    "reason": "",
                    "message": "",
                    "warnings": [],
                    "version_ids": ["leaflet@v2"],
                    "passages": 12,
                }
            ]
        },
    )
    upload_id: str
    name: str
    size: int
    status: UploadStatus
    step: str
    uploaded_by: str
    uploaded_at: datetime
    finished_at: datetime | None
    reason: str
    message: str
    warnings: list[str]
    version_ids: list[str]
    passages: int

    @classmethod
    def of(cls, upload: StoredUpload) -> Self:
        """From the stored upload."""
        return cls.model_validate({n: v for n, v in asdict(upload).items() if n in cls.model_fields})


class UploadsOut(Out):
    """Uploads, newest first."""

    uploads: list[UploadOut]


def routes(services: Callable[[], Services]) -> APIRouter:
    """The uploading routes."""
    router = APIRouter(tags=["uploads"])

    @router.post("/uploads", summary="Hand in a file; it is read in the background", status_code=202)
    def hand_in(
        caller: Curator,
        file: UploadFile,
        kind: Annotated[DocumentKind | None, Form()] = None,
        effective_from: Annotated[Day | None, Form(description="Default: today in Asia/Shanghai.")] = None,
        effective_until: Annotated[Day | None, Form(description="Exclusive; default: until replaced.")] = None,
        document_id: Annotated[Ident | None, Form(description="Makes it a new version of that document.")] = None,
        title: Annotated[Line | None, Form()] = None,
        branches: Annotated[Names, Form()] = frozenset(),
        roles: Annotated[Names, Form()] = frozenset(),
        lines: Annotated[Names, Form()] = frozenset(),
        idempotency_key: Annotated[Key | None, Header(description="The same key again is the same upload.")] = None,
    ) -> UploadOut:
        built = services()
        if branches - {branch.branch_id for branch in built.records.staff.branches()}:
            raise DetailsInvalid(field="branches", reason="unknown")
        since: date = effective_from or built.today()
        upload = Upload(
            since, caller.userid, kind=kind, branches=branches, now=built.now(), roles=roles, lines=lines,
            effective_until=effective_until, document_id=document_id, title=title,
        )  # fmt: skip
        data, name = file.file.read(), file.filename or ""
        upload_id = _upload_id(caller.userid, idempotency_key) if idempotency_key else None
        stored = built.middle_office.loading.hand_in(data, name, upload, now=built.now(), upload_id=upload_id)
        if upload_id and (stored.size, stored.options) != (len(data), options_of(upload)):
            raise ApiRefused(409, "idempotency_conflict")
        return UploadOut.of(stored)

    @router.get("/uploads", summary="The newest uploads")
    def list_uploads(
        caller: Curator, mine: Annotated[bool, Query(description="Only one's own.")] = False, limit: Limit = 50
    ) -> UploadsOut:
        found = services().records.uploads.recent(by=caller.userid if mine else None, limit=limit)
        return UploadsOut(uploads=[UploadOut.of(upload) for upload in found])

    @router.get("/uploads/{upload_id}", summary="What became of an upload")
    def show_upload(caller: Curator, upload_id: Annotated[Ident, Path()]) -> UploadOut:
        return UploadOut.of(services().records.uploads.get(upload_id))

    return router


def _upload_id(userid: str, key: str) -> str:
    return hashlib.sha256(f"{userid}\n{key}".encode()).hexdigest()[:32]
