"""The steps of a version: details, submit, revise, withdraw; its differences from another; pictures of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Form, HTTPException, Request, Response

from connectors.console.audience import day_in, details_from
from connectors.console.content_views import content_changes
from connectors.console.originals import Original
from connectors.console.rendering import go, render
from connectors.console.viewing import Curator, CurrentViewer
from knowledge.comparing import Change, DetailChange, PassageChange, compare_details, compare_passages
from knowledge.documents import DocumentVersion, Stage
from knowledge.errors import DetailsInvalid
from knowledge.ingestion.sandbox import page_picture

if TYPE_CHECKING:
    from connectors.console.console import Console

PICTURE_WIDTH = 1000
_PICTURE_KEPT = {"Cache-Control": "private, max-age=3600"}
_KEPT_AROUND = 1  # unchanged passages left open beside a changed one
Note = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class DiffGroup:
    """Neighbouring passages that changed, or that did not and are folded."""

    folded: bool
    changes: tuple[PassageChange, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two versions."""

    before: DocumentVersion
    after: DocumentVersion
    details: tuple[DetailChange, ...]
    content: tuple[DetailChange, ...]
    groups: tuple[DiffGroup, ...]
    added: int
    changed: int
    removed: int
    same: int


@dataclass(frozen=True, slots=True)
class DiffPage:
    """What document_diff.html shows; `diff` is None when there is nothing to compare with."""

    version: DocumentVersion
    versions: tuple[DocumentVersion, ...]
    diff: Diff | None


def routes(console: Console) -> APIRouter:
    """What can be done to a version and seen of it, below its id."""
    router = APIRouter(prefix="/versions/{version_id:path}")
    _looking(router, console)
    _stepping(router, console)
    return router


def _looking(router: APIRouter, console: Console) -> None:
    @router.get("/diff")
    def diff(request: Request, viewer: CurrentViewer, version_id: str, against: str = "") -> Response:
        store = console.services.store
        version = store.version(version_id)
        versions = store.versions(version.document_id)
        other = store.version(against) if against else compared_with(versions, version, console.services.today())
        found = diff_of(console, other, version) if other else None
        page = DiffPage(version, tuple(v for v in versions if v.version_id != version_id), found)
        return render(request, "document_diff.html", page, viewer)

    @router.get("/page/{number}.png")
    def picture(viewer: CurrentViewer, version_id: str, number: int) -> Response:
        version = console.services.store.version(version_id)
        original = Original.of(console.services.middle_office.files, version)
        if original.stored is None or original.stored.content is None or not original.has_pictures or number < 1:
            raise HTTPException(404)
        png = page_picture(original.stored.content, number, PICTURE_WIDTH)
        return Response(png, media_type="image/png", headers=_PICTURE_KEPT)


def _stepping(router: APIRouter, console: Console) -> None:
    @router.post("/submit")
    def submit(request: Request, viewer: Curator, version_id: str) -> Response:
        curating = console.services.middle_office.curating
        version = curating.submit(version_id, by=viewer.userid, now=console.services.now())
        return _on_to(request, version, "submitted")

    @router.post("/withdraw")
    def withdraw(request: Request, viewer: Curator, version_id: str, note: Note = "") -> Response:
        curating = console.services.middle_office.curating
        version = curating.withdraw(version_id, by=viewer.userid, note=note, now=console.services.now())
        return _on_to(request, version, "withdrawn")

    @router.post("/revise")
    def revise(request: Request, viewer: Curator, version_id: str, effective_from: Note = "") -> Response:
        services = console.services
        day = day_in({"effective_from": effective_from}, "effective_from")
        if day is None:
            raise DetailsInvalid(field="effective_from", reason="missing")
        ended = services.store.version(version_id).stage_on(services.today()) in {Stage.SUPERSEDED, Stage.EXPIRED}
        curating = services.middle_office.curating
        draft = curating.revise(version_id, effective_from=day, by=viewer.userid, now=services.now())
        return _on_to(request, draft, "rolled_back" if ended else "revised")

    @router.post("/details")
    async def details(request: Request, viewer: Curator, version_id: str) -> Response:
        form = await request.form()
        return await to_thread.run_sync(_set_details, request, console, viewer.userid, version_id, form)


def _set_details(request: Request, console: Console, by: str, version_id: str, form: object) -> Response:
    services = console.services
    wanted = details_from(form, services.store.version(version_id))
    version = services.middle_office.curating.set_details(version_id, wanted, by=by, now=services.now())
    return _on_to(request, version, "details_saved")


def compared_with(versions: Sequence[DocumentVersion], version: DocumentVersion, today: date) -> DocumentVersion | None:
    """The version to compare with: the one in force, else the one that it came from, else the one before."""
    others = [each for each in versions if each.version_id != version.version_id]
    in_force = [each for each in others if each.in_force_on(today)]
    origin = [each for each in others if each.version_id == version.derived_from]
    earlier = [each for each in others if each.version < version.version]
    return next(iter([*in_force, *origin, *reversed(earlier)]), None)


def diff_of(console: Console, before: DocumentVersion, after: DocumentVersion) -> Diff:
    """Both versions compared, unchanged stretches folded."""
    store = console.services.store
    changes = compare_passages(store.passages_of(before.version_id), store.passages_of(after.version_id))
    many = {change: sum(each.change is change for each in changes) for change in Change}
    return Diff(
        before,
        after,
        tuple(compare_details(before, after)),
        content_changes(before, after),
        tuple(_groups(changes)),
        many[Change.ADDED],
        many[Change.CHANGED],
        many[Change.REMOVED],
        many[Change.SAME],
    )


def _groups(changes: Sequence[PassageChange]) -> list[DiffGroup]:
    near = [
        any(each.change is not Change.SAME for each in changes[max(0, at - _KEPT_AROUND) : at + _KEPT_AROUND + 1])
        for at in range(len(changes))
    ]
    marked = groupby(zip(near, changes, strict=True), key=itemgetter(0))
    return [DiffGroup(not is_near, tuple(each for _, each in group)) for is_near, group in marked]


def _on_to(request: Request, version: DocumentVersion, said: str) -> Response:
    return go(request, f"/documents/{quote(version.document_id)}", said=said, version=version.version_id)
