"""Every failure of a console route as one Chinese sentence and a status: a page, or a toast for htmx."""

from __future__ import annotations

import logging
from contextlib import suppress
from string import Template
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from assistant.errors import AssistantError
from assistant.records.errors import RecordsError
from assistant.wording import load_toml
from connectors.console.pages import ErrorPage
from connectors.console.rendering import render, toast
from connectors.console.viewing import (
    HOME,
    NotAllowed,
    PasswordChangeNeeded,
    SignInNeeded,
    Viewer,
    sign_in_address,
    signed_in,
)
from knowledge.errors import KnowledgeError

log = logging.getLogger(__name__)

_STATUS = {
    "document_not_found": 404,
    "draft_not_found": 404,
    "record_not_found": 404,
    "staff_unknown": 404,
    "branch_missing": 404,
    "approver_not_allowed": 403,
    "own_account_protected": 403,
    "sign_in_busy": 429,
    "database_unavailable": 503,
    "database_not_migrated": 503,
    "index_unavailable": 503,
}
_REFUSED = 409  # whatever else was asked that cannot be done now


def install(app: FastAPI) -> None:
    """Register the handlers of the console's application."""
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(PasswordChangeNeeded, _password_needed)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for known in (KnowledgeError, AssistantError, RecordsError):
        app.add_exception_handler(known, _known)


def sentence(code: str, ids: dict[str, Any]) -> str:
    """The sentence for a code from prompts/errors.zh.toml, as somebody at the console can act on it."""
    table = load_toml("errors.zh")
    reason = str(ids.get("reason", ""))
    words = _document_reason(code, ids) or next(
        (
            table[key]
            for key in (f"console.{code}.{reason}", f"console.{code}", f"{code}.{reason}", code)
            if key in table
        ),
        table["console.other"],
    )
    template = Template(str(words))
    return template.substitute({name: str(ids.get(name, "-")) for name in template.get_identifiers()})


def status_of(code: str) -> int:
    """The HTTP status of a known failure."""
    return _STATUS.get(code, _REFUSED)


def _document_reason(code: str, ids: dict[str, Any]) -> str | None:
    if code != "document_refused":
        return None
    from knowledge.ingestion.wording import reason_sentence

    slots = {name: str(value) for name, value in ids.items()}
    return reason_sentence(slots.pop("reason", ""), **slots).replace("$", "$$")


def _answer(request: Request, status: int, words: str) -> Response:
    if request.headers.get("HX-Request"):
        return toast(request, words, tone="bad", status=status)
    viewer: Viewer | None = getattr(request.state, "viewer", None)  # known already, or nobody asked
    return render(request, "error.html", ErrorPage(status, words), viewer, status)


def _known(request: Request, error: Exception) -> Response:
    code: str = getattr(error, "code", "")
    status = status_of(code)
    log.info("console_refused", extra={"code": code, "status": status})
    return _answer(request, status, sentence(code, getattr(error, "ids", {})))


def _sign_in_needed(request: Request, error: Exception) -> Response:
    address = sign_in_address(getattr(error, "then", ""))
    if request.headers.get("HX-Request"):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def _password_needed(request: Request, _: Exception) -> Response:
    if request.headers.get("HX-Request"):
        return Response(status_code=401, headers={"HX-Redirect": f"{HOME}/password"})
    return RedirectResponse(f"{HOME}/password", status_code=303)


def _not_allowed(request: Request, error: Exception) -> Response:
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    code = "page_not_allowed" if viewer is not None and viewer.may else "console_not_for_you"
    return _answer(request, 403, sentence(code, {"needed": getattr(error, "needed", "")}))


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException | StarletteHTTPException) else 500
    with suppress(SignInNeeded):
        signed_in(request)  # so that a page that is missing still has the navigation
    code = {403: "form_outdated", 404: "page_missing", 405: "page_missing", 413: "form_too_large"}.get(
        status, "console.other"
    )
    return _answer(request, status, sentence(code, {}))


def _invalid(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    field = str(problems[0]["loc"][-1]) if problems else "-"
    return _answer(request, 422, sentence("form_invalid", {"field": field}))


def told_of_defect(request: Request, error: Exception) -> Response:
    """The answer to what nobody expected: a fixed sentence, and the trace in the log."""
    log.error("console_failed", exc_info=error, extra={"path": request.scope.get("path", "")})
    return _answer(request, 500, sentence("console.other", {}))
