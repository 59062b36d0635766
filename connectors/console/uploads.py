"""Uploads: drag and drop with live progress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.types import Message

from assistant.records.uploads import StoredUpload
from connectors.console.audience import Audience, audience_of, day_in, lines_in, names_of, ticked
from connectors.console.rendering import go, render
from connectors.console.viewing import Curator, CurrentViewer, Viewer
from knowledge.documents import DocumentKind, DocumentVersion
from knowledge.errors import DetailsInvalid
from knowledge.ingestion.formats.registry import MAX_BYTES
from knowledge.ingestion.ingest import Upload
from knowledge.ingestion.wording import reason_sentence
from knowledge.stores.catalog import CatalogFilter

if TYPE_CHECKING:
    from connectors.console.console import Console

LARGEST_BATCH = 4 * MAX_BYTES + 2 * 1024 * 1024  # bytes of one request; files go to disk as they come
MOST_FILES = 100
MOST_FIELDS = 2000
STORING_AT_ONCE = 2  # each holds one whole file in memory
SHOWN = 50
_SUGGESTED = 8
_LINKED = 3
_STEPS = {"": 1, "reading": 2, "cutting": 3, "storing": 4}
LAST_STEP = 5


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One file and where it stands. `done` of LAST_STEP; `versions` are what it became."""

    upload: StoredUpload
    who: str
    done: int
    versions: tuple[DocumentVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class UploadsList:
    """The newest uploads; `moving`: some are not finished, so look again."""

    rows: tuple[UploadRow, ...]
    moving: bool
    everybody: bool


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not even stored, with the reason."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class UploadsPage:
    """What uploads.html shows."""

    listed: UploadsList
    kinds: tuple[str, ...]
    today: date
    audience: Audience
    document: DocumentVersion | None
    refused: tuple[RefusedFile, ...] = ()
    most_files: int = MOST_FILES


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Documents that a new version may be of."""

    versions: tuple[DocumentVersion, ...]


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()
    turns = CapacityLimiter(STORING_AT_ONCE)
    _looking(router, console)

    # The framework's own limit answers in bare English; it only stands behind the one of `_limited`.
    @router.post("/uploads", max_body_size=4 * LARGEST_BATCH)
    async def hand_in(request: Request, viewer: Curator) -> Response:
        async with _limited(request).form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as form:
            refused = []
            wanted = await to_thread.run_sync(_wanted, console, viewer, form)
            files = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
            if not files:
                raise DetailsInvalid(field="files", reason="no_files")
            for file in files:  # one after the other: no more than one of them is in memory
                message = await to_thread.run_sync(_store, console, file, wanted, limiter=turns)
                refused += [RefusedFile(file.filename or "", message)] if message else []
        if request.headers.get("HX-Request") or refused:
            return await to_thread.run_sync(_after, request, console, viewer, tuple(refused))
        return go(request, "/uploads", said="uploaded")

    return router


def _looking(router: APIRouter, console: Console) -> None:
    @router.get("/uploads")
    def show(request: Request, viewer: Curator, document: str = "", everybody: bool = False) -> Response:
        return render(request, "uploads.html", _page(console, viewer, document, everybody), viewer)

    @router.get("/uploads/list")
    def listed(request: Request, viewer: Curator, everybody: bool = False) -> Response:
        return render(request, "uploads_list.html", _list(console, viewer, everybody), viewer)

    @router.get("/uploads/documents")
    def suggest(request: Request, viewer: CurrentViewer, document: str = "") -> Response:
        catalog, today = console.services.middle_office.catalog, console.services.today()
        asked = document.strip()[:100]
        found = catalog.page(CatalogFilter(text=asked), on=today, limit=_SUGGESTED).rows if asked else ()
        return render(request, "uploads_documents.html", Suggestions(tuple(row.version for row in found)), viewer)


def _limited(request: Request) -> Request:
    """The request with a body of at most LARGEST_BATCH; more is refused as soon as it is known, with 413."""
    declared, read = request.headers.get("content-length", ""), 0
    if declared.isascii() and declared.isdigit() and int(declared) > LARGEST_BATCH:
        raise HTTPException(413)

    async def counted() -> Message:
        nonlocal read
        message = await request.receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BATCH:
            raise HTTPException(413)
        return message

    return Request(request.scope, counted)


def _wanted(console: Console, viewer: Viewer, form: FormData) -> Upload:
    """The options of a form. Raises: DetailsInvalid, DocumentNotFound."""
    document_id = str(form.get("document", "")).strip() or None
    if document_id is not None and not console.services.store.versions(document_id):
        raise DetailsInvalid(field="document", reason="no_document")
    kind = str(form.get("kind", ""))
    return Upload(
        effective_from=day_in(form, "effective_from") or console.services.today(),
        effective_until=day_in(form, "effective_until"),
        uploaded_by=viewer.userid,
        kind=DocumentKind(kind) if kind in set(DocumentKind) else None,
        document_id=document_id,
        branches=ticked(form, "branches"),
        roles=ticked(form, "roles"),
        lines=lines_in(form),
    )


def _store(console: Console, file: UploadFile, wanted: Upload) -> str:
    """Queue one file; what is wrong with it where it cannot be taken."""
    if (file.size or 0) > MAX_BYTES:
        return reason_sentence("too_large")
    now = console.services.now()
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    console.services.middle_office.loading.hand_in(file.file.read(), name, replace(wanted, now=now), now=now)
    return ""


def _after(request: Request, console: Console, viewer: Viewer, refused: tuple[RefusedFile, ...]) -> Response:
    page = replace(_page(console, viewer, "", False), refused=refused)
    template = "uploads_after.html" if request.headers.get("HX-Request") else "uploads.html"
    return render(request, template, page, viewer, 413 if refused else 200)


def _page(console: Console, viewer: Viewer, document_id: str, everybody: bool) -> UploadsPage:
    services = console.services
    versions = services.store.versions(document_id) if document_id else []
    return UploadsPage(
        listed=_list(console, viewer, everybody),
        kinds=tuple(kind.value for kind in DocumentKind),
        today=services.today(),
        audience=audience_of(services.records.staff, versions[-1] if versions else None),
        document=versions[-1] if versions else None,
    )


def _list(console: Console, viewer: Viewer, everybody: bool) -> UploadsList:
    services = console.services
    found = services.records.uploads.recent(by=None if everybody else viewer.userid, limit=SHOWN)
    people = names_of(services.records.staff, [each.uploaded_by for each in found])
    rows = tuple(UploadRow(each, people[each.uploaded_by], _done(each), _versions(console, each)) for each in found)
    return UploadsList(rows, any(not each.status.is_final for each in found), everybody)


def _done(upload: StoredUpload) -> int:
    if upload.status.is_final:
        return LAST_STEP
    return 0 if upload.status.value == "queued" else _STEPS.get(upload.step, 1)


def _versions(console: Console, upload: StoredUpload) -> tuple[DocumentVersion, ...]:
    return tuple(console.services.store.version(each) for each in upload.version_ids[:_LINKED])
