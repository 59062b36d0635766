"""Passwords, locks and sessions of the console's accounts."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select

from assistant.errors import OwnAccountProtected, PasswordTooWeak, SignInBusy, SignInRefused
from assistant.membership import Membership
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from assistant.records.tables import passwords, sessions
from assistant.signing_in import ADMITTED, AT_ONCE, NOBODY, SigningIn, one_time_password, refuse_weak

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
GOOD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


@pytest.fixture
def signing_in(records: Records) -> SigningIn:
    made = SigningIn(records, QUICK)
    for userid, role in (("c1", "curator"), ("a1", "admin")):
        Membership(records).save_member(StaffMember(userid, userid, role, None, NOW), by="cli", now=NOW)
        made.set_password(userid, GOOD, by="cli", must_change=False, now=NOW)
    return made


def refused(signing_in: SigningIn, password: str, now: datetime, userid: str = "c1") -> bool:
    try:
        signing_in.sign_in(userid, password, now=now)
    except SignInRefused:
        return True
    return False


def test_the_right_password_opens_a_session_of_its_own_each_time(signing_in: SigningIn) -> None:
    first, second = (signing_in.sign_in("c1", GOOD, now=NOW) for _ in range(2))
    assert first != second
    found = signing_in.signed_in(first, now=NOW)
    assert found is not None
    assert found[1].userid == "c1"
    assert signing_in.signed_in("nothing", now=NOW) is None


def test_neither_password_nor_secret_nor_session_is_stored_as_it_is(signing_in: SigningIn, records: Records) -> None:
    secret = signing_in.sign_in("c1", GOOD, now=NOW)
    with records.database.reading() as conn:
        stored = str(conn.execute(select(passwords)).all()) + str(conn.execute(select(sessions)).all())
    assert GOOD not in stored
    assert secret not in stored
    assert "$argon2id$" in stored


@pytest.mark.parametrize("userid", ["nobody", "", "c1\x00", "C1", "\ud800"])
def test_an_unknown_member_is_refused_like_a_wrong_password(signing_in: SigningIn, userid: str) -> None:
    assert refused(signing_in, GOOD, NOW, userid)


def test_five_wrong_guesses_lock_for_a_quarter_of_an_hour_and_then_twice_as_long(signing_in: SigningIn) -> None:
    for _ in range(5):
        assert refused(signing_in, "wrong", NOW)
    assert refused(signing_in, GOOD, NOW + timedelta(minutes=14))
    after = NOW + timedelta(minutes=15)
    assert refused(signing_in, "wrong", after)
    assert refused(signing_in, GOOD, after + timedelta(minutes=29))
    assert not refused(signing_in, GOOD, after + timedelta(minutes=30))
    for _ in range(4):
        assert refused(signing_in, "wrong", after + timedelta(minutes=31))
    assert not refused(signing_in, GOOD, after + timedelta(minutes=31))


def test_guesses_during_a_lock_do_not_make_it_longer(signing_in: SigningIn, records: Records) -> None:
    for _ in range(20):
        assert refused(signing_in, "wrong", NOW)
    assert not refused(signing_in, GOOD, NOW + timedelta(minutes=15))
    assert [entry.event for entry in records.audit.of_subject("c1")].count("account_locked") == 1


def test_a_session_ends_when_idle_and_at_last_in_any_case(signing_in: SigningIn) -> None:
    idle = signing_in.sign_in("c1", GOOD, now=NOW)
    assert signing_in.signed_in(idle, now=NOW + timedelta(hours=8)) is None
    busy = signing_in.sign_in("c1", GOOD, now=NOW)
    for hours in range(1, 24):
        assert signing_in.signed_in(busy, now=NOW + timedelta(hours=hours)) is not None
    assert signing_in.signed_in(busy, now=NOW + timedelta(hours=24)) is None


def test_signing_out_ends_one_session_and_a_new_password_all(signing_in: SigningIn) -> None:
    first, second, third = (signing_in.sign_in("c1", GOOD, now=NOW) for _ in range(3))
    found = signing_in.signed_in(first, now=NOW)
    assert found is not None
    signing_in.sign_out(found[0], now=NOW)
    assert signing_in.signed_in(first, now=NOW) is None
    fresh = signing_in.change_password("c1", GOOD, "another fine day", now=NOW)
    assert [signing_in.signed_in(each, now=NOW) for each in (second, third)] == [None, None]
    assert signing_in.signed_in(fresh, now=NOW) is not None
    assert refused(signing_in, GOOD, NOW)


def test_whoever_changes_role_or_leaves_is_signed_out(signing_in: SigningIn, records: Records) -> None:
    membership = Membership(records)
    for change in ({"role": "head_of_retail"}, {"active": False}):
        member = records.staff.get("c1")
        assert member is not None
        secret = signing_in.sign_in("c1", GOOD, now=NOW)
        membership.save_member(replace(member, **change), by="a1", now=NOW)
        assert signing_in.signed_in(secret, now=NOW) is None
    assert refused(signing_in, GOOD, NOW)


@pytest.mark.parametrize("change", [{"role": "curator"}, {"active": False}])
def test_an_admin_cannot_lock_themselves_out(
    signing_in: SigningIn, records: Records, change: dict[str, object]
) -> None:
    member = records.staff.get("a1")
    assert member is not None
    with pytest.raises(OwnAccountProtected):
        Membership(records).save_member(replace(member, **change), by="a1", now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "short"),
        ("x" * 201, "long"),
        ("longuserid1", "userid"),
        ("ＬＯＮＧＵＳＥＲＩＤ１", "userid"),
        ("aaaaaaaaaaaaa", "monotone"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(PasswordTooWeak) as refusal:
        refuse_weak("longuserid1", password)
    assert refusal.value.ids == {"reason": reason}


def test_full_width_signs_are_the_same_password(signing_in: SigningIn) -> None:
    assert not refused(signing_in, "ｃｏｒｒｅｃｔ horse battery", NOW)


def test_one_time_passwords_differ_and_are_strong_enough() -> None:
    made = {one_time_password() for _ in range(100)}
    assert len(made) == 100
    for each in made:
        refuse_weak("curator1", each)


def test_a_crowd_at_the_door_is_sent_away_and_locks_nobody(records: Records) -> None:
    inside, go_on = threading.Semaphore(0), threading.Event()

    class Slow(PasswordHasher):
        def verify(self, *args: object) -> Literal[True]:
            inside.release()
            go_on.wait(10)
            raise VerifyMismatchError

    Membership(records).save_member(StaffMember("c1", "c1", "curator", None, NOW), by="cli", now=NOW)
    signing_in = SigningIn(records, Slow())
    with ThreadPoolExecutor(ADMITTED) as crowd:
        waiting = [crowd.submit(refused, signing_in, "guess", NOW, "nobody") for _ in range(ADMITTED)]
        for _ in range(AT_ONCE):
            assert inside.acquire(timeout=10)
        while signing_in._door._value:  # until all of them stand inside
            time.sleep(0.01)
        with pytest.raises(SignInBusy):
            signing_in.sign_in("c1", GOOD, now=NOW)
        go_on.set()
        assert all(each.result() for each in waiting)


def test_the_hash_for_unknown_members_takes_as_long_as_a_real_one() -> None:
    assert not PasswordHasher().check_needs_rehash(NOBODY)
