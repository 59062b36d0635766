"""The phone of a relationship manager in the browser, for demos: it writes through real callbacks and shows what a
local WeCom received. Only for people on this machine.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import anyio
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from connectors.phone.knocking import Knocker, NotTaken
from connectors.wecom.envelope import Envelope
from connectors.wecom.local_state import ChatMessage, LocalWeCom

_HERE = Path(__file__).parent
_STATIC = {"phone.css": "text/css", "phone.js": "text/javascript", "icon.svg": "image/svg+xml"}
_WAIT_S = 2.0  # short, so that a stopping server has not long to wait for a phone
_LOOK_EVERY_S = 0.1
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MEMBERS = tuple(f"rm{number:03}" for number in range(1, 11))


class Words(BaseModel):
    """What a member wrote; `key` is the page's own mark of the bubble."""

    model_config = ConfigDict(extra="forbid")
    userid: str = Field(min_length=1, max_length=64)
    text: str = Field(max_length=20_000)
    key: str = Field("", max_length=64)


class Press(BaseModel):
    """A button that was pressed on the card with this sequence number."""

    model_config = ConfigDict(extra="forbid")
    userid: str = Field(min_length=1, max_length=64)
    sequence: int
    key: str = Field(min_length=1, max_length=1024)


class Opening(BaseModel):
    """A member opens the chat."""

    model_config = ConfigDict(extra="forbid")
    userid: str = Field(min_length=1, max_length=64)


def only_here(request: Request) -> None:
    """Refuse other machines, other sites in this machine's browser, and names that merely point here."""
    client = request.client.host if request.client else ""
    named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    origin = request.headers.get("origin")
    if not _is_here(client) or not _is_here(named) or (origin and urlsplit(origin).netloc != request.headers["host"]):
        raise HTTPException(403, "The phone page answers only this machine.")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class PhoneRoute(APIRoute):
    """Answers errors of the phone's routes in the form of every door: {"error": {code, message, hint}}."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with its exceptions turned into answers."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except HTTPException as error:
                return _error(error.status_code, "refused", str(error.detail), "Open http://127.0.0.1 and the port.")
            except RequestValidationError:
                return _error(422, "invalid", "The request does not have the page's form.", "Reload the page.")

        return guarded


class PhonePage:
    """What the routes do."""

    def __init__(self, knocker: Knocker, local: LocalWeCom) -> None:
        self._knocker, self._local = knocker, local

    def show(self) -> Response:
        """The page itself."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        return HTMLResponse(templates.get_template("phone.html").render(members=self._members()), headers=_HEADERS)

    def _members(self) -> list[tuple[str, str]]:
        names = self._local.members or dict.fromkeys(_MEMBERS, "")
        managers = [(userid, name) for userid, name in sorted(names.items()) if userid.startswith("rm")]
        return managers or sorted(names.items())

    async def messages(
        self, request: Request, userid: Annotated[str, Query(max_length=64)], after: int = 0, wait: bool = True
    ) -> Response:
        """What is new on a member's phone; waits a moment for something to arrive."""
        deadline = time.monotonic() + (_WAIT_S if wait else 0)
        while True:
            new = self._local.chat(userid, after=after)
            if new or time.monotonic() >= deadline or await request.is_disconnected():
                return JSONResponse({"messages": [_shown(each) for each in new]}, headers=_HEADERS)
            await anyio.sleep(_LOOK_EVERY_S)

    def send(self, words: Words) -> Response:
        """Write to the app: the bubble is on the phone at once, the callback goes out."""
        self._local.note_own(words.userid, "text", {"content": words.text, "key": words.key})
        return _taken(lambda: self._knocker.say(words.userid, words.text))

    def enter(self, opening: Opening) -> Response:
        """Open the chat."""
        return _taken(lambda: self._knocker.enter(opening.userid))

    def click(self, press: Press) -> Response:
        """Press a button of a card."""
        code = self._local.click(press.userid, press.sequence)
        if not code:
            raise HTTPException(404, "There is no such card.")
        chat = self._local.chat(press.userid, after=press.sequence - 1)
        card = next((each.body for each in chat if each.sequence == press.sequence), {})
        card_type, task_id = str(card.get("card_type", "")), str(card.get("task_id", ""))
        knock = self._knocker.click
        return _taken(
            lambda: knock(press.userid, key=press.key, task_id=task_id, card_type=card_type, response_code=code)
        )

    def static(self, name: str) -> Response:
        """The page's own style sheet, script and icon."""
        if name not in _STATIC:
            raise HTTPException(404)
        return FileResponse(_HERE / "static" / name, media_type=_STATIC[name], headers=_HEADERS)


def phone_router(
    port: int, envelope: Envelope, local: LocalWeCom, *, agent_id: str, clock: Callable[[], datetime]
) -> APIRouter:
    """`/phone` and what it needs; the app's door is expected on this machine at `port`."""
    knocker = Knocker(f"http://127.0.0.1:{port}/wecom/app", envelope, agent_id, clock)
    page = PhonePage(knocker, local)
    guards = [Depends(only_here)]
    router = APIRouter(prefix="/phone", include_in_schema=False, dependencies=guards, route_class=PhoneRoute)
    router.add_api_route("", page.show, methods=["GET"])
    router.add_api_route("/messages", page.messages, methods=["GET"])
    router.add_api_route("/send", page.send, methods=["POST"])
    router.add_api_route("/enter", page.enter, methods=["POST"])
    router.add_api_route("/click", page.click, methods=["POST"])
    router.add_api_route("/static/{name}", page.static, methods=["GET"])
    return router


def _taken(knock: Callable[[], None]) -> Response:
    try:
        knock()
    except NotTaken as refused:
        return _error(502, refused.why, "The app did not take the message.", "See the server's log.")
    return JSONResponse({"taken": True})


def _error(status: int, code: str, message: str, hint: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "hint": hint}}, status_code=status)


def _shown(message: ChatMessage) -> dict[str, Any]:
    return {
        "sequence": message.sequence,
        "mine": message.mine,
        "msgtype": message.msgtype,
        "body": dict(message.body),
        "at": message.at.isoformat(),
    }
