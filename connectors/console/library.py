"""The library: every document with filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from connectors.console.audience import Choice, branch_names, in_tree, known_lines, names_of, scope_words
from connectors.console.rendering import render
from connectors.console.viewing import HOME, CurrentViewer
from knowledge.curation import CURATOR_ROLES
from knowledge.documents import DocumentKind, Stage
from knowledge.stores.catalog import CatalogFilter, CatalogPage, CatalogRow

if TYPE_CHECKING:
    from connectors.console.console import Console

PAGE = 50
_LONGEST = 200
Named = TypeVar("Named", DocumentKind, Stage)


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """One document as listed."""

    row: CatalogRow
    scope: tuple[str, ...]
    who: str


@dataclass(frozen=True, slots=True)
class StageTab:
    """A tab: a stage ('' for all) with how many versions stand in it."""

    code: str
    count: int
    address: str
    here: bool


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """What library.html shows."""

    wanted: CatalogFilter
    tabs: tuple[StageTab, ...]
    rows: tuple[LibraryRow, ...]
    total: int
    first: int
    last: int
    previous: str
    next: str
    kinds: tuple[str, ...]
    branches: tuple[Choice, ...]
    lines: tuple[Choice, ...]
    uploaders: tuple[Choice, ...]
    filtered: bool
    today: date


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/library")
    def show(
        request: Request,
        viewer: CurrentViewer,
        q: str = "",
        kind: str = "",
        stage: str = "",
        branch: str = "",
        line: str = "",
        by: str = "",
        offset: int = 0,
    ) -> Response:
        wanted = CatalogFilter(
            text=q.strip()[:_LONGEST],
            kind=_named(DocumentKind, kind),
            stage=_named(Stage, stage),
            branch=branch or None,
            line=line or None,
            uploaded_by=by or None,
        )
        return render(request, "library.html", _page(console, wanted, max(0, offset)), viewer)

    return router


def _page(console: Console, wanted: CatalogFilter, offset: int) -> LibraryPage:
    services = console.services
    today, staff = services.today(), services.records.staff
    found = services.middle_office.catalog.page(wanted, on=today, limit=PAGE, offset=offset)
    asked = {
        "q": wanted.text,
        "kind": wanted.kind.value if wanted.kind else "",
        "branch": wanted.branch or "",
        "line": wanted.line or "",
        "by": wanted.uploaded_by or "",
    }
    stage = wanted.stage.value if wanted.stage else ""
    counts = services.middle_office.catalog.stages(on=today)
    uploaders = [member for role in sorted(CURATOR_ROLES) for member in staff.all(role=role)]
    return LibraryPage(
        wanted=wanted,
        tabs=tuple(_tabs(counts, asked, stage)),
        rows=_rows(console, found),
        total=found.total,
        first=offset + 1 if found.rows else 0,
        last=offset + len(found.rows),
        previous=_address(**asked, stage=stage, offset=str(max(0, offset - PAGE))) if offset else "",
        next=_address(**asked, stage=stage, offset=str(offset + PAGE)) if offset + PAGE < found.total else "",
        kinds=tuple(kind.value for kind in DocumentKind),
        branches=tuple(
            Choice(b.branch_id, b.name, b.branch_id == wanted.branch, d) for b, d in in_tree(staff.branches())
        ),
        lines=tuple(Choice(code, said, code == wanted.line) for code, said in known_lines(staff).items()),
        uploaders=tuple(Choice(m.userid, m.name, m.userid == wanted.uploaded_by) for m in uploaders),
        filtered=any(asked.values()) or bool(stage),
        today=today,
    )


def _rows(console: Console, found: CatalogPage) -> tuple[LibraryRow, ...]:
    staff = console.services.records.staff
    branches = branch_names(staff)
    people = names_of(staff, [row.version.uploaded_by for row in found.rows])
    return tuple(
        LibraryRow(row, scope_words(row.version, branches), people.get(row.version.uploaded_by, ""))
        for row in found.rows
    )


def _tabs(counts: dict[Stage, int], asked: dict[str, str], here: str) -> list[StageTab]:
    every = StageTab("", sum(counts.values()), _address(**asked), not here)
    return [
        every,
        *(StageTab(s.value, many, _address(**asked, stage=s.value), here == s.value) for s, many in counts.items()),
    ]


def _address(**asked: str) -> str:
    query = urlencode({name: value for name, value in asked.items() if value and (name, value) != ("offset", "0")})
    return f"{HOME}/library" + (f"?{query}" if query else "")


def _named(names: type[Named], code: str) -> Named | None:
    return names(code) if code in set(names) else None
