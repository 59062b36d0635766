"""The approval inbox: what waits, and one page per decision with everything that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response

from connectors.console.audience import branch_names, names_of, people_in, scope_words
from connectors.console.content_views import shown_in
from connectors.console.originals import Original
from connectors.console.passages import PassageRow, label_of
from connectors.console.rendering import go, render
from connectors.console.steps import Diff, compared_with, diff_of
from connectors.console.viewing import Approver, Viewer
from knowledge.curation import may_approve
from knowledge.documents import DocumentVersion, Stage, VersionStatus

if TYPE_CHECKING:
    from connectors.console.console import Console

FIRST_PASSAGES = 8
_LATE = timedelta(days=2)
Note = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version in review. `own`: the viewer wrote or handed it in; `late`: it waits for more than two days."""

    version: DocumentVersion
    who: str
    hours: int
    late: bool
    own: bool
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalsPage:
    """What approvals.html shows."""

    waiting: tuple[Waiting, ...]
    others: int


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """What approval.html shows: one version to decide on. `next` is the version after it in the inbox, or ''."""

    version: DocumentVersion
    stage: Stage
    may_decide: bool
    people: dict[str, str]
    scope: tuple[str, ...]
    doubts: tuple[str, ...]
    diff: Diff | None
    content: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[PassageRow, ...]
    total: int
    previous: str
    next: str
    begins_late: bool
    today: date

    @property
    def may_edit(self) -> bool:
        """Nobody edits while it waits."""
        return False


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()
    _looking(router, console)
    _deciding(router, console)
    return router


def _looking(router: APIRouter, console: Console) -> None:
    @router.get("/approvals")
    def inbox(request: Request, viewer: Approver) -> Response:
        waiting = tuple(_waiting(console, viewer, console.services.now()))
        return render(request, "approvals.html", ApprovalsPage(waiting, sum(not each.own for each in waiting)), viewer)

    @router.get("/approvals/{version_id:path}")
    def decision(request: Request, viewer: Approver, version_id: str) -> Response:
        return render(request, "approval.html", _decision(console, viewer, version_id), viewer)


def _deciding(router: APIRouter, console: Console) -> None:
    @router.post("/approvals/{version_id:path}/approve")
    def approve(request: Request, viewer: Approver, version_id: str) -> Response:
        curating, now = console.services.middle_office.curating, console.services.now()
        curating.approve(version_id, by=viewer.userid, now=now)
        return _on(request, console, viewer, "approved")

    @router.post("/approvals/{version_id:path}/return")
    def send_back(request: Request, viewer: Approver, version_id: str, note: Note = "") -> Response:
        curating, now = console.services.middle_office.curating, console.services.now()
        curating.send_back(version_id, by=viewer.userid, note=note, now=now)
        return _on(request, console, viewer, "sent_back")


def _on(request: Request, console: Console, viewer: Viewer, said: str) -> Response:
    """To the next one that this viewer may decide, else to the inbox."""
    for version in console.services.middle_office.catalog.waiting():
        if _decides(viewer, version):
            return go(request, f"/approvals/{quote(version.version_id)}", said=said)
    return go(request, "/approvals", said=said)


def _waiting(console: Console, viewer: Viewer, now: datetime) -> list[Waiting]:
    services = console.services
    versions = services.middle_office.catalog.waiting()
    people = names_of(services.records.staff, [version.submitted_by for version in versions])
    branches = branch_names(services.records.staff)
    found = []
    for version in versions:
        age = now - version.submitted_at if version.submitted_at else timedelta()
        found.append(
            Waiting(
                version,
                people.get(version.submitted_by or "", ""),
                int(age.total_seconds() // 3600),
                age > _LATE,
                not _decides(viewer, version),
                scope_words(version, branches),
            )
        )
    return sorted(found, key=lambda each: each.own)


def _decision(console: Console, viewer: Viewer, version_id: str) -> DecisionPage:
    services = console.services
    version = services.store.version(version_id)
    today = services.today()
    versions = services.store.versions(version.document_id)
    other = compared_with(versions, version, today)
    texts = services.store.passages_of(version_id)
    queue = [each.version_id for each in services.middle_office.catalog.waiting() if _decides(viewer, each)]
    at = queue.index(version_id) if version_id in queue else -1
    staff = services.records.staff
    return DecisionPage(
        version=version,
        stage=version.stage_on(today),
        may_decide=version.status is VersionStatus.IN_REVIEW and _decides(viewer, version),
        people=names_of(staff, people_in(version)),
        scope=scope_words(version, branch_names(staff)),
        doubts=Original.of(services.middle_office.files, version).doubts_about(version, services.records.uploads),
        diff=diff_of(console, other, version) if other else None,
        content=tuple(shown_in(version)),
        rows=tuple(PassageRow(each, label_of(each)) for each in texts[:FIRST_PASSAGES]),
        total=len(texts),
        previous=queue[at - 1] if at > 0 else "",
        next=queue[at + 1] if 0 <= at < len(queue) - 1 else "",
        begins_late=version.effective_from < today,
        today=today,
    )


def _decides(viewer: Viewer, version: DocumentVersion) -> bool:
    return may_approve(version, by=viewer.userid, role=viewer.member.role)
