"""Passwords and console sessions: only hashes of either are stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from assistant.records.tables import passwords, sessions
from knowledge.stores.database import Database
from knowledge.stores.statements import upsert

FREE_FAILURES = 4  # the fifth in a row locks
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
IDLE = timedelta(hours=8)
LONGEST_SESSION = timedelta(hours=24)
_SEEN_EVERY = timedelta(minutes=1)  # a write for each page would cost more than it tells


@dataclass(frozen=True, slots=True)
class Password:
    """A member's password as argon2id hash. `failed`: wrong attempts in a row; `must_change`: somebody else set it."""

    userid: str
    hash: str
    changed_at: datetime
    must_change: bool = False
    failed: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One browser of one member, until signed out. `csrf` is what its forms must carry."""

    session_hash: str
    userid: str
    csrf: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    def alive(self, now: datetime) -> bool:
        """Whether it still opens doors: used within IDLE, and not older than LONGEST_SESSION."""
        return now < self.expires_at and now < self.seen_at + IDLE


@dataclass(frozen=True)
class Accounts:
    """Stored passwords and sessions."""

    database: Database

    def password(self, userid: str) -> Password | None:
        """The password row of a member, None when none was ever set."""
        with self.database.reading() as conn:
            row = conn.execute(select(passwords).where(passwords.c.userid == userid)).one_or_none()
        return None if row is None else Password(**row._mapping)

    def save_password(self, conn: Connection, password: Password) -> None:
        """Set or replace a password in the caller's transaction."""
        upsert(conn, passwords, ("userid",), asdict(password))

    def count_attempt(self, conn: Connection, userid: str, *, now: datetime) -> Password | None:
        """Count an attempt as wrong before it is looked at, so that many at once win nothing.

        Returns: the row as it was before, or None when there is none or it is locked (then nothing is counted).
        """
        query = select(passwords).where(passwords.c.userid == userid).with_for_update()
        row = conn.execute(query).one_or_none()
        if row is None:
            return None
        known = Password(**row._mapping)
        if known.locked_until is not None and now < known.locked_until:
            return None
        failed = known.failed + 1
        changed = {"failed": failed, "locked_until": _lock_after(failed, now)}
        conn.execute(update(passwords).where(passwords.c.userid == userid).values(**changed))
        return known

    def forgive(self, conn: Connection, userid: str) -> None:
        """The right password was given: no failures, no lock."""
        conn.execute(update(passwords).where(passwords.c.userid == userid).values(failed=0, locked_until=None))

    def open_session(self, conn: Connection, userid: str, *, now: datetime) -> str:
        """Begin a session; returns its secret, which is readable only this once."""
        conn.execute(delete(sessions).where(sessions.c.userid == userid, sessions.c.expires_at <= now))
        secret = secrets.token_urlsafe(32)
        opened = Session(_hash(secret), userid, secrets.token_urlsafe(32), now, now, now + LONGEST_SESSION)
        conn.execute(sessions.insert(), asdict(opened))
        return secret

    def session(self, secret: str, *, now: datetime) -> Session | None:
        """The living session behind a secret; None when unknown, idle for too long, too old or ended."""
        with self.database.reading() as conn:
            row = conn.execute(select(sessions).where(sessions.c.session_hash == _hash(secret))).one_or_none()
        found = None if row is None else Session(**row._mapping)
        return found if found is not None and found.alive(now) else None

    def note_seen(self, session: Session, *, now: datetime) -> None:
        """Roll the idle time, at most once a minute."""
        if now - session.seen_at < _SEEN_EVERY:
            return
        with self.database.writing() as conn:
            mine = sessions.c.session_hash == session.session_hash
            conn.execute(update(sessions).where(mine).values(seen_at=now))

    def end_session(self, conn: Connection, session_hash: str) -> None:
        """Sign one browser out."""
        conn.execute(delete(sessions).where(sessions.c.session_hash == session_hash))

    def end_sessions(self, conn: Connection, userid: str) -> int:
        """Sign a member out everywhere; returns how many sessions ended."""
        return conn.execute(delete(sessions).where(sessions.c.userid == userid)).rowcount


def _lock_after(failed: int, now: datetime) -> datetime | None:
    if failed <= FREE_FAILURES:
        return None
    doublings = min(failed - FREE_FAILURES - 1, 16)
    return now + min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
