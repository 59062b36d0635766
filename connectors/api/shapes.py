"""What the API hands out and takes in, beside passages: versions, documents, pages, and the types they share."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from knowledge.documents import DocumentKind, DocumentVersion, Stage, VersionStatus
from knowledge.stores.catalog import CatalogRow
from knowledge.stores.columns import storable

LARGEST_PAGE = 200
LARGEST_OFFSET = 10_000_000


def _keepable(text: str) -> str:
    if storable(text) != text:
        raise ValueError("holds characters that no database keeps")
    return text


Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(_keepable)]
Ident = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_keepable)]
Words = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_keepable)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_keepable)]
Names = Annotated[frozenset[Line], Field(max_length=200)]
Questions = Annotated[tuple[Line, ...], Field(max_length=200)]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(9000, 1, 1), examples=["2026-03-02"])]
Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE)]
Offset = Annotated[int, Field(ge=0, le=LARGEST_OFFSET)]

VERSION_EXAMPLE: dict[str, Any] = {
    "version_id": "leaflet@v2",
    "document_id": "leaflet",
    "version": 2,
    "kind": "product",
    "title": "稳盈90天产品说明",
    "status": "approved",
    "stage": "in_force",
    "effective_from": "2026-03-02",
    "effective_until": None,
    "branches": [],
    "roles": [],
    "lines": [],
    "product_code": "WY90",
    "file": "稳盈90天.docx",
    "file_hash": "",
    "uploaded_by": "curator1",
    "uploaded_at": "2026-03-01T01:00:00Z",
    "submitted_by": "curator1",
    "submitted_at": "2026-03-01T02:00:00Z",
    "approved_by": "officer1",
    "approved_at": "2026-03-01T03:00:00Z",
    "withdrawn_by": None,
    "withdrawn_at": None,
    "editors": [],
    "derived_from": None,
    "superseded_by": None,
    "note": "",
    "payload": None,
}


class In(BaseModel):
    """A request body; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class VersionOut(Out):
    """One wording of a document. `stage` is where it stands today; `payload` its typed content, if it has any."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [VERSION_EXAMPLE]})
    version_id: str
    document_id: str
    version: int
    kind: DocumentKind
    title: str
    status: VersionStatus
    stage: Stage
    effective_from: date
    effective_until: date | None
    branches: list[str]
    roles: list[str]
    lines: list[str]
    product_code: str | None
    file: str
    file_hash: str
    uploaded_by: str
    uploaded_at: datetime | None
    submitted_by: str | None
    submitted_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    editors: list[str]
    derived_from: str | None
    superseded_by: str | None
    note: str
    payload: dict[str, Any] | None

    @classmethod
    def of(cls, version: DocumentVersion, on: date) -> Self:
        """As it stands on a day."""
        audience = {name: sorted(getattr(version, name)) for name in ("branches", "roles", "lines", "editors")}
        computed = {"stage": version.stage_on(on), **audience}
        return cls(**{name: computed.get(name, getattr(version, name, None)) for name in cls.model_fields})


class VersionsOut(Out):
    """Versions of one document by number."""

    versions: list[VersionOut]


class DocumentOut(Out):
    """A document, shown by its version in force, else by its newest; `versions` and `passages` are counts."""

    document_id: str = Field(examples=["leaflet"])
    current: VersionOut
    versions: int = Field(examples=[2])
    passages: int = Field(examples=[12])

    @classmethod
    def of(cls, row: CatalogRow, on: date) -> Self:
        """From a row of the catalogue."""
        shown = VersionOut.of(row.version, on)
        return cls(document_id=row.version.document_id, current=shown, versions=row.versions, passages=row.passages)


class DocumentPage(Out):
    """Documents from `offset` of `total`, the last changed first."""

    documents: list[DocumentOut]
    total: int = Field(examples=[378])
    offset: int = Field(examples=[0])


class DetailsIn(In):
    """Fields to change; those left out stay. `effective_until` null: until replaced; empty lists: whole bank."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"title": "稳盈90天产品说明", "effective_from": "2026-03-02", "branches": []}]},
    )
    title: Line | None = None
    effective_from: Day | None = None
    effective_until: Day | None = None
    branches: Names | None = None
    roles: Names | None = None
    lines: Names | None = None


class PayloadIn(In):
    """Typed content, e.g. a product sheet as `{"content": "product", "data": {...}}`."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"payload": {"content": "note", "data": {}}, "product_code": "WY90"}]},
    )
    payload: dict[str, Any]
    product_code: Line | None = None


class NoteIn(In):
    """Why."""

    note: Note = Field(examples=["费率写错了，请改成 0.15%。"])


class ReviseIn(In):
    """From which day the new draft is to hold."""

    effective_from: Day
