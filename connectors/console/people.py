"""Members and branches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from assistant.errors import AssistantError, StaffUnknown
from assistant.membership import ROLES, Membership
from assistant.product_lines import lines_said
from assistant.records.staff import Branch, StaffMember
from assistant.signing_in import one_time_password
from assistant.wording import load_toml
from connectors.console.audience import Choice, line_choices
from connectors.console.failing import sentence
from connectors.console.rendering import go, render
from connectors.console.viewing import HOME, MAY, Admin, Viewer
from connectors.services import Services

if TYPE_CHECKING:
    from connectors.console.console import Console

ROWS = 50
_USERID = r"^[A-Za-z0-9._@-]{1,64}$"
Pairs = tuple[tuple[str, str], ...]


class MemberForm(BaseModel):
    """A member as filled in. `known`: the form of one who is registered; `more_lines`: lines typed in, not ticked."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)
    userid: str = Field(pattern=_USERID)
    name: str = Field(min_length=1, max_length=64)
    role: str = "relationship_manager"
    branch_id: str = Field("", max_length=64)
    persona: str = Field("", max_length=32)
    lines: list[str] = Field([], max_length=100)
    more_lines: str = Field("", max_length=400)
    active: bool = False
    known: bool = False

    def line_codes(self) -> tuple[str, ...]:
        """The product lines, each once, in their order."""
        return lines_said(" ".join((*self.lines, self.more_lines)))


class PeopleQuery(BaseModel):
    """What the address of the list says."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)
    q: str = ""
    role: str = ""
    branch: str = ""
    page: int = Field(1, ge=1, le=10**6)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One member in the list."""

    member: StaffMember
    branch: str
    address: str


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Members that fit, `total` in all; the page's addresses are empty where there is nothing."""

    rows: tuple[PersonRow, ...]
    total: int
    wanted: PeopleQuery
    roles: Pairs
    branches: Pairs
    previous: str
    next: str


@dataclass(frozen=True, slots=True)
class MemberPage:
    """One member's form. `password` is shown this once; `console`: the role may sign in here at all."""

    member: StaffMember
    known: bool
    roles: Pairs
    branches: Pairs
    lines: tuple[Choice, ...]
    console: bool
    has_password: bool = False
    problem: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class BranchNode:
    """A branch, how many members it has, and the branches below it."""

    branch: Branch
    members: int
    below: tuple[BranchNode, ...]


@dataclass(frozen=True, slots=True)
class BranchesPage:
    """The tree of branches."""

    roots: tuple[BranchNode, ...]
    branches: Pairs
    problem: str = ""


def routes(console: Console) -> APIRouter:
    """The routes of these pages."""
    router = APIRouter()

    @router.get("/people")
    def people(request: Request, viewer: Admin, query: Annotated[PeopleQuery, Query()]) -> Response:
        return render(request, "people.html", _people(console.services, query), viewer)

    @router.get("/people/member")
    def member(request: Request, viewer: Admin, userid: str = "") -> Response:
        return render(request, "member.html", _member_page(console.services, userid), viewer)

    @router.post("/people/member")
    def save(request: Request, viewer: Admin, form: Annotated[MemberForm, Form()]) -> Response:
        return _save(console.services, request, viewer, form)

    @router.post("/people/password")
    def password(request: Request, viewer: Admin, userid: Annotated[str, Form()]) -> Response:
        services = console.services
        page = _member_page(services, userid)
        secret = one_time_password()
        console.signing_in.set_password(userid, secret, by=viewer.userid, now=services.now())
        return render(request, "member.html", replace(page, password=secret, has_password=True), viewer)

    @router.get("/people/branches")
    def branches(request: Request, viewer: Admin) -> Response:
        return render(request, "branches.html", _branches_page(console.services), viewer)

    @router.post("/people/branches")
    def save_branch(
        request: Request,
        viewer: Admin,
        branch_id: Annotated[str, Form(pattern=_USERID)],
        name: Annotated[str, Form(min_length=1, max_length=64)],
        parent: Annotated[str, Form(max_length=64)] = "",
        known: Annotated[bool, Form()] = False,
    ) -> Response:
        services = console.services
        try:
            if not known and branch_id in {row.branch_id for row in services.records.staff.branches()}:
                raise _Taken(branch_id=branch_id)
            branch = Branch(branch_id, name.strip() or branch_id, parent or None)
            Membership(services.records).save_branch(branch, by=viewer.userid, now=services.now())
        except AssistantError as error:
            page = _branches_page(services, sentence(error.code, error.ids))
            return render(request, "branches.html", page, viewer, 422)
        return go(request, "/people/branches", said="branch_saved")

    return router


