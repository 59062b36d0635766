"""Who calls: a bearer token stands for a member, whose role and scope decide. Checked before a body is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from assistant.records.staff import StaffMember
from connectors.api.failing import FORESEEN, ApiRefused, answer_to
from connectors.services import Services
from knowledge.curation import may_curate
from knowledge.documents import DocumentVersion, Scope
from knowledge.errors import DocumentNotFound
from knowledge.folder_sources import LARGEST_ZIP
from knowledge.ingestion.formats.registry import MAX_BYTES

OPEN = frozenset({"/openapi.json"})
LARGEST_JSON = 2 * 1024 * 1024
_FORM_ROOM = 1024 * 1024  # for what stands around a file in a form
_LONGEST_TOKEN = 500
_READ_ALL = frozenset({"curator", "compliance_officer", "head_of_retail", "admin"})
_OVERSEE = frozenset({"compliance_officer", "admin"})
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

bearer = HTTPBearer(auto_error=False, description="`wainao token create USERID --name NAME`")


@dataclass(frozen=True, slots=True)
class Caller:
    """The member behind a token. `scope` holds only where not everything may be read."""

    member: StaffMember
    scope: Scope

    @property
    def userid(self) -> str:
        """As records name actors."""
        return self.member.userid

    @property
    def reads_all(self) -> bool:
        """Whether versions of every status and audience may be read, as in the console."""
        return self.member.role in _READ_ALL


class Doorkeeper:
    """The outermost layer: without a token nothing of a body is read, and of no body more than its route needs."""

    def __init__(self, app: ASGIApp, services: Callable[[], Services]) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in OPEN:
            await self._app(scope, receive, with_headers)
            return
        try:
            caller = await anyio.to_thread.run_sync(self._caller, Headers(scope=scope))
        except FORESEEN as exc:
            response = answer_to(exc, path)
            await response(scope, receive, with_headers)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, _limited(receive, _most(path, caller)), with_headers)

    def _caller(self, headers: Headers) -> Caller:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret or len(secret) > _LONGEST_TOKEN:
            raise ApiRefused(401, "token_missing")
        services = self._services()
        userid = services.records.api_tokens.userid_of(secret)
        member = services.records.staff.get(userid) if userid else None
        if member is None or not member.active:
            raise ApiRefused(401, "token_invalid")
        return Caller(member, services.asking.scope_of(member))


def current_caller(request: Request, _: Annotated[object, Depends(bearer)]) -> Caller:
    """Whoever called."""
    caller: Caller = request.state.caller
    return caller


AnyCaller = Annotated[Caller, Depends(current_caller)]


def reader(caller: AnyCaller) -> Caller:
    """Whoever may read all knowledge. Raises: ApiRefused."""
    return _one_of(caller, caller.reads_all)


def curator(caller: AnyCaller) -> Caller:
    """Whoever may change knowledge. Raises: ApiRefused."""
    return _one_of(caller, may_curate(caller.member.role))


def officer(caller: AnyCaller) -> Caller:
    """Whoever may look at members and into the audit log. Raises: ApiRefused."""
    return _one_of(caller, caller.member.role in _OVERSEE)


Reader = Annotated[Caller, Depends(reader)]
Curator = Annotated[Caller, Depends(curator)]
Officer = Annotated[Caller, Depends(officer)]


def readable(services: Services, caller: Caller, version: DocumentVersion) -> DocumentVersion:
    """The version, for whom it may be shown to; to everybody else it does not exist. Raises: DocumentNotFound."""
    if caller.reads_all or (version.in_force_on(services.today()) and caller.scope.admits(version)):
        return version
    raise DocumentNotFound(version_id=version.version_id)


def _one_of(caller: Caller, allowed: bool) -> Caller:
    if not allowed:
        raise ApiRefused(403, "api_role_not_allowed")
    return caller


def _most(path: str, caller: Caller) -> int:
    if not may_curate(caller.member.role):
        return LARGEST_JSON
    largest = {"/knowledge/uploads": MAX_BYTES, "/knowledge/import": LARGEST_ZIP}.get(path)
    return LARGEST_JSON if largest is None else largest + _FORM_ROOM


def _limited(receive: Receive, most: int) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413)
        return message

    return counted
