"""Recall of a document: whom it reaches, what to say now, and who was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from assistant.errors import TextNotAllowed
from assistant.recalling import LONGEST_REASON, LONGEST_SAY_NOW, MOST_DAYS, Affected
from assistant.records.recalls import Recall
from connectors.console.audience import names_of
from connectors.console.gate_view import NOTHING_YET, GateView, gate_view
from connectors.console.rendering import go, render
from connectors.console.viewing import Curator, CurrentViewer, Viewer
from knowledge.documents import DocumentVersion, VersionStatus

if TYPE_CHECKING:
    from connectors.console.console import Console

MOST_SHOWN = 100
DAYS = (1, 7, 30, 90)
Days = Annotated[int, Query(ge=1, le=MOST_DAYS)]
DaysField = Annotated[int, Form(ge=1, le=MOST_DAYS)]
Text = Annotated[str, Form(max_length=5000)]
VersionId = Annotated[str, Form(max_length=400)]


@dataclass(frozen=True, slots=True)
class RecallsPage:
    """What recalls.html shows: recalls with the titles of their versions, and people's names."""

    recalls: tuple[tuple[Recall, str], ...]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class RecallForm:
    """What recall_form.html shows: what a recall would reach, and what was written so far."""

    affected: Affected
    names: dict[str, str]
    shown: int
    sent: int
    days: int
    choices: tuple[int, ...]
    reason: str
    say_now: str
    withdraw: bool
    withdrawn: bool
    gate: GateView
    longest_reason: int
    longest_say_now: int


@dataclass(frozen=True, slots=True)
class RecallPage:
    """What recall.html shows: one recall, its version and who was told."""

    recall: Recall
    version: DocumentVersion
    names: dict[str, str]


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()
    _looking(router, console)
    _recalling(router, console)
    return router


def _looking(router: APIRouter, console: Console) -> None:
    @router.get("/recalls")
    def listed(request: Request, viewer: CurrentViewer) -> Response:
        services = console.services
        recalls = services.middle_office.recalling.recent(MOST_SHOWN)
        titled = tuple((recall, services.store.version(recall.version_id).title) for recall in recalls)
        names = names_of(services.records.staff, [recall.recalled_by for recall in recalls])
        return render(request, "recalls.html", RecallsPage(titled, names), viewer)

    @router.get("/recalls/new")
    def new(request: Request, viewer: Curator, version: str, days: Days = 30) -> Response:
        return _form(request, console, viewer, version, days)

    @router.get("/recalls/{recall_id}")
    def one(request: Request, viewer: CurrentViewer, recall_id: str) -> Response:
        services = console.services
        recall = services.middle_office.recalling.get(recall_id)
        told = [notice.userid for notice in recall.notices]
        names = names_of(services.records.staff, [recall.recalled_by, *told])
        page = RecallPage(recall, services.store.version(recall.version_id), names)
        return render(request, "recall.html", page, viewer)


def _recalling(router: APIRouter, console: Console) -> None:
    @router.post("/recalls/gate")
    def gate(request: Request, viewer: Curator, version: VersionId, say_now: Text = "") -> Response:
        return render(request, "gate.html", _judged(console, version, say_now), viewer)

    @router.post("/recalls")
    def recall(
        request: Request,
        viewer: Curator,
        version: VersionId,
        days: DaysField = 30,
        reason: Text = "",
        say_now: Text = "",
        withdraw: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        services = console.services
        try:
            made = services.middle_office.recalling.recall(
                version,
                days=days,
                reason=reason,
                say_now=say_now,
                withdraw=bool(withdraw),
                by=viewer.userid,
                now=services.now(),
            )
        except TextNotAllowed:
            return _form(
                request, console, viewer, version, days, reason=reason, say_now=say_now, withdraw=bool(withdraw)
            )
        return go(request, f"/recalls/{made.recall_id}", said="recalled")


def _form(
    request: Request,
    console: Console,
    viewer: Viewer,
    version_id: str,
    days: int,
    *,
    reason: str = "",
    say_now: str = "",
    withdraw: bool = True,
) -> Response:
    services = console.services
    affected = services.middle_office.recalling.affected(version_id, days=days, now=services.now())
    page = RecallForm(
        affected=affected,
        names=names_of(services.records.staff, {draft.userid for draft in affected.drafts}),
        shown=MOST_SHOWN,
        sent=sum(draft.sent for draft in affected.drafts),
        days=days,
        choices=tuple(sorted({*DAYS, days})),
        reason=reason,
        say_now=say_now,
        withdraw=withdraw,
        withdrawn=affected.version.status is VersionStatus.WITHDRAWN,
        gate=_judged(console, version_id, say_now),
        longest_reason=LONGEST_REASON,
        longest_say_now=LONGEST_SAY_NOW,
    )
    return render(request, "recall_form.html", page, viewer, 422 if page.gate.blocked else 200)


def _judged(console: Console, version_id: str, say_now: str) -> GateView:
    if not say_now.strip():
        return NOTHING_YET
    services = console.services
    return gate_view(say_now, services.middle_office.recalling.review(version_id, say_now, on=services.today()))
