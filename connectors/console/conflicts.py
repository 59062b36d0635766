"""Documents in force that state different figures for one product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from connectors.console.rendering import render
from connectors.console.viewing import CurrentViewer
from knowledge.conflicts import Conflict

if TYPE_CHECKING:
    from connectors.console.console import Console

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ConflictsPage:
    """What conflicts.html shows."""

    conflicts: tuple[Conflict, ...]
    count: int
    documents: dict[str, str]


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/conflicts")
    def show(request: Request, viewer: CurrentViewer) -> Response:
        services = console.services
        found = services.middle_office.watching.conflicts(on=services.today())
        shown = tuple(found[:MOST_SHOWN])
        passages = services.store.passages_by_ids([one.passage_id for each in shown for one in each.statements])
        documents = {passage_id: passage.document_id for passage_id, passage in passages.items()}
        return render(request, "conflicts.html", ConflictsPage(shown, len(found), documents), viewer)

    return router