class _Taken(AssistantError):
    """This id is used already."""

    code = "id_taken"


def _save(services: Services, request: Request, viewer: Viewer, form: MemberForm) -> Response:
    before = services.records.staff.get(form.userid)
    made = StaffMember(
        userid=form.userid,
        name=form.name,
        role=form.role,
        branch_id=form.branch_id or None,
        created_at=before.created_at if before else services.now(),
        persona=form.persona or None,
        active=form.active,
        source=before.source if before else "console",
        lines=form.line_codes(),
    )
    try:
        if before is not None and not form.known:
            raise _Taken(userid=form.userid)
        Membership(services.records).save_member(made, by=viewer.userid, now=services.now())
    except AssistantError as error:
        page = _form_of(services, made, form.known, sentence(error.code, error.ids))
        return render(request, "member.html", page, viewer, 422)
    return go(request, "/people/member", userid=made.userid, said="member_saved")


def _people(services: Services, query: PeopleQuery) -> PeoplePage:
    members = services.records.staff.all(role=query.role or None)
    branches = {branch.branch_id: branch.name for branch in services.records.staff.branches()}
    words = query.q.casefold()
    fitting = [
        each
        for each in members
        if (not words or words in each.userid.casefold() or words in each.name.casefold())
        and (not query.branch or each.branch_id == query.branch)
    ]
    first = (query.page - 1) * ROWS
    rows = tuple(
        PersonRow(each, branches.get(each.branch_id or "", each.branch_id or ""), _member_address(each.userid))
        for each in fitting[first : first + ROWS]
    )
    kept = {name: value for name, value in query.model_dump(exclude={"page"}).items() if value}

    def address(number: int) -> str:
        return f"{HOME}/people?{urlencode({**kept, 'page': number})}"

    previous = address(query.page - 1) if query.page > 1 else ""
    following = address(query.page + 1) if first + ROWS < len(fitting) else ""
    return PeoplePage(rows, len(fitting), query, _roles(), tuple(branches.items()), previous, following)


def _member_page(services: Services, userid: str) -> MemberPage:
    if not userid:
        return _form_of(services, StaffMember("", "", ROLES[0], None, services.now()), known=False)
    member = services.records.staff.get(userid)
    if member is None:
        raise StaffUnknown(userid=userid)
    return _form_of(services, member, known=True)


def _form_of(services: Services, member: StaffMember, known: bool, problem: str = "") -> MemberPage:
    branches = tuple((branch.branch_id, branch.name) for branch in services.records.staff.branches())
    has_password = known and services.records.accounts.password(member.userid) is not None
    console = bool(MAY.get(member.role))
    lines = line_choices(services.records.staff, member.lines)
    return MemberPage(member, known, _roles(), branches, lines, console, has_password, problem)


def _branches_page(services: Services, problem: str = "") -> BranchesPage:
    branches = services.records.staff.branches()
    counts: dict[str | None, int] = {}
    for member in services.records.staff.all():
        counts[member.branch_id] = counts.get(member.branch_id, 0) + int(member.active)
    by_parent: dict[str | None, list[Branch]] = {}
    known = {branch.branch_id for branch in branches}
    for branch in branches:
        by_parent.setdefault(branch.parent if branch.parent in known else None, []).append(branch)

    def nodes(parent: str | None) -> tuple[BranchNode, ...]:
        return tuple(
            BranchNode(branch, counts.get(branch.branch_id, 0), nodes(branch.branch_id))
            for branch in by_parent.get(parent, [])
        )

    return BranchesPage(nodes(None), tuple((branch.branch_id, branch.name) for branch in branches), problem)


def _roles() -> Pairs:
    names: dict[str, str] = load_toml("console.zh")["roles"]
    return tuple((code, names[code]) for code in ROLES)


def _member_address(userid: str) -> str:
    return f"{HOME}/people/member?{urlencode({'userid': userid})}"
