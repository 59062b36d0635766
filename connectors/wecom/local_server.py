"""A WeCom API for one machine: what the demo and the tests start instead of Tencent's.

It is as strict as the real one where that is known (tokens, app ids, duplicate check, 30 messages a minute) and
stricter where WeCom is silent: what it would cut without a word is refused here with 45002.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import anyio
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from connectors.wecom.local_state import TOKEN_LIFETIME_S, FaultKind, LocalWeCom

TEXT_LIMIT_BYTES = 2048
_LONGEST_DUPLICATE_CHECK_S = 14400
_CARD_TYPES = ("text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction")
_MOST_BUTTONS = 6

Handler = Callable[[Mapping[str, str], Mapping[str, Any]], dict[str, Any]]


class LocalApi:
    """The calls, each from (query, JSON body) to the answer."""

    def __init__(self, wecom: LocalWeCom) -> None:
        self._wecom = wecom

    def get_token(self, query: Mapping[str, str], _: Mapping[str, Any]) -> dict[str, Any]:
        """gettoken"""
        if query.get("corpid") != self._wecom.corp_id:
            return _answer(40013)
        if query.get("corpsecret") != self._wecom.secret:
            return _answer(40001)
        return _answer(0, access_token=self._wecom.issue_token(), expires_in=TOKEN_LIFETIME_S)

    def get_user(self, query: Mapping[str, str], _: Mapping[str, Any]) -> dict[str, Any]:
        """user/get"""
        errcode = self._wecom.token_state(query.get("access_token", ""))
        if errcode:
            return _answer(errcode)
        userid = query.get("userid", "")
        name = self._wecom.name_of(userid)
        return _answer(60111) if name is None else _answer(0, userid=userid, name=name, department=[1])

    def send(self, query: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        """message/send"""
        errcode = self._wecom.token_state(query.get("access_token", "")) or _mistake(self._wecom.agent_id, body)
        if errcode:
            return _answer(errcode)
        people = str(body.get("touser", "")).split("|")
        known = [userid for userid in people if userid and self._wecom.name_of(userid) is not None]
        if not known:
            return _answer(81013)
        msgtype = str(body["msgtype"])
        repeat_within_s = int(body.get("duplicate_check_interval", 1800)) if body.get("enable_duplicate_check") else 0
        sent = [
            self._wecom.deliver(userid, msgtype, body[msgtype], repeat_within_s=repeat_within_s) for userid in known
        ]
        missed = "|".join(userid for userid in people if userid not in known)
        return _answer(0, msgid=sent[0].msgid, invaliduser=missed, response_code=sent[0].response_code)

    def update_card(self, query: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        """message/update_template_card"""
        errcode = self._wecom.token_state(query.get("access_token", ""))
        if not errcode and str(body.get("agentid")) != self._wecom.agent_id:
            errcode = 301002
        if errcode:
            return _answer(errcode)
        change = {key: body[key] for key in ("button", "template_card") if key in body}
        if "template_card" in change:
            change = dict(change["template_card"])
        done = self._wecom.update_card(str(body.get("response_code", "")), change)
        return _answer(0, invaliduser=[]) if done else _answer(42016)


def create_local_wecom(wecom: LocalWeCom) -> FastAPI:
    """The API as a web app; `WAINAO_WECOM_API_BASE` is its address and `/cgi-bin/`."""
    app = FastAPI(title="Local WeCom", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(local_router(wecom))
    return app


def local_router(wecom: LocalWeCom) -> APIRouter:
    """The API's routes below `/cgi-bin/`, for an app that has others as well."""
    api, router = LocalApi(wecom), APIRouter(prefix="/cgi-bin", include_in_schema=False)
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "gettoken", api.get_token),
        ("GET", "user/get", api.get_user),
        ("POST", "message/send", api.send),
        ("POST", "message/update_template_card", api.update_card),
    )
    for method, path, handler in routes:
        router.add_api_route(f"/{path}", _endpoint(wecom, path, handler), methods=[method])
    return router


def _endpoint(wecom: LocalWeCom, path: str, handler: Handler) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        fault = wecom.next_fault(path)
        if fault is not None and fault.kind is FaultKind.SLOW:
            await anyio.sleep(fault.number)
        if fault is not None and fault.kind is FaultKind.ERRCODE:
            return JSONResponse(_answer(int(fault.number)))
        if fault is not None and fault.kind is FaultKind.HTTP:
            return Response("<html>Bad Gateway</html>", status_code=int(fault.number))
        body = await _json(request)
        answer = _answer(47001) if body is None else handler(request.query_params, body)
        match fault.kind if fault else None:
            case FaultKind.LOST_ANSWER:
                return StreamingResponse(_broken(), headers={"content-length": "100"})
            case FaultKind.GARBAGE:
                return Response("<html>please log in to the proxy</html>", media_type="text/html")
            case FaultKind.EMPTY:
                return Response()
        return JSONResponse(answer)

    return endpoint


async def _json(request: Request) -> dict[str, Any] | None:
    if request.method == "GET":
        return {}
    try:
        body = await request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


async def _broken() -> AsyncIterator[bytes]:
    yield b"{"  # fewer bytes than announced: the server has to cut the connection


def _answer(errcode: int, **fields: Any) -> dict[str, Any]:
    return {"errcode": errcode, "errmsg": "ok" if errcode == 0 else "error", **fields}


def _mistake(agent_id: str, message: Mapping[str, Any]) -> int:
    """The errcode of a message that WeCom would refuse or cut; 0 if it is well formed."""
    msgtype = message.get("msgtype")
    body = message.get(str(msgtype))
    if "agentid" not in message:
        return 41011
    if str(message["agentid"]) != agent_id:
        return 301002
    if msgtype not in ("text", "markdown", "template_card") or not isinstance(body, dict):
        return 40008
    interval = message.get("duplicate_check_interval", 1800)
    if not isinstance(interval, int) or not 0 < interval <= _LONGEST_DUPLICATE_CHECK_S:
        return 40058
    return _card_mistake(body) if msgtype == "template_card" else _text_mistake(body)


def _text_mistake(body: Mapping[str, Any]) -> int:
    content = body.get("content")
    if not isinstance(content, str) or not content.strip():
        return 44004
    return 45002 if len(content.encode("utf-8", "replace")) > TEXT_LIMIT_BYTES else 0


def _card_mistake(card: Mapping[str, Any]) -> int:
    if card.get("card_type") not in _CARD_TYPES or not isinstance(card.get("main_title"), dict):
        return 40058
    if card["card_type"] != "button_interaction":
        return 0
    buttons = card.get("button_list")
    if not card.get("task_id") or not isinstance(buttons, list) or not 1 <= len(buttons) <= _MOST_BUTTONS:
        return 40058
    keys = {str(button.get("key", "")) for button in buttons if isinstance(button, dict)}
    return 0 if len(keys) == len(buttons) and "" not in keys else 40058
