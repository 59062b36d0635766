"""Commands about members, their passwords and their branches."""

from __future__ import annotations

from app import give_demo_passwords
from tests.unit.connectors.cli.house import House


def events(house: House, subject: str) -> list[str]:
    with house.services() as services:
        return [entry.event for entry in services.records.audit.of_subject(subject)]


def test_a_password_read_from_standard_input_opens_the_console(house: House) -> None:
    from assistant.signing_in import SigningIn

    house.told("user", "password", "curator1", input="春江花月夜一二三四五\n")
    with house.services() as services:
        assert SigningIn(services.records).sign_in("curator1", "春江花月夜一二三四五", now=services.now())
        kept = services.records.accounts.password("curator1")
    assert kept is not None
    assert kept.must_change
    assert "password_set" in events(house, "curator1")


def test_a_weak_password_is_refused_and_a_made_one_is_shown_once(house: House) -> None:
    assert "password_too_weak" in house.told("user", "password", "curator1", input="short\n", exit_code=1)
    assert "staff_unknown" in house.told("user", "password", "nobody", "--generate", exit_code=1)
    made = house.json("user", "password", "curator1", "--generate")
    assert len(made["password"]) >= 16


def test_whoever_leaves_loses_sessions_and_tokens_at_once(house: House) -> None:
    from assistant.signing_in import SigningIn

    token = house.json("token", "create", "curator1", "--name", "crm")["token"]
    house.told("user", "password", "curator1", input="correct horse battery\n")
    with house.services() as services:
        signing_in = SigningIn(services.records)
        secret = signing_in.sign_in("curator1", "correct horse battery", now=services.now())
    house.told("user", "disable", "curator1")
    with house.services() as services:
        assert SigningIn(services.records).signed_in(secret, now=services.now()) is None
        assert services.records.api_tokens.userid_of(token) is None
    assert events(house, "curator1")[-1] == "staff_changed"


def test_branches_are_added_moved_and_never_stand_below_themselves(house: House) -> None:
    house.told("branch", "add", "b1", "--name", "一支行", "--parent", "linjiang")
    house.told("branch", "add", "b2", "--name", "二支行", "--parent", "b1")
    assert "branch_not_movable" in house.told("branch", "add", "b1", "--name", "一支行", "--parent", "b2", exit_code=1)
    assert "branch_missing" in house.told("branch", "add", "b3", "--name", "三", "--parent", "x", exit_code=1)
    rows = {row["branch_id"]: row for row in house.json("branch", "list")["branches"]}
    assert rows["b2"] == {"branch_id": "b2", "name": "二支行", "parent": "b1"}
    assert "b3" not in rows


def test_the_demo_keeps_the_first_passwords_of_its_middle_office(house: House) -> None:
    with house.services() as services:
        first = give_demo_passwords(services)
        assert give_demo_passwords(services) == first
    assert {"curator1", "curator2", "officer1", "head1", "admin1"} == set(first)
    assert (house.home / "demo-passwords.json").stat().st_mode & 0o777 == 0o600
