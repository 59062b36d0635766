"""Signing in and out, and a password of one's own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from assistant.errors import PasswordTooWeak, SignInRefused
from assistant.signing_in import SHORTEST
from connectors.console.failing import sentence
from connectors.console.guarding import checked
from connectors.console.pages import PasswordPage, SignInPage
from connectors.console.rendering import go, render
from connectors.console.viewing import COOKIE, HOME, SignedIn, console_of, sign_in_address

if TYPE_CHECKING:
    from connectors.console.console import Console

_DOOR = "wainao_door"  # the token of the sign-in form, which has no session yet
_DOOR_S = 3600
_SESSION_S = 24 * 3600
Field = Annotated[str, Form(max_length=2000)]


def routes(console: Console) -> APIRouter:
    """The open pages, and those for whoever has a session."""
    router = APIRouter()

    @router.get("/sign-in")
    def ask(request: Request, next: str = "") -> Response:
        return _form(request, then=next)

    @router.post("/sign-in")
    def enter(
        request: Request, userid: Field = "", password: Field = "", token: Field = "", then: Field = ""
    ) -> Response:
        userid = userid.strip()
        kept = request.cookies.get(_DOOR, "")
        if not kept or not secrets.compare_digest(kept.encode(), token.encode()):
            return _form(request, then=then, userid=userid, problem="form_outdated", status=403)
        try:
            secret = console.signing_in.sign_in(userid, password, now=console.services.now())
        except SignInRefused:
            return _form(request, then=then, userid=userid, problem="sign_in_refused", status=401)
        answer = RedirectResponse(_inside(then), status_code=303)
        _set(request, answer, _DOOR, "", 0)
        _keep(request, answer, secret)
        return answer

    @router.post("/sign-out", dependencies=[Depends(checked)])
    def leave(request: Request, viewer: SignedIn) -> Response:
        console.signing_in.sign_out(viewer.session, now=console.services.now())
        answer = RedirectResponse(sign_in_address(""), status_code=303)
        _set(request, answer, COOKIE, "", 0)
        return answer

    @router.get("/password")
    def password(request: Request, viewer: SignedIn) -> Response:
        page = PasswordPage(_forced(console, viewer.userid), SHORTEST)
        return render(request, "password.html", page, viewer)

    @router.post("/password", dependencies=[Depends(checked)])
    def change(request: Request, viewer: SignedIn, old: Field = "", new: Field = "", again: Field = "") -> Response:
        problem = ""
        try:
            if new != again:
                raise PasswordTooWeak(reason="again")
            secret = console.signing_in.change_password(viewer.userid, old, new, now=console.services.now())
        except (PasswordTooWeak, SignInRefused) as error:
            problem = sentence(error.code if isinstance(error, PasswordTooWeak) else "old_password_wrong", error.ids)
            page = PasswordPage(_forced(console, viewer.userid), SHORTEST, problem)
            return render(request, "password.html", page, viewer, 422)
        answer = go(request, "/", said="password_changed")
        _keep(request, answer, secret)
        return answer

    return router


def _form(request: Request, *, then: str = "", userid: str = "", problem: str = "", status: int = 200) -> Response:
    token = request.cookies.get(_DOOR, "") or secrets.token_urlsafe(24)
    page = SignInPage(token, then, userid, sentence(problem, {}) if problem else "")
    answer = render(request, "sign_in.html", page, None, status)
    _set(request, answer, _DOOR, token, _DOOR_S)
    return answer


def _forced(console: Console, userid: str) -> bool:
    known = console.services.records.accounts.password(userid)
    return known is not None and known.must_change


def _keep(request: Request, answer: Response, secret: str) -> None:
    _set(request, answer, COOKIE, secret, _SESSION_S)


def _set(request: Request, answer: Response, name: str, value: str, age_s: int) -> None:
    secure = console_of(request).secure or request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=age_s, path=HOME, httponly=True, samesite="lax", secure=secure)


def _inside(then: str) -> str:
    """Only pages of the console, whatever the form says."""
    parts = urlsplit(then)
    inside = not parts.scheme and not parts.netloc and parts.path.startswith(HOME + "/")
    plain = all("\x20" < sign < "\x7f" for sign in then) and "\\" not in then and ".." not in parts.path
    return then if inside and plain else HOME + "/"
