"""The API as one application below /api/v1: routes by module, one door for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from connectors.api import curating, documents, failing, people, searching, transferring, uploads, watching
from connectors.api.door import Doorkeeper
from connectors.services import Services

HOME = "/api/v1"
_PARTS = (searching, watching, uploads, transferring, people, curating, documents)  # documents last: ids hold slashes
_TAGS = (
    ("search", "The one retrieval function, within the caller's scope."),
    ("documents", "Documents, versions, passages, differences."),
    ("curating", "Review, approval, withdrawal, editing of drafts."),
    ("uploads", "Files in, read in the background."),
    ("transfer", "All knowledge as a zip, out and in."),
    ("gaps", "Questions without an answer."),
    ("watch", "Conflicts, what expires, what is never used."),
    ("recalls", "Take back what was said, and tell who said it."),
    ("people", "Members and branches."),
    ("audit", "The audit log."),
)
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": failing.ErrorAnswer, "description": "The body cannot be read."},
    401: {"model": failing.ErrorAnswer, "description": "No token, or one that does not count."},
    403: {"model": failing.ErrorAnswer, "description": "The member behind the token may not do this."},
    404: {"model": failing.ErrorAnswer, "description": "There is no such thing, or this caller may not see it."},
    409: {"model": failing.ErrorAnswer, "description": "Not in this state."},
    413: {"model": failing.ErrorAnswer, "description": "Too large."},
    422: {"model": failing.ErrorAnswer, "description": "Something given is not as it should be."},
    503: {"model": failing.ErrorAnswer, "description": "The database cannot serve now; try again."},
}


def api_app(services: Callable[[], Services] | Services, *, version: str = "0") -> FastAPI:
    """The API, to be mounted at /api/v1. `services` may be a function that builds them when first needed."""
    build = services if callable(services) else lambda: services
    app = FastAPI(
        title="外脑 wainao",
        version=version,
        summary="Knowledge that a bank can trust, for the bank's own programs.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[{"name": name, "description": about} for name, about in _TAGS],
        generate_unique_id_function=_operation,
    )
    for part in _PARTS:
        app.include_router(part.routes(build), prefix="/knowledge", responses=_ERRORS)
    failing.install(app)
    app.add_middleware(Doorkeeper, services=build)
    return app


def _operation(route: APIRoute) -> str:
    """A short name for generated clients."""
    return route.name
