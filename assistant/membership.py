"""Who belongs to the bank and where: every change with its audit row, and at once for whoever leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from assistant.errors import BranchNotMovable, BranchUnknown, OwnAccountProtected, RoleUnknown
from assistant.records.records import Records
from assistant.records.staff import Branch, StaffMember
from assistant.records.tables import branches

ADMIN = "admin"
ROLES = ("relationship_manager", "curator", "compliance_officer", "head_of_retail", ADMIN)


@dataclass(frozen=True)
class Membership:
    """Changes to members and branches."""

    records: Records

    def save_member(self, member: StaffMember, *, by: str, now: datetime) -> None:
        """Add a member or change one. With another role or none, sessions end; whoever leaves also loses tokens.

        Raises: RoleUnknown, BranchUnknown; OwnAccountProtected when `by` would lock themselves out.
        """
        if member.role not in ROLES:
            raise RoleUnknown(role=member.role)
        before = self.records.staff.get(member.userid)
        if before is not None and by == member.userid and _loses(before, member):
            raise OwnAccountProtected(userid=by)
        with self.records.database.writing() as conn:
            if member.branch_id is not None and member.branch_id not in _branches(conn):
                raise BranchUnknown(branch_id=member.branch_id)
            self.records.staff.save(conn, member)
            if before is not None and (before.role != member.role or not member.active):
                self.records.accounts.end_sessions(conn, member.userid)
            if not member.active:
                self.records.api_tokens.revoke_all(conn, member.userid, now=now)
            event = "staff_registered" if before is None else "staff_changed"
            body = {"now": _shown(member), **({} if before is None else {"before": _shown(before)})}
            self.records.audit.append(conn, actor=by, event=event, subject=member.userid, body=body, now=now)

    def save_branch(self, branch: Branch, *, by: str, now: datetime) -> None:
        """Add a branch, rename it or move it. Raises: BranchUnknown for its parent, BranchNotMovable below itself."""
        with self.records.database.writing() as conn:
            known = _branches(conn, lock=True)
            if branch.parent is not None and branch.parent not in known:
                raise BranchUnknown(branch_id=branch.parent)
            before = known.get(branch.branch_id)
            if branch.branch_id in _upwards(branch.parent, known):
                raise BranchNotMovable(branch_id=branch.branch_id)
            self.records.staff.save_branch(conn, branch)
            event = "branch_added" if before is None else "branch_changed"
            body = {"parent": branch.parent, **({} if before is None else {"parent_before": before.parent})}
            self.records.audit.append(conn, actor=by, event=event, subject=branch.branch_id, body=body, now=now)


def _branches(conn: Connection, *, lock: bool = False) -> dict[str, Branch]:
    query = select(branches).order_by(branches.c.branch_id)
    rows = conn.execute(query.with_for_update() if lock else query).all()
    return {row.branch_id: Branch(**row._mapping) for row in rows}


def _upwards(start: str | None, known: dict[str, Branch]) -> list[str]:
    """A branch and all above it; ends also where stored rows go in a circle."""
    way: list[str] = []
    while start is not None and start not in way:
        way.append(start)
        start = known[start].parent if start in known else None
    return way


def _loses(before: StaffMember, after: StaffMember) -> bool:
    return not after.active or (before.role == ADMIN and after.role != ADMIN)


def _shown(member: StaffMember) -> dict[str, object]:
    """What the audit log may hold: codes, no names."""
    return {
        "role": member.role,
        "branch_id": member.branch_id,
        "persona": member.persona,
        "active": member.active,
        "lines": list(member.lines),
    }
