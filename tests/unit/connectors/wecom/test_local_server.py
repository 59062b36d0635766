"""The local WeCom is as strict as the real one, so that what works with it works there."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connectors.wecom.local_state import LocalWeCom
from tests.unit.connectors.wecom.conftest import AGENT, CORP, SECRET, MovableClock

BUTTONS = [{"text": "采用", "key": "accepted:1"}, {"text": "换一版", "key": "another:1"}]
CARD = {
    "card_type": "button_interaction",
    "main_title": {"title": "草稿"},
    "task_id": "t1",
    "button_list": BUTTONS,
}


class Caller:
    """A program that calls the API by hand."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.token = self.get("gettoken", corpid=CORP, corpsecret=SECRET)["access_token"]

    def get(self, path: str, **params: str) -> dict[str, Any]:
        answer: dict[str, Any] = requests.get(self.base + path, params=params, timeout=5).json()
        return answer

    def post(self, path: str, body: Any, token: str | None = None) -> dict[str, Any]:
        params = {"access_token": self.token if token is None else token}
        answer: dict[str, Any] = requests.post(self.base + path, params=params, json=body, timeout=5).json()
        return answer

    def send(self, msgtype: str, content: Any, **changes: Any) -> dict[str, Any]:
        message = {"touser": "rm001", "agentid": AGENT, "msgtype": msgtype, msgtype: content}
        return self.post("message/send", {**message, **changes})


@pytest.fixture
def caller(api_base: str) -> Caller:
    return Caller(api_base)


def test_the_token_stays_the_same_while_it_lives_and_dies_after_two_hours(caller: Caller, clock: MovableClock) -> None:
    again = caller.get("gettoken", corpid=CORP, corpsecret=SECRET)
    assert (again["access_token"], again["expires_in"]) == (caller.token, 7200)
    clock.forward(7201)
    assert caller.send("text", {"content": "您好"})["errcode"] == 42001


@pytest.mark.parametrize(("corp", "secret", "errcode"), [("other", SECRET, 40013), (CORP, "other", 40001)])
def test_wrong_credentials_get_no_token(caller: Caller, corp: str, secret: str, errcode: int) -> None:
    assert caller.get("gettoken", corpid=corp, corpsecret=secret) == {"errcode": errcode, "errmsg": "error"}


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("made-up", 40014)])
def test_every_call_wants_the_token(caller: Caller, token: str, errcode: int) -> None:
    for path in ("message/send", "message/update_template_card"):
        assert caller.post(path, {}, token)["errcode"] == errcode
    assert caller.get("user/get", access_token=token, userid="rm001")["errcode"] == errcode


@pytest.mark.parametrize(
    ("msgtype", "content", "changes", "errcode"),
    [
        ("text", {"content": "险" * 683}, {}, 45002),
        ("text", {"content": " "}, {}, 44004),
        ("text", {}, {}, 44004),
        ("text", "您好", {}, 40008),
        ("hologram", {}, {}, 40008),
        ("text", {"content": "您好"}, {"agentid": 1}, 301002),
        ("text", {"content": "您好"}, {"touser": "nobody"}, 81013),
        ("text", {"content": "您好"}, {"touser": ""}, 81013),
        ("text", {"content": "您好"}, {"duplicate_check_interval": 14401}, 40058),
        ("template_card", {**CARD, "task_id": ""}, {}, 40058),
        ("template_card", {**CARD, "button_list": []}, {}, 40058),
        ("template_card", {**CARD, "button_list": BUTTONS * 2}, {}, 40058),
        ("template_card", {**CARD, "button_list": [{"text": "a"}]}, {}, 40058),
        ("template_card", {"card_type": "poster"}, {}, 40058),
    ],
)
def test_a_message_that_wecom_would_refuse_or_cut_is_refused(
    caller: Caller, wecom: LocalWeCom, msgtype: str, content: Any, changes: dict[str, Any], errcode: int
) -> None:
    assert caller.send(msgtype, content, **changes)["errcode"] == errcode
    assert wecom.deliveries == []


def test_a_body_that_is_no_object_is_refused(caller: Caller) -> None:
    assert caller.post("message/send", [1])["errcode"] == 47001


def test_some_unknown_receivers_are_named_and_the_others_get_it(caller: Caller, wecom: LocalWeCom) -> None:
    answer = caller.send("text", {"content": "您好"}, touser="rm001|nobody|rm002")
    assert (answer["errcode"], answer["invaliduser"]) == (0, "nobody")
    assert [each.userid for each in wecom.received()] == ["rm001", "rm002"]


def test_the_same_words_count_again_after_the_interval_and_for_another_member(
    caller: Caller, wecom: LocalWeCom, clock: MovableClock
) -> None:
    checked = {"enable_duplicate_check": 1, "duplicate_check_interval": 120}
    for userid, wait_s in (("rm001", 0), ("rm001", 119), ("rm002", 0), ("rm001", 2)):
        clock.forward(wait_s)
        assert caller.send("text", {"content": "您好"}, touser=userid, **checked)["errcode"] == 0
    assert [each.fate for each in wecom.deliveries] == ["delivered", "duplicate", "delivered", "delivered"]


def test_without_the_check_a_repeat_is_a_second_message(caller: Caller, wecom: LocalWeCom) -> None:
    for _ in range(2):
        caller.send("text", {"content": "您好"})
    assert len(wecom.received("rm001")) == 2


def test_a_card_is_changed_once_per_code(caller: Caller, wecom: LocalWeCom) -> None:
    code = caller.send("template_card", CARD)["response_code"]
    change = {"agentid": AGENT, "response_code": code, "button": {"replace_name": "已采用"}}
    assert caller.post("message/update_template_card", change)["errcode"] == 0
    assert caller.post("message/update_template_card", change)["errcode"] == 42016
    (card,) = wecom.chat("rm001")
    assert card.body["button"] == {"replace_name": "已采用"}
    assert wecom.click("rm001", card.sequence) not in ("", code)
    assert wecom.click("rm002", card.sequence) == ""
