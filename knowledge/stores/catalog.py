"""The library as curators look through it: one row per document, filtered, counted and paged in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, or_, select
from sqlalchemy.types import Text

from knowledge.documents import DocumentKind, DocumentVersion, Scope, Stage, VersionStatus
from knowledge.stores.columns import dump_json
from knowledge.stores.database import Database
from knowledge.stores.rows import version_of
from knowledge.stores.tables import passages, versions


@dataclass(frozen=True, slots=True)
class CatalogFilter:
    """What to list; None or empty: everything. `text` is looked for in title, ids, product code and file name.

    `scope`: only what may be read in it; ask for a stage too, because it says nothing about dates and approval.
    """

    text: str = ""
    kind: DocumentKind | None = None
    stage: Stage | None = None
    branch: str | None = None
    line: str | None = None
    uploaded_by: str | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One document: the version that stands for it, its stage on the day, and how many versions there are."""

    version: DocumentVersion
    stage: Stage
    versions: int
    passages: int


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """Rows from `offset` of `total`."""

    rows: tuple[CatalogRow, ...]
    total: int
    offset: int


@dataclass(frozen=True)
class Catalog:
    """Reads only."""

    database: Database

    def page(self, wanted: CatalogFilter, *, on: date, limit: int = 50, offset: int = 0) -> CatalogPage:
        """Documents by newest change. A document is shown by its version in force, else by its newest one; with a
        stage asked for, by its newest version in that stage."""
        chosen = _chosen(wanted, on)
        with self.database.reading() as conn:
            total = conn.execute(select(func.count()).select_from(chosen.subquery())).scalar_one()
            query = _rows(chosen).limit(limit).offset(offset)
            found = [version_of(row) for row in conn.execute(query)]
            counts = _counts(found)
            held = {row.version_id: row.held for row in conn.execute(counts[0])} if found else {}
            many = {row.document_id: row.many for row in conn.execute(counts[1])} if found else {}
        rows = tuple(
            CatalogRow(version, version.stage_on(on), many.get(version.document_id, 1), held.get(version.version_id, 0))
            for version in found
        )
        return CatalogPage(rows, total, offset)

    def stages(self, *, on: date) -> dict[Stage, int]:
        """How many versions stand in each stage on a day."""
        stage = _stage(on)
        with self.database.reading() as conn:
            rows = conn.execute(select(stage.label("stage"), func.count().label("many")).group_by(stage)).all()
        found = {Stage(row.stage): int(row.many) for row in rows}
        return {name: found.get(name, 0) for name in Stage}

    def waiting(self) -> list[DocumentVersion]:
        """Versions in review, the longest waiting first."""
        query = select(versions).where(versions.c.status == VersionStatus.IN_REVIEW.value)
        with self.database.reading() as conn:
            return [version_of(row) for row in conn.execute(query.order_by(versions.c.submitted_at))]

    def of_file(self, file_hash: str) -> list[DocumentVersion]:
        """Versions that were read from one uploaded file."""
        query = select(versions).where(versions.c.file_hash == file_hash).order_by(versions.c.version_id)
        with self.database.reading() as conn:
            return [version_of(row) for row in conn.execute(query)]


def _stage(on: date) -> ColumnElement[str]:
    """DocumentVersion.stage_on in the database's words."""
    until, first = versions.c.effective_until, versions.c.effective_from
    ended = and_(until.is_not(None), or_(until <= on, until <= first))
    approved = VersionStatus.APPROVED.value
    return case(
        (versions.c.status != approved, versions.c.status),
        (and_(ended, versions.c.superseded_by.is_not(None)), Stage.SUPERSEDED.value),
        (ended, Stage.EXPIRED.value),
        (first > on, Stage.SCHEDULED.value),
        else_=Stage.IN_FORCE.value,
    )


def _chosen(wanted: CatalogFilter, on: date) -> Select[Any]:
    stage = _stage(on)
    rank = case((stage == Stage.IN_FORCE.value, 0), else_=1)
    order = [rank, versions.c.version.desc()]
    place = func.row_number().over(partition_by=versions.c.document_id, order_by=order)
    query = select(versions.c.version_id, place.label("place"))
    if wanted.stage is not None:
        query = query.where(stage == wanted.stage.value)
    numbered = query.subquery()
    first = select(versions.c.version_id).join(numbered, versions.c.version_id == numbered.c.version_id)
    return first.where(numbered.c.place == 1, *_conditions(wanted))


def _conditions(wanted: CatalogFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.text.strip():
        like = f"%{_escaped(wanted.text.strip())}%"
        looked_in = (versions.c.title, versions.c.document_id, versions.c.product_code, versions.c.file)
        found.append(or_(*(column.ilike(like, escape="\\") for column in looked_in)))
    if wanted.kind is not None:
        found.append(versions.c.kind == wanted.kind.value)
    if wanted.uploaded_by:
        found.append(versions.c.uploaded_by == wanted.uploaded_by)
    for column, value in ((versions.c.branches, wanted.branch), (versions.c.lines, wanted.line)):
        if value:
            found.append(_names(column, value))
    if wanted.scope is not None:
        scope = wanted.scope
        audience = (
            (versions.c.branches, scope.branches),
            (versions.c.roles, scope.roles),
            (versions.c.lines, scope.lines),
        )
        for meant, own in audience:
            found.append(or_(cast(meant, Text) == "[]", *(_names(meant, value) for value in sorted(own))))
    return found


def _names(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """Whether a JSON list of texts names this one."""
    return cast(column, Text).like(f"%{_escaped(dump_json(value))}%", escape="\\")


def _rows(chosen: Select[Any]) -> Select[Any]:
    changed = func.coalesce(
        versions.c.withdrawn_at, versions.c.approved_at, versions.c.submitted_at, versions.c.uploaded_at
    )
    ids = chosen.subquery()
    return (
        select(versions)
        .join(ids, versions.c.version_id == ids.c.version_id)
        .order_by(changed.desc().nulls_last(), versions.c.document_id)
    )


def _counts(found: Sequence[DocumentVersion]) -> tuple[Select[Any], Select[Any]]:
    held = (
        select(passages.c.version_id, func.count().label("held"))
        .where(passages.c.version_id.in_([version.version_id for version in found]))
        .group_by(passages.c.version_id)
    )
    many = (
        select(versions.c.document_id, func.count().label("many"))
        .where(versions.c.document_id.in_([version.document_id for version in found]))
        .group_by(versions.c.document_id)
    )
    return held, many


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
