"""What stands before every console route: headers, same origin and form tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio
from fastapi import HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.console.viewing import SignInNeeded, Viewer, sign_in_address, signed_in

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105  (a name, no secret)
TOKEN_FIELD = "csrf"  # noqa: S105  (a name, no secret)
LARGEST_FORM = 2 * 1024 * 1024  # bytes; a route for files says `max_body_size=` of its own
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Doorkeeper:
    """The outermost layer: nothing of a body is read for a foreign site or an upload without a session and its token.

    `told` makes the answer to a defect of ours, so that it too has the headers.
    """

    def __init__(self, app: ASGIApp, told: Callable[[Request, Exception], Response]) -> None:
        self._app, self._told = app, told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        request = Request(scope, receive)
        refused = await _refused(request)
        try:
            await (refused or self._app)(scope, receive, with_headers)
        except Exception as error:
            if begun:
                raise
            await self._told(request, error)(scope, receive, with_headers)


async def _refused(request: Request) -> Response | None:
    if request.method in SAFE:
        return None
    if not same_origin(request.headers):
        return PlainTextResponse("Refused: this form came from another site.", 403)
    if not _is_multipart(request):
        return None
    try:
        viewer = await anyio.to_thread.run_sync(signed_in, request)
    except SignInNeeded:
        return PlainTextResponse("Sign in first.", 401, {"HX-Redirect": sign_in_address("")})
    if not _fits(_token_before_body(request), viewer):
        return PlainTextResponse("Refused: an upload carries its token in a header or in its address.", 403)
    return None


def same_origin(headers: Headers) -> bool:
    """Whether a browser says that its own page sent this; programs that say nothing are left to the token."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


async def checked(request: Request) -> None:
    """Refuse a change without the session's token: in the header or the form; with files, in the header or address."""
    if request.method in SAFE:
        return
    viewer = await anyio.to_thread.run_sync(signed_in, request)
    given = _token_before_body(request)
    if not given and not _is_multipart(request):
        given = str((await request.form()).get(TOKEN_FIELD, ""))
    if not _fits(given, viewer):
        raise HTTPException(403, "csrf")


def _is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/")


def _token_before_body(request: Request) -> str:
    """The token that is known before anything of the body is read; a page without scripts puts it into the address."""
    given = request.headers.get(TOKEN_HEADER, "")
    return given or (request.query_params.get(TOKEN_FIELD, "") if _is_multipart(request) else "")


def _fits(given: str, viewer: Viewer) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), viewer.csrf.encode())
