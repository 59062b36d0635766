"""The door of the self-built app: verify, decrypt, store, answer 200; the work is done later by others.

WeCom hangs up after 5 seconds, sends again at most twice and takes only 200 for received, so 200 is said when the
message is on disk and never otherwise. Bodies are never logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.requests import ClientDisconnect

from connectors.wecom.envelope import Envelope, Signed
from connectors.wecom.errors import ANSWERS, CallbackRefused, Reason
from connectors.wecom.messages import CHANNEL, IncomingMessage, read_message

BODY_LIMIT = 256 * 1024  # bytes; real callbacks stay under 20 KB
BODY_PATIENCE_S = 5.0  # WeCom itself hangs up by then
_NOT_SET_UP = (
    503,
    "not_configured",
    "The WeCom app is not set up.",
    "Set WAINAO_WECOM_...; `wainao doctor` says which.",
)
_NOT_STORED = (503, "not_stored", "The message could not be stored.", "WeCom sends it again; see `wainao doctor`.")

log = logging.getLogger(__name__)


class Inbox(Protocol):
    """Keeps messages that were acknowledged."""

    def put(self, channel: str, dedupe_key: str, userid: str, payload: Mapping[str, Any], *, now: datetime) -> bool:
        """Store a message, on disk when this returns; False: the same one is there already."""
        ...


class CallbackDoor:
    """What the two routes do.

    Args:
        agent_id: the app's own id; a letter for another app is refused.
        clock: the current instant, aware.
        threads: how many messages wait at once to be stored; the inbox stores them together.
        patience_s: longest wait for a whole body.
    """

    def __init__(
        self,
        envelope: Envelope,
        inbox: Inbox,
        *,
        agent_id: str,
        clock: Callable[[], datetime],
        threads: int = 32,
        patience_s: float = BODY_PATIENCE_S,
    ) -> None:
        self._envelope, self._inbox, self._agent_id, self._clock = envelope, inbox, agent_id, clock
        self._patience_s = patience_s
        # Threads of its own: slow pages must not hold up acknowledgements.
        self._limiter = anyio.CapacityLimiter(threads)

    async def check_url(self, request: Request) -> Response:
        """Answer WeCom's check of the address with the decrypted text, as it is."""
        echo = request.query_params.get("echostr", "")
        try:
            return PlainTextResponse(self._envelope.open_echo(echo, _signed(request), now=self._clock()))
        except CallbackRefused as refused:
            return _refusal(refused)

    async def receive(self, request: Request) -> Response:
        """Store one callback and acknowledge it."""
        try:
            message = self._open(await _body(request, self._patience_s), _signed(request))
        except CallbackRefused as refused:
            return _refusal(refused)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is left to read it
        put = partial(
            self._inbox.put, CHANNEL, message.dedupe_key, message.userid, message.payload(), now=self._clock()
        )
        try:
            stored = await to_thread.run_sync(put, limiter=self._limiter)
        # The outermost door: whatever the database says, the message is not on disk and must not be acknowledged.
        except Exception as error:  # noqa: BLE001
            log.error("callback_not_stored", extra={"error": type(error).__name__, "kind": message.kind})
            return _error(*_NOT_STORED)
        log.info("callback_stored" if stored else "callback_repeated", extra={"kind": message.kind})
        return Response()

    def _open(self, body: bytes, signed: Signed) -> IncomingMessage:
        letter = self._envelope.open(body, signed, now=self._clock())
        message = read_message(letter.xml)
        # Events of the corp, e.g. about customers, name no app.
        if any(agent and agent != self._agent_id for agent in (letter.agent_id, message.agent_id)):
            raise CallbackRefused(Reason.AGENT)
        return message


def callback_router(
    envelope: Envelope, inbox: Inbox, *, agent_id: str, clock: Callable[[], datetime], threads: int = 32
) -> APIRouter:
    """GET and POST `/wecom/app`."""
    door = CallbackDoor(envelope, inbox, agent_id=agent_id, clock=clock, threads=threads)
    router = APIRouter()
    router.add_api_route("/wecom/app", door.check_url, methods=["GET"], include_in_schema=False)
    router.add_api_route("/wecom/app", door.receive, methods=["POST"], include_in_schema=False)
    return router


def unconfigured_router() -> APIRouter:
    """The same address while the app's settings are missing: says so, and acknowledges nothing."""

    def say_so() -> Response:
        return _error(*_NOT_SET_UP)

    router = APIRouter()
    router.add_api_route("/wecom/app", say_so, methods=["GET", "POST"], include_in_schema=False)
    return router


def _signed(request: Request) -> Signed:
    query = request.query_params
    return Signed(query.get("msg_signature", ""), query.get("timestamp", ""), query.get("nonce", ""))


async def _body(request: Request, patience_s: float) -> bytes:
    """The body, given up as soon as it is known to be too large or too slow. Raises CallbackRefused."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > BODY_LIMIT:
        raise CallbackRefused(Reason.TOO_LARGE)
    parts = bytearray()
    try:
        with anyio.fail_after(patience_s):
            async for part in request.stream():
                parts += part
                if len(parts) > BODY_LIMIT:
                    raise CallbackRefused(Reason.TOO_LARGE)
    except TimeoutError as error:
        raise CallbackRefused(Reason.TOO_SLOW) from error
    return bytes(parts)


def _refusal(refused: CallbackRefused) -> Response:
    log.warning("callback_refused", extra={"reason": refused.reason.value})
    status, message, hint = ANSWERS[refused.reason]
    return _error(status, refused.reason.value, message, hint)


def _error(status: int, code: str, message: str, hint: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "hint": hint}}, status_code=status)
