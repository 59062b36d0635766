"""The mounted door for other assistants: loads the protocol's library with the first request, not with the service."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio.to_thread

from connectors.services import Services
from knowledge.documents import Scope

_Message = MutableMapping[str, Any]
_App = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]


def mcp_door(services: Callable[[], Services]) -> _App:
    """An ASGI application to mount at `/mcp`; each call reads as the member whose token it carries."""
    building, built = threading.Lock(), list[_App]()

    def once() -> _App:
        with building:
            if not built:
                built.append(_app(services()))
        return built[0]

    async def app(
        scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
    ) -> None:
        inner = await anyio.to_thread.run_sync(once)
        await inner(scope, receive, send)

    return app


def _app(services: Services) -> _App:
    from connectors.mcp.server import mcp_app

    def scope_of(token: str) -> Scope | None:
        userid = services.records.api_tokens.userid_of(token)
        member = services.records.staff.get(userid) if userid else None
        return services.asking.scope_of(member) if member and member.active else None

    return mcp_app(services.retriever, scope_of, services.today)
