"""Decrypted XML becomes messages, each with the key that recognises its repeats."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wecom.errors import CallbackRefused
from connectors.wecom.messages import IncomingMessage, read_message

BASE = {
    "ToUserName": "wwlocalcorp",
    "FromUserName": "rm001",
    "CreateTime": "1790000000",
    "MsgType": "text",
    "Content": "客户问：黄金还能买吗",
    "MsgId": "7381729301827364512",
    "AgentID": "1000002",
}
CLICK = {
    "FromUserName": "rm001",
    "CreateTime": "1790000000",
    "MsgType": "event",
    "Event": "template_card_event",
    "EventKey": "accept",
    "TaskId": "draft-1",
    "CardType": "button_interaction",
    "ResponseCode": "code-1",
    "AgentID": "1000002",
}
ADDED = {
    "FromUserName": "sys",
    "CreateTime": "1790000000",
    "MsgType": "event",
    "Event": "change_external_contact",
    "ChangeType": "add_external_contact",
    "UserID": "rm001",
    "ExternalUserID": "wmA",
    "WelcomeCode": "w1",
}


def xml(fields: dict[str, str], extra: str = "", **changes: str) -> str:
    all_fields = {**fields, **changes}
    return "<xml>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in all_fields.items()) + extra + "</xml>"


def test_a_text_message_is_read_whole() -> None:
    assert read_message(xml(BASE)) == IncomingMessage(
        kind="text",
        msgtype="text",
        userid="rm001",
        dedupe_key="message:7381729301827364512",
        content="客户问：黄金还能买吗",
        msg_id="7381729301827364512",
        agent_id="1000002",
        created_at=datetime.fromtimestamp(1790000000, UTC),
    )


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), max_size=200))
def test_any_words_arrive_as_they_were_typed(words: str) -> None:
    assert read_message(xml(BASE, Content=words.replace("]]>", ""))).content == words.replace("]]>", "")


@pytest.mark.parametrize("words", ["", "   ", "👍👍", "1" * 10_000])
def test_empty_emoji_and_endless_texts_are_messages_too(words: str) -> None:
    assert read_message(xml(BASE, Content=words)).content == words


@pytest.mark.parametrize("kind", ["image", "voice", "video", "location", "link", "file"])
def test_other_kinds_are_kept_with_their_details(kind: str) -> None:
    message = read_message(xml(BASE, MsgType=kind, MediaId="m1"))
    assert (message.kind, message.content, message.details) == (kind, "", {"MediaId": "m1"})


def test_a_kind_nobody_knows_is_kept_as_unknown_with_its_name() -> None:
    message = read_message(xml(BASE, MsgType="Hologram"))
    assert (message.kind, message.msgtype) == ("unknown", "hologram")


def test_a_card_click_is_read_with_one_choice_or_several() -> None:
    one = "<SelectedItem><QuestionKey>q1</QuestionKey><OptionIds><OptionId>a</OptionId></OptionIds></SelectedItem>"
    two = one.replace("</OptionIds>", "<OptionId>b</OptionId></OptionIds>").replace("q1", "q2")
    message = read_message(xml(CLICK, f"<SelectedItems>{one}{two}</SelectedItems>"))
    assert (message.kind, message.event, message.event_key) == ("event", "template_card_event", "accept")
    assert (message.task_id, message.response_code) == ("draft-1", "code-1")
    assert message.selected == (("q1", ("a",)), ("q2", ("a", "b")))


def test_a_repeat_has_the_same_key_and_another_message_another() -> None:
    assert read_message(xml(BASE)).dedupe_key == read_message(xml(BASE)).dedupe_key
    assert read_message(xml(BASE, MsgId="1")).dedupe_key != read_message(xml(BASE)).dedupe_key


def test_two_customers_added_in_one_second_are_two_events() -> None:
    first, second = read_message(xml(ADDED)), read_message(xml(ADDED, ExternalUserID="wmB"))
    assert first.dedupe_key != second.dedupe_key
    assert first.dedupe_key == read_message(xml(ADDED)).dedupe_key


def test_two_clicks_on_one_card_in_one_second_are_two_events() -> None:
    assert read_message(xml(CLICK)).dedupe_key != read_message(xml(CLICK, ResponseCode="code-2")).dedupe_key


def test_an_event_nobody_knows_is_kept() -> None:
    message = read_message(xml(CLICK, Event="inactive_alert", EffectTime="1790000001"))
    assert (message.kind, message.event, message.details["EffectTime"]) == ("event", "inactive_alert", "1790000001")


def test_a_message_without_an_id_is_recognised_by_its_words() -> None:
    bare = {key: value for key, value in BASE.items() if key != "MsgId"}
    assert read_message(xml(bare)).dedupe_key == read_message(xml(bare)).dedupe_key
    assert read_message(xml(bare)).dedupe_key != read_message(xml(bare, Content="别的")).dedupe_key


def test_the_payload_is_plain_json() -> None:
    payload = read_message(xml(CLICK)).payload()
    assert json.loads(json.dumps(payload)) == payload
    assert payload["created_at"] == "2026-09-21T14:13:20+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<xml></xml>",
        "<xml>plain</xml>",
        xml(BASE, FromUserName=""),
        xml(BASE, FromUserName="x" * 200),
        xml(BASE, MsgId="abc"),
        xml(BASE, MsgId="1" * 6000),
        xml(BASE, CreateTime="soon"),
        xml(BASE, CreateTime="9" * 30),
        xml({k: v for k, v in BASE.items() if k != "MsgType"}),
        xml({k: v for k, v in CLICK.items() if k != "Event"}),
        "<xml><FromUserName><a>b</a></FromUserName><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>a</FromUserName><FromUserName>b</FromUserName><MsgType>text</MsgType></xml>",
        "<xml><MsgType>text</MsgType><MsgType>event</MsgType><FromUserName>a</FromUserName></xml>",
        '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><xml><FromUserName>&b;</FromUserName></xml>',
        '<!DOCTYPE l SYSTEM "http://127.0.0.1:1/x"><xml><FromUserName>a</FromUserName></xml>',
    ],
)
def test_what_is_no_message_of_somebody_is_refused(text: str) -> None:
    with pytest.raises(CallbackRefused):
        read_message(text)


@given(st.text(max_size=300))
def test_any_text_is_a_message_or_refused(text: str) -> None:
    with pytest.raises(CallbackRefused):
        read_message(text)


@given(st.sampled_from(sorted(BASE)), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_field_may_hold_nonsense(field: str, value: str) -> None:
    try:
        message = read_message(xml(BASE, **{field: value.replace("]]>", "")}))
    except CallbackRefused:
        return
    assert message.userid
    assert message.dedupe_key
