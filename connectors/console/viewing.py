"""Who looks at a page, and what they may do: the typed dependencies of every console route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from assistant.records.accounts import Session
from assistant.records.staff import StaffMember
from knowledge.documents import Scope

if TYPE_CHECKING:
    from connectors.console.console import Console

COOKIE = "wainao_session"
HOME = "/console"

READ, CURATE, APPROVE, OVERSEE, ADMINISTER = "read", "curate", "approve", "oversee", "administer"
MAY: dict[str, frozenset[str]] = {
    "curator": frozenset({READ, CURATE, APPROVE}),
    "compliance_officer": frozenset({READ, CURATE, APPROVE, OVERSEE}),
    "head_of_retail": frozenset({READ}),
    "admin": frozenset({READ, OVERSEE, ADMINISTER}),
    "relationship_manager": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """The member behind a request. `may` holds read, curate, approve, oversee (audit) or administer."""

    member: StaffMember
    scope: Scope
    csrf: str
    may: frozenset[str]
    session: Session

    @property
    def userid(self) -> str:
        """The member's userid, as records name actors."""
        return self.member.userid


class SignInNeeded(Exception):
    """Nobody is signed in; `then` is the page to come back to."""

    def __init__(self, then: str) -> None:
        super().__init__(then)
        self.then = then


class PasswordChangeNeeded(Exception):
    """Somebody else set this password: a new one comes first."""


class NotAllowed(Exception):
    """The member's role does not include this page."""

    def __init__(self, needed: str) -> None:
        super().__init__(needed)
        self.needed = needed


def console_of(request: Request) -> Console:
    """The console that serves this request."""
    console: Console = request.app.state.console
    return console


def signed_in(request: Request) -> Viewer:
    """Whoever has a living session, whatever they may do. Raises: SignInNeeded."""
    known: Viewer | None = getattr(request.state, "viewer", None)
    if known is not None:
        return known
    console = console_of(request)
    secret = request.cookies.get(COOKIE, "")
    found = console.signing_in.signed_in(secret, now=console.services.now()) if secret else None
    if found is None:
        raise SignInNeeded(_place(request))
    session, member = found
    scope = console.services.asking.scope_of(member)
    viewer = Viewer(member, scope, session.csrf, MAY.get(member.role, frozenset()), session)
    request.state.viewer = viewer
    return viewer


SignedIn = Annotated[Viewer, Depends(signed_in)]


def current_viewer(request: Request, viewer: SignedIn) -> Viewer:
    """Whoever may read the console. Raises: PasswordChangeNeeded, NotAllowed."""
    password = console_of(request).services.records.accounts.password(viewer.userid)
    if password is not None and password.must_change:
        raise PasswordChangeNeeded
    return _with(viewer, READ)


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]


def curator(viewer: CurrentViewer) -> Viewer:
    """Whoever may write knowledge. Raises: NotAllowed."""
    return _with(viewer, CURATE)


def approver(viewer: CurrentViewer) -> Viewer:
    """Whoever may let knowledge out. Raises: NotAllowed."""
    return _with(viewer, APPROVE)


def officer(viewer: CurrentViewer) -> Viewer:
    """Whoever may look into the audit log. Raises: NotAllowed."""
    return _with(viewer, OVERSEE)


def admin(viewer: CurrentViewer) -> Viewer:
    """Whoever may register members and branches. Raises: NotAllowed."""
    return _with(viewer, ADMINISTER)


Curator = Annotated[Viewer, Depends(curator)]
Approver = Annotated[Viewer, Depends(approver)]
Officer = Annotated[Viewer, Depends(officer)]
Admin = Annotated[Viewer, Depends(admin)]


def _with(viewer: Viewer, needed: str) -> Viewer:
    if needed not in viewer.may:
        raise NotAllowed(needed)
    return viewer


def sign_in_address(then: str) -> str:
    """Where to sign in, and to come back from."""
    return f"{HOME}/sign-in?next={quote(then, safe='')}" if then else f"{HOME}/sign-in"


def _place(request: Request) -> str:
    """The page that was asked for; for a part of a page, the page that asked."""
    if request.method not in ("GET", "HEAD") or request.headers.get("HX-Request"):
        return ""
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query
