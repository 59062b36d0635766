"""Commands about members of staff and the tokens of their programs."""

from __future__ import annotations

import enum
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.cli.door import Door
from connectors.cli.failing import CommandFailed
from connectors.cli.options import AsJson
from connectors.cli.output import emit, labels, remark, show, show_table, words

if TYPE_CHECKING:
    from assistant.records.staff import StaffMember
    from connectors.services import Services

ACTOR = "cli"


class Role(enum.StrEnum):
    """What a member does in the bank."""

    RELATIONSHIP_MANAGER = "relationship_manager"
    CURATOR = "curator"
    COMPLIANCE_OFFICER = "compliance_officer"
    HEAD_OF_RETAIL = "head_of_retail"
    ADMIN = "admin"


def user_add(
    ctx: typer.Context,
    userid: Annotated[str, typer.Argument(metavar="USERID", help="The member's userid in WeCom.")],
    name: Annotated[str, typer.Option("--name", help="Name as people say it.")],
    role: Annotated[Role, typer.Option("--role")] = Role.RELATIONSHIP_MANAGER,
    branch: Annotated[str | None, typer.Option("--branch", metavar="BRANCH_ID")] = None,
    persona: Annotated[str | None, typer.Option("--persona", help="How experienced: 新进, 一般, 优秀, 老手...")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change a member who is registered.")] = False,
    as_json: AsJson = False,
) -> None:
    """Register a member of staff."""
    from assistant.membership import Membership
    from assistant.records.staff import StaffMember

    if not userid.strip() or not name.strip():
        raise typer.BadParameter("USERID 和 --name 不能是空的")
    door: Door = ctx.obj
    with door.open_services() as services:
        _refuse_unknown_branch(services, branch)
        known = services.records.staff.get(userid)
        if known is not None and not replace:
            raise CommandFailed("user_exists", userid=userid)
        now = services.now()
        created, lines = (known.created_at, known.lines) if known else (now, ())
        member = StaffMember(userid, name, role.value, branch, created, persona, lines=lines)
        Membership(services.records).save_member(member, by=ACTOR, now=now)
    if as_json:
        emit(_member_json(member))
    else:
        show(words("user.added", userid=userid, name=name, role=labels("roles")[role.value]))


def user_list(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List members of staff."""
    door: Door = ctx.obj
    with door.open_services() as services:
        members = services.records.staff.all()
        branches = {branch.branch_id: branch.name for branch in services.records.staff.branches()}
    if as_json:
        emit({"staff": [_member_json(member) for member in members]})
        return
    roles, states = labels("roles"), labels("member_states")
    rows = [
        (m.userid, m.name, roles.get(m.role, m.role), branches.get(m.branch_id or "", m.branch_id), m.persona,
         states["active" if m.active else "inactive"], m.source)
        for m in members
    ]  # fmt: skip
    show_table(list(labels("user_columns").values()), rows)


def user_password(
    ctx: typer.Context,
    userid: Annotated[str, typer.Argument(metavar="USERID")],
    generate: Annotated[bool, typer.Option("--generate", help="Make a one-time password and print it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set a member's password for the console; it is changed with the first sign-in. Read from a prompt or stdin."""
    from assistant.signing_in import SigningIn, one_time_password
    from connectors.cli.drafts import member_scope

    password = one_time_password() if generate else _asked_password()
    door: Door = ctx.obj
    with door.open_services() as services:
        member_scope(services, userid)  # refuses whoever is unknown or inactive
        SigningIn(services.records).set_password(userid, password, by=ACTOR, now=services.now())
    if as_json:
        emit({"userid": userid, **({"password": password} if generate else {})})
        return
    if generate:
        show(password)
    remark(words("user.password_set", userid=userid))


def user_disable(
    ctx: typer.Context,
    userid: Annotated[str, typer.Argument(metavar="USERID")],
    as_json: AsJson = False,
) -> None:
    """Take all access from a member at once: chat, console sessions and tokens. `user add --replace` gives it back."""
    from assistant.errors import StaffUnknown
    from assistant.membership import Membership

    door: Door = ctx.obj
    with door.open_services() as services:
        member = services.records.staff.get(userid)
        if member is None:
            raise StaffUnknown(userid=userid)
        member = replace(member, active=False)
        Membership(services.records).save_member(member, by=ACTOR, now=services.now())
    if as_json:
        emit(_member_json(member))
    else:
        show(words("user.disabled", userid=userid))


def branch_add(
    ctx: typer.Context,
    branch_id: Annotated[str, typer.Argument(metavar="BRANCH_ID")],
    name: Annotated[str, typer.Option("--name", help="Name as people say it.")],
    parent: Annotated[str | None, typer.Option("--parent", metavar="BRANCH_ID", help="The branch above it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a branch, or rename and move one that is there."""
    from assistant.membership import Membership
    from assistant.records.staff import Branch

    if not branch_id.strip() or not name.strip():
        raise typer.BadParameter("BRANCH_ID 和 --name 不能是空的")
    door: Door = ctx.obj
    branch = Branch(branch_id, name, parent)
    with door.open_services() as services:
        Membership(services.records).save_branch(branch, by=ACTOR, now=services.now())
    if as_json:
        emit(asdict(branch))
    else:
        show(words("branch.saved", branch_id=branch_id, name=name))


def branch_list(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List branches."""
    door: Door = ctx.obj
    with door.open_services() as services:
        branches = services.records.staff.branches()
    if as_json:
        emit({"branches": [asdict(branch) for branch in branches]})
        return
    show_table(list(labels("branch_columns").values()), [(b.branch_id, b.name, b.parent) for b in branches])


def _asked_password() -> str:
    import sys

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt(words("user.ask_password"), hide_input=True, confirmation_prompt=True, err=True))


def token_create(
    ctx: typer.Context,
    userid: Annotated[str, typer.Argument(metavar="USERID")],
    name: Annotated[str, typer.Option("--name", help="What the token is for, e.g. crm.")],
    as_json: AsJson = False,
) -> None:
    """Make a token for a program that acts as this member; it is shown only once."""
    from connectors.cli.drafts import member_scope

    door: Door = ctx.obj
    with door.open_services() as services:
        member_scope(services, userid)  # refuses whoever is unknown or inactive
        now = services.now()
        with services.records.database.writing() as conn:
            secret = services.records.api_tokens.create(userid, name, now=now, conn=conn)
            services.records.audit.append(
                conn, actor=ACTOR, event="token_created", subject=userid, body={"name": name}, now=now
            )
    if as_json:
        emit({"userid": userid, "name": name, "token": secret})
        return
    show(secret)
    remark(words("token.created"))


def require_role(services: Services, userid: str, needed: tuple[Role, ...]) -> StaffMember:
    """The active member with one of these roles. Raises: StaffUnknown, StaffInactive, CommandFailed."""
    from connectors.cli.drafts import member_scope

    member_scope(services, userid)
    member = services.records.staff.get(userid)
    roles = labels("roles")
    if member is None or member.role not in {role.value for role in needed}:
        held = roles.get(member.role, member.role) if member else "-"
        names = "、".join(roles[role.value] for role in needed)
        raise CommandFailed("role_not_allowed", userid=userid, role=held, needed=names)
    return member


def _refuse_unknown_branch(services: Services, branch: str | None) -> None:
    known = [row.branch_id for row in services.records.staff.branches()]
    if branch is not None and branch not in known:
        raise CommandFailed("branch_unknown", branch_id=branch, known="、".join(known) or "-")


def _member_json(member: StaffMember) -> dict[str, object]:
    return {**asdict(member), "created_at": member.created_at.isoformat()}
