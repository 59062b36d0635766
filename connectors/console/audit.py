"""The audit log: read, filtered, proven whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, field_validator

from assistant.clock import SHANGHAI
from assistant.records.audit import AuditEntry, AuditFilter, AuditReport
from assistant.wording import load_toml
from connectors.console.rendering import render
from connectors.console.viewing import HOME, Officer
from connectors.services import Services

if TYPE_CHECKING:
    from connectors.console.console import Console

ROWS = 50
_LARGEST_SEQ = 2**62


class AuditQuery(BaseModel):
    """What the address of the page says."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    event: str = ""
    actor: str = ""
    subject: str = ""
    day: date | None = None
    before: Annotated[int, Query(ge=1, le=_LARGEST_SEQ)] | None = None

    @field_validator("day", "before", mode="before")
    @classmethod
    def _nothing_said(cls, value: object) -> object:
        return value or None

    def wanted(self) -> AuditFilter:
        """The filter for the records; a day is one in Asia/Shanghai."""
        since = None if self.day is None else datetime.combine(self.day, time(), SHANGHAI).astimezone(UTC)
        until = None if since is None else since + timedelta(days=1)
        return AuditFilter(self.event, self.actor.strip(), self.subject.strip(), since, until)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry. `subject_address`: the same page with only this subject; `body` is JSON."""

    entry: AuditEntry
    label: str
    body: str
    subject_address: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest entries that fit. `events`: pairs of code and words; `older`, `newest`: addresses or empty."""

    rows: tuple[AuditRow, ...]
    wanted: AuditQuery
    events: tuple[tuple[str, str], ...]
    older: str
    newest: str
    report: AuditReport | None = None


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/audit")
    def show(request: Request, viewer: Officer, query: Annotated[AuditQuery, Query()]) -> Response:
        return render(request, "audit.html", _page(console.services, query), viewer)

    @router.post("/audit/verify")
    def verify(request: Request, viewer: Officer) -> Response:
        report = console.services.records.audit.verify()
        template = "_chain.html" if request.headers.get("HX-Request") else "audit.html"
        return render(request, template, _page(console.services, AuditQuery(), report), viewer)

    return router


def _page(services: Services, query: AuditQuery, report: AuditReport | None = None) -> AuditPage:
    log = services.records.audit
    found = log.page(query.wanted(), before=query.before, limit=ROWS + 1)
    names: dict[str, str] = load_toml("console.zh")["events"]
    rows = tuple(_row(entry, names) for entry in found[:ROWS])
    events = tuple((code, names.get(code, code)) for code in log.events())
    kept = {name: value for name, value in query.model_dump(mode="json", exclude={"before"}).items() if value}
    older = _address(**kept, before=rows[-1].entry.seq) if len(found) > ROWS else ""
    return AuditPage(rows, query, events, older, _address(**kept) if query.before else "", report)


def _row(entry: AuditEntry, names: dict[str, str]) -> AuditRow:
    body = json.dumps(entry.body, ensure_ascii=False, indent=1) if entry.body else ""
    return AuditRow(entry, names.get(entry.event, entry.event), body, _address(subject=entry.subject))


def _address(**query: object) -> str:
    return f"{HOME}/audit?{urlencode(query)}" if query else f"{HOME}/audit"
