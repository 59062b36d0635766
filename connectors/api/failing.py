"""Every failure as `{"error": {"code", "message", "hint"}}`: a code for programs, Chinese sentences for people."""

from __future__ import annotations

import logging
from string import Template
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from assistant.errors import AssistantError
from assistant.records.errors import RecordsError
from assistant.wording import load_toml
from knowledge.errors import KnowledgeError
from knowledge.stores.columns import storable

log = logging.getLogger(__name__)

_STATUS = {
    "document_not_found": 404,
    "record_not_found": 404,
    "draft_not_found": 404,
    "staff_unknown": 404,
    "branch_missing": 404,
    "curator_not_allowed": 403,
    "approver_not_allowed": 403,
    "details_invalid": 422,  # but 409 when somebody else was faster
    "document_refused": 422,
    "import_refused": 422,
    "text_not_allowed": 422,
    "database_unavailable": 503,
    "database_not_migrated": 503,
    "index_unavailable": 503,
}
_REFUSED = 409  # whatever else was asked that cannot be done now
_HTTP_CODES = {400: "input_unreadable", 404: "address_missing", 405: "method_not_allowed", 413: "input_too_large"}
_SHOWN = ("field", "reason", "path", "version_id", "passage_id", "document_id", "titles", "codes")
_FIELD_CHARS = 100


class ApiRefused(Exception):
    """A request that the API itself refuses; `code` is a key of prompts/errors.zh.toml."""

    def __init__(self, status: int, code: str, **ids: str) -> None:
        super().__init__(code)
        self.status, self.code, self.ids = status, code, ids


FORESEEN = (KnowledgeError, AssistantError, RecordsError, ApiRefused)


class ErrorBody(BaseModel):
    """What went wrong: `code` is stable, `message` is for people, `hint` names field, reason and ids."""

    model_config = ConfigDict(frozen=True)
    code: str = Field(examples=["document_not_found"])
    message: str = Field(examples=["没有这份文档或这个版本。"])
    hint: str = Field(examples=["version_id=leaflet@v9"])


class ErrorAnswer(BaseModel):
    """The body of every answer that is no success."""

    model_config = ConfigDict(frozen=True)
    error: ErrorBody


def install(app: FastAPI) -> None:
    """Register the handlers of the API's application."""
    for known in (*FORESEEN, HTTPException, RequestValidationError):
        app.add_exception_handler(known, _handled)
    app.add_exception_handler(Exception, _handled)


async def _handled(request: Request, error: Exception) -> Response:
    return answer_to(error, request.scope.get("path", ""))


def answer_to(error: Exception, path: str) -> JSONResponse:
    """The answer to any failure; one that nobody foresaw is logged and answered with 500."""
    headers = {}
    if isinstance(error, RequestValidationError):
        status, code, ids = 422, "input_invalid", _first_problem(error)
    elif isinstance(error, ApiRefused):
        status, code, ids = error.status, error.code, dict(error.ids)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    elif isinstance(error, HTTPException):
        status, code, ids = error.status_code, _HTTP_CODES.get(error.status_code, "other"), {}
        headers = dict(error.headers or {})
    elif isinstance(error, KnowledgeError | AssistantError | RecordsError):
        code, ids = error.code, {name: str(value) for name, value in error.ids.items()}
        status = _REFUSED if ids.get("reason") == "changed_meanwhile" else _STATUS.get(code, _REFUSED)
    else:
        status, code, ids = 500, "other", {}
        log.error("api_failed", exc_info=error, extra={"path": path})
    if status < 500:
        log.info("api_refused", extra={"code": code, "status": status})
    hint = "; ".join(f"{name}={storable(ids[name])}" for name in _SHOWN if ids.get(name))
    return JSONResponse({"error": {"code": code, "message": sentence(code, ids), "hint": hint}}, status, headers)


def sentence(code: str, ids: dict[str, str]) -> str:
    """The sentence for a code, as somebody who calls the API can act on it."""
    if code == "document_refused":
        from knowledge.ingestion.wording import reason_sentence

        slots = dict(ids)
        return storable(reason_sentence(slots.pop("reason", ""), **slots))
    table: dict[str, Any] = load_toml("errors.zh")
    reason = ids.get("reason", "")
    keys = (f"api.{code}", f"console.{code}.{reason}", f"{code}.{reason}", f"console.{code}", code, "console.other")
    template = Template(str(next(table[key] for key in keys if key in table)))
    return storable(template.substitute({name: ids.get(name, "-") for name in template.get_identifiers()}))


def _first_problem(error: RequestValidationError) -> dict[str, str]:
    problems = error.errors()
    if not problems:
        return {"field": "-", "problem": "-"}
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"])[:_FIELD_CHARS]
    reason = str(first["type"])
    return {"field": field, "reason": reason, "problem": reason}
