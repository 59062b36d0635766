"""Members of the bank who use the assistant, their branches, and the tokens of their programs."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from assistant.records.tables import branches, staff, tokens
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent, upsert


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One member. `source`: sample, wecom (wrote for the first time), console or cli; `lines`: product lines."""

    userid: str
    name: str
    role: str
    branch_id: str | None
    created_at: datetime
    persona: str | None = None
    active: bool = True
    source: str = "cli"
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and the one above it."""

    branch_id: str
    name: str
    parent: str | None = None


@dataclass(frozen=True)
class Staff:
    """Stored members and branches."""

    database: Database

    def save(self, conn: Connection, member: StaffMember) -> None:
        """Add or replace a member in the caller's transaction."""
        upsert(conn, staff, ("userid",), asdict(member))

    def add_if_new(self, conn: Connection, member: StaffMember) -> bool:
        """Add a member unless the userid is known. False: known."""
        return insert_if_absent(conn, staff, ("userid",), asdict(member)) == 1

    def get(self, userid: str) -> StaffMember | None:
        """One member, active or not."""
        with self.database.reading() as conn:
            row = conn.execute(select(staff).where(staff.c.userid == userid)).one_or_none()
        return None if row is None else _member(row)

    def all(self, *, role: str | None = None) -> list[StaffMember]:
        """Members by userid, of one role if it is given."""
        query = select(staff).order_by(staff.c.userid)
        if role is not None:
            query = query.where(staff.c.role == role)
        with self.database.reading() as conn:
            return [_member(row) for row in conn.execute(query)]

    def save_branch(self, conn: Connection, branch: Branch) -> None:
        """Add or replace a branch in the caller's transaction."""
        upsert(conn, branches, ("branch_id",), asdict(branch))

    def branches(self) -> list[Branch]:
        """All branches by id."""
        with self.database.reading() as conn:
            rows = conn.execute(select(branches).order_by(branches.c.branch_id)).all()
        return [Branch(**row._mapping) for row in rows]


@dataclass(frozen=True)
class ApiTokens:
    """Secrets of programs that call the API; only their hashes are stored."""

    database: Database

    def create(self, userid: str, name: str, *, now: datetime, conn: Connection) -> str:
        """Make a token for a member; this is the only time that it can be read."""
        secret = f"wn_{secrets.token_urlsafe(32)}"
        conn.execute(tokens.insert(), {"token_hash": _hash(secret), "userid": userid, "name": name, "created_at": now})
        return secret

    def userid_of(self, secret: str) -> str | None:
        """Whose token this is; None when unknown or revoked."""
        query = select(tokens.c.userid).where(tokens.c.token_hash == _hash(secret), tokens.c.revoked_at.is_(None))
        with self.database.reading() as conn:
            return conn.execute(query).scalar_one_or_none()

    def revoke(self, conn: Connection, userid: str, name: str, *, now: datetime) -> int:
        """End the tokens of that name; returns how many."""
        mine = (tokens.c.userid == userid, tokens.c.name == name, tokens.c.revoked_at.is_(None))
        return conn.execute(update(tokens).where(*mine).values(revoked_at=now)).rowcount

    def revoke_all(self, conn: Connection, userid: str, *, now: datetime) -> int:
        """End every token of a member; returns how many."""
        mine = (tokens.c.userid == userid, tokens.c.revoked_at.is_(None))
        return conn.execute(update(tokens).where(*mine).values(revoked_at=now)).rowcount


def _member(row: Row[Any]) -> StaffMember:
    return StaffMember(**{**row._mapping, "lines": tuple(row.lines)})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
