"""The first page: what awaits the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from connectors.console.pages import Awaiting, HomePage
from connectors.console.rendering import render
from connectors.console.viewing import CurrentViewer

if TYPE_CHECKING:
    from connectors.console.console import Console


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/")
    def show(request: Request, viewer: CurrentViewer) -> Response:
        return render(request, "home.html", HomePage(awaiting=(Awaiting("gaps", 0, "/console/gaps"),)), viewer)

    return router
