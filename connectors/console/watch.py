"""What expires and what is never found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response

from assistant.watching import ExpiringDocument, UnusedDocument
from connectors.console.audience import branch_names, scope_words
from connectors.console.rendering import render
from connectors.console.viewing import CurrentViewer

if TYPE_CHECKING:
    from connectors.console.console import Console

MOST_SHOWN = 100
WITHIN = (7, 30, 90, 365)
OLDER = (7, 30, 90, 180)
Days = Annotated[int, Query(ge=1, le=3660)]


@dataclass(frozen=True, slots=True)
class WatchPage:
    """What watch.html shows: the first of each list with how many there are, and the choices of days."""

    expiring: tuple[ExpiringDocument, ...]
    expiring_count: int
    unused: tuple[tuple[UnusedDocument, tuple[str, ...]], ...]
    unused_count: int
    within: int
    older: int
    within_choices: tuple[int, ...]
    older_choices: tuple[int, ...]


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/watch")
    def show(request: Request, viewer: CurrentViewer, within: Days = 30, older: Days = 30) -> Response:
        services = console.services
        watching, today = services.middle_office.watching, services.today()
        expiring = watching.expiring(on=today, within_days=within)
        unused = watching.never_used(on=today, older_than_days=older)
        branches = branch_names(services.records.staff)
        page = WatchPage(
            tuple(expiring[:MOST_SHOWN]),
            len(expiring),
            tuple((row, scope_words(row.version, branches)) for row in unused[:MOST_SHOWN]),
            len(unused),
            within,
            older,
            tuple(sorted({*WITHIN, within})),
            tuple(sorted({*OLDER, older})),
        )
        return render(request, "watch.html", page, viewer)

    return router
