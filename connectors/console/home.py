"""The first page: what awaits the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from assistant.awaiting import count_expiring
from connectors.console.pages import Awaiting, HomePage
from connectors.console.rendering import render
from connectors.console.viewing import ADMINISTER, APPROVE, CURATE, HOME, CurrentViewer, Viewer
from connectors.services import Services
from knowledge.curation import may_approve
from knowledge.documents import DocumentVersion, Stage
from knowledge.stores.catalog import CatalogFilter

if TYPE_CHECKING:
    from connectors.console.console import Console


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/")
    def show(request: Request, viewer: CurrentViewer) -> Response:
        return render(request, "home.html", _page(console.services, viewer), viewer)

    return router


def _page(services: Services, viewer: Viewer) -> HomePage:
    catalog, today = services.middle_office.catalog, services.today()
    stages = catalog.stages(on=today)
    awaiting = []
    if CURATE in viewer.may:
        mine = catalog.page(CatalogFilter(stage=Stage.DRAFT, uploaded_by=viewer.userid), on=today, limit=1).total
        awaiting.append(_tile("drafts", mine, f"/library?stage=draft&uploaded_by={viewer.userid}", "warn"))
    if APPROVE in viewer.may:
        waiting = sum(_may_approve(viewer, version) for version in catalog.waiting())
        awaiting.append(_tile("approvals", waiting, "/approvals", "warn"))
    expiring = count_expiring(services.records.database, on=today)
    awaiting.append(_tile("expiring", expiring, "/watch", "warn"))
    awaiting.append(_tile("gaps", len(services.records.tickets.with_status("open")), "/gaps", "bad"))
    standing = [
        _tile("in_force", stages[Stage.IN_FORCE], "/library?stage=in_force", "good"),
        _tile("scheduled", stages[Stage.SCHEDULED], "/library?stage=scheduled"),
        _tile("in_review", stages[Stage.IN_REVIEW], "/library?stage=in_review"),
    ]
    if ADMINISTER in viewer.may:
        active = sum(member.active for member in services.records.staff.all())
        standing.append(_tile("members", active, "/people"))
    return HomePage(tuple(awaiting), tuple(standing))


def _may_approve(viewer: Viewer, version: DocumentVersion) -> bool:
    return may_approve(by=viewer.userid, role=viewer.member.role, version=version)


def _tile(key: str, count: int, path: str, tone: str = "") -> Awaiting:
    return Awaiting(key, count, HOME + path, tone if count else "")
