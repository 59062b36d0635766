"""Documents, versions and passages: read, within what the caller may read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field

from connectors.api.door import AnyCaller, Caller, Reader, readable
from connectors.api.passage_shapes import (
    DetailChangeOut,
    DiffOut,
    PassageChangeOut,
    PassageOut,
    PassagesOut,
    RevisionOut,
    RevisionsOut,
)
from connectors.api.shapes import (
    Day,
    DocumentOut,
    DocumentPage,
    Ident,
    Limit,
    Line,
    Offset,
    Out,
    VersionOut,
    VersionsOut,
)
from connectors.services import Services
from knowledge.comparing import compare_details, compare_passages
from knowledge.documents import DocumentKind, DocumentVersion, Stage
from knowledge.errors import DocumentNotFound
from knowledge.stores.catalog import CatalogFilter

DocumentId = Annotated[Ident, Path(examples=["leaflet"])]
VersionId = Annotated[Ident, Path(examples=["leaflet@v2"])]
PassageId = Annotated[Ident, Path(examples=["leaflet@v2#p1"])]


class TextOut(Out):
    """What was read from the uploaded file. Blocks point into `text`; a table's row carries its filled `cells`."""

    file: str = Field(examples=["稳盈90天.docx"])
    text: str
    blocks: list[dict[str, Any]]
    warnings: list[str]


def routes(services: Callable[[], Services]) -> APIRouter:
    """The reading routes; those with fewer parts come last, because an id may hold slashes."""
    router = APIRouter(tags=["documents"])
    _document_routes(router, services)
    _passage_routes(router, services)
    _file_routes(router, services)
    _version_routes(router, services)
    return router


def _document_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.get("/documents", summary="List documents")
    def list_documents(
        caller: AnyCaller,
        text: Annotated[Line, Query(description="In title, id, product code or file name.")] = "",
        kind: DocumentKind | None = None,
        stage: Stage | None = None,
        branch: Line | None = None,
        line: Line | None = None,
        uploaded_by: Line | None = None,
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> DocumentPage:
        built = services()
        today = built.today()
        wanted = CatalogFilter(text, kind, stage, branch, line, uploaded_by)
        if not caller.reads_all:
            if stage not in (None, Stage.IN_FORCE):
                return DocumentPage(documents=[], total=0, offset=offset)
            wanted = CatalogFilter(text, kind, Stage.IN_FORCE, branch, line, uploaded_by, caller.scope)
        page = built.middle_office.catalog.page(wanted, on=today, limit=limit, offset=offset)
        found = [
            DocumentOut.of(row, today) for row in page.rows if caller.reads_all or caller.scope.admits(row.version)
        ]
        return DocumentPage(documents=found, total=page.total, offset=page.offset)

    @router.get("/documents/{document_id:path}/versions", summary="List a document's versions")
    def list_versions(caller: AnyCaller, document_id: DocumentId) -> VersionsOut:
        built = services()
        found = _versions(built, caller, document_id)
        return VersionsOut(versions=[VersionOut.of(version, built.today()) for version in found])

    @router.get("/documents/{document_id:path}/in-force", summary="The version in force on a day")
    def in_force(caller: AnyCaller, document_id: DocumentId, on: Day | None = None) -> VersionOut:
        built = services()
        day = on or built.today()
        for version in _versions(built, caller, document_id):
            if version.in_force_on(day):
                return VersionOut.of(version, day)
        raise DocumentNotFound(document_id=document_id)

    @router.get("/documents/{document_id:path}", summary="One document")
    def show_document(caller: AnyCaller, document_id: DocumentId) -> DocumentOut:
        built = services()
        found, today = _versions(built, caller, document_id), built.today()
        current = next((version for version in found if version.in_force_on(today)), found[-1])
        held = len(built.store.passages_of(current.version_id))
        shown = VersionOut.of(current, today)
        return DocumentOut(document_id=document_id, current=shown, versions=len(found), passages=held)


def _passage_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.get("/versions/{version_id:path}/passages", summary="A version's passages")
    def list_passages(caller: AnyCaller, version_id: VersionId) -> PassagesOut:
        built = services()
        readable(built, caller, built.store.version(version_id))
        return PassagesOut(passages=[PassageOut.of(passage) for passage in built.store.passages_of(version_id)])

    @router.get("/versions/{version_id:path}/diff", summary="What differs from another version")
    def diff(caller: AnyCaller, version_id: VersionId, against: Annotated[Ident, Query()]) -> DiffOut:
        built = services()
        after = readable(built, caller, built.store.version(version_id))
        before = readable(built, caller, built.store.version(against))
        passages = compare_passages(built.store.passages_of(against), built.store.passages_of(version_id))
        details = compare_details(before, after)
        return DiffOut(
            before=against,
            after=version_id,
            details=[DetailChangeOut(field=d.field, before=d.before, after=d.after) for d in details],
            passages=[PassageChangeOut.of(change) for change in passages],
        )

    @router.get("/versions/{version_id:path}/history", summary="Changes of passages before approval")
    def history(caller: Reader, version_id: VersionId) -> RevisionsOut:
        built = services()
        built.store.version(version_id)
        found = built.middle_office.editing.revisions(version_id)
        return RevisionsOut(revisions=[RevisionOut.of(revision) for revision in found])


def _file_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.get("/versions/{version_id:path}/text", summary="The text of the uploaded file, with tables as cells")
    def text_of_file(caller: Reader, version_id: VersionId) -> TextOut:
        built = services()
        file = built.middle_office.files.get(built.store.version(version_id).file_hash)
        if file.extracted is None:
            raise DocumentNotFound(version_id=version_id)
        read = file.extracted.to_json()
        doubts = [doubt.code for doubt in file.extracted.warnings]
        return TextOut(file=file.name, text=read["text"], blocks=read["blocks"], warnings=doubts)

    @router.get(
        "/versions/{version_id:path}/file",
        summary="The uploaded file itself",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def original(caller: Reader, version_id: VersionId) -> Response:
        built = services()
        file = built.middle_office.files.get(built.store.version(version_id).file_hash)
        if file.content is None:
            raise DocumentNotFound(version_id=version_id)
        disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
        return Response(
            file.content, media_type="application/octet-stream", headers={"Content-Disposition": disposition}
        )


def _version_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.get("/versions/{version_id:path}", summary="One version")
    def show_version(caller: AnyCaller, version_id: VersionId) -> VersionOut:
        built = services()
        return VersionOut.of(readable(built, caller, built.store.version(version_id)), built.today())

    @router.get("/passages/{passage_id:path}", summary="One passage with its source")
    def show_passage(caller: AnyCaller, passage_id: PassageId) -> PassageOut:
        built = services()
        passage = built.store.passage(passage_id)
        try:
            readable(built, caller, built.store.version(passage.version_id))
        except DocumentNotFound as exc:  # the same words as for a passage that is not there
            raise DocumentNotFound(passage_id=passage_id) from exc
        return PassageOut.of(passage)


def _versions(built: Services, caller: Caller, document_id: str) -> list[DocumentVersion]:
    """What the caller may read of a document, oldest first, never empty. Raises: DocumentNotFound."""
    today: date = built.today()
    found = [
        version
        for version in built.store.versions(document_id)
        if caller.reads_all or (version.in_force_on(today) and caller.scope.admits(version))
    ]
    if not found:
        raise DocumentNotFound(document_id=document_id)
    return found
