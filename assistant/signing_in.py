"""Signing in with a local account: who may enter, with which password, and how many guesses there are."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from assistant.errors import PasswordTooWeak, SignInBusy, SignInRefused
from assistant.records.accounts import FREE_FAILURES, Password, Session
from assistant.records.records import Records
from assistant.records.staff import StaffMember

SHORTEST = 10
LONGEST = 200
AT_ONCE = 2  # each check takes 64 MiB for its time
ADMITTED = 8  # whoever comes while so many are at the door is sent away: waiting would take the web process's threads
_WITHOUT_DOUBLES = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
# The hash of a password that nobody has: what an unknown member is checked against, so that the answer takes as long.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$8DemTzW6T3ZDW33xJ0JOvw$kLW3cpvGmCC8HRvY1jJ9Shi/cqtKOmaLFENcb6kG1ks"


@dataclass(frozen=True)
class SigningIn:
    """Passwords checked, sessions begun and ended."""

    records: Records
    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _room: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    _door: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(ADMITTED))

    def sign_in(self, userid: str, password: str, *, now: datetime) -> str:
        """Begin a session; returns its secret. Raises: SignInRefused, the same for every reason; SignInBusy."""
        with self._admitted():
            return self._sign_in(userid, password, now=now)

    def _sign_in(self, userid: str, password: str, *, now: datetime) -> str:
        accounts, member = self.records.accounts, self.records.staff.get(userid)
        with self.records.database.writing() as conn:
            known = accounts.count_attempt(conn, userid, now=now)
        right = self._matches(known.hash if known else NOBODY, password)
        if known is None or not right or member is None or not member.active:
            self._note_lock(known, now=now)
            raise SignInRefused
        with self.records.database.writing() as conn:
            accounts.forgive(conn, userid)
            secret = accounts.open_session(conn, userid, now=now)
            self.records.audit.append(conn, actor=userid, event="signed_in", subject=userid, body={}, now=now)
        return secret

    def signed_in(self, secret: str, *, now: datetime) -> tuple[Session, StaffMember] | None:
        """The session behind a cookie and its active member, or None."""
        session = self.records.accounts.session(secret, now=now)
        member = self.records.staff.get(session.userid) if session else None
        if session is None or member is None or not member.active:
            return None
        self.records.accounts.note_seen(session, now=now)
        return session, member

    def sign_out(self, session: Session, *, now: datetime) -> None:
        """End this session."""
        with self.records.database.writing() as conn:
            self.records.accounts.end_session(conn, session.session_hash)
            self.records.audit.append(
                conn, actor=session.userid, event="signed_out", subject=session.userid, body={}, now=now
            )

    def change_password(self, userid: str, old: str, new: str, *, now: datetime) -> str:
        """A member's own change: every session ends, a new one begins. Returns: its secret.

        Raises: SignInRefused when `old` is wrong or the account locked, PasswordTooWeak, SignInBusy.
        """
        refuse_weak(userid, new, old=old)
        with self._admitted():
            return self._change_password(userid, old, new, now=now)

    def _change_password(self, userid: str, old: str, new: str, *, now: datetime) -> str:
        with self.records.database.writing() as conn:
            known = self.records.accounts.count_attempt(conn, userid, now=now)
        if known is None or not self._matches(known.hash, old):
            self._note_lock(known, now=now)
            raise SignInRefused
        hashed = self._hashed(new)
        with self.records.database.writing() as conn:
            self.records.accounts.save_password(conn, Password(userid, hashed, now))
            self.records.accounts.end_sessions(conn, userid)
            secret = self.records.accounts.open_session(conn, userid, now=now)
            self.records.audit.append(conn, actor=userid, event="password_changed", subject=userid, body={}, now=now)
        return secret

    def set_password(self, userid: str, password: str, *, by: str, must_change: bool = True, now: datetime) -> None:
        """Set somebody's password and sign them out everywhere. Raises: PasswordTooWeak."""
        refuse_weak(userid, password)
        hashed = self._hashed(password)
        with self.records.database.writing() as conn:
            self.records.accounts.save_password(conn, Password(userid, hashed, now, must_change))
            self.records.accounts.end_sessions(conn, userid)
            body = {"must_change": must_change}
            self.records.audit.append(conn, actor=by, event="password_set", subject=userid, body=body, now=now)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if not self._door.acquire(blocking=False):
            raise SignInBusy
        try:
            yield
        finally:
            self._door.release()

    def _matches(self, hashed: str, password: str) -> bool:
        with self._room:
            try:
                return self.hasher.verify(hashed, _folded(password))
            except VerificationError:
                return False

    def _hashed(self, password: str) -> str:
        with self._room:
            return self.hasher.hash(_folded(password))

    def _note_lock(self, before: Password | None, *, now: datetime) -> None:
        if before is None or before.failed < FREE_FAILURES:
            return
        with self.records.database.writing() as conn:
            body = {"failed": before.failed + 1}
            self.records.audit.append(
                conn, actor="console", event="account_locked", subject=before.userid, body=body, now=now
            )


def refuse_weak(userid: str, password: str, *, old: str = "") -> None:
    """Raises: PasswordTooWeak with a reason: short, long, userid, monotone, same."""
    folded = _folded(password)
    reason = ""
    if len(folded) < SHORTEST:
        reason = "short"
    elif len(folded) > LONGEST:
        reason = "long"
    elif folded.casefold().replace(userid.casefold(), "", 1).strip() == "" or folded.casefold() == userid.casefold():
        reason = "userid"
    elif len(set(folded)) < SHORTEST // 2:
        reason = "monotone"
    elif old and folded == _folded(old):
        reason = "same"
    if reason:
        raise PasswordTooWeak(reason=reason)


def one_time_password() -> str:
    """A password for handing over: 16 signs that cannot be mistaken for each other, in fours."""
    signs = [secrets.choice(_WITHOUT_DOUBLES) for _ in range(16)]
    return "-".join("".join(signs[at : at + 4]) for at in range(0, 16, 4))


def _folded(password: str) -> str:
    """The same password from every keyboard: full-width signs of an input method count as the plain ones."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 10])
