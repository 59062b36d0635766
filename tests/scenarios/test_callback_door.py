"""The door of the WeCom app over real HTTP with a real inbox: what is acknowledged is on disk, the rest is refused."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fastapi import FastAPI

from assistant.records.inbox import Inbox
from assistant.records.records import Records
from connectors.wecom.callback import BODY_LIMIT, CallbackDoor, callback_router, unconfigured_router
from connectors.wecom.envelope import Envelope, Signed
from knowledge.errors import DatabaseUnavailable
from tests.serving import running

CORP, AGENT = "wwlocalcorp", "1000002"
ENVELOPE = Envelope(token="callbacktoken", aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", corp_id=CORP)


def now() -> datetime:
    return datetime.now(UTC)


def text_xml(words: str, msg_id: int = 1, *, agent: str = AGENT, userid: str = "rm001") -> str:
    return (
        f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>{userid}</FromUserName><CreateTime>1790000000</CreateTime>"
        f"<MsgType>text</MsgType><Content><![CDATA[{words}]]></Content><MsgId>{msg_id}</MsgId>"
        f"<AgentID>{agent}</AgentID></xml>"
    )


class Door:
    """A WeCom that knocks."""

    def __init__(self, address: str) -> None:
        self.url = address + "/wecom/app"

    def post(self, body: str | bytes, signed: Signed | None, **options: Any) -> requests.Response:
        data = body.encode() if isinstance(body, str) else body
        return requests.post(self.url, params=query(signed), data=data, timeout=10, **options)

    def say(self, xml: str, *, envelope: Envelope = ENVELOPE, agent: str = AGENT) -> requests.Response:
        body, signed = envelope.seal(xml, now=now(), agent_id=agent)
        return self.post(body, signed)


def query(signed: Signed | None) -> dict[str, str]:
    if signed is None:
        return {}
    return {"msg_signature": signed.signature, "timestamp": signed.timestamp, "nonce": signed.nonce}


def app_with(inbox: Any, *, clock: Callable[[], datetime] = now) -> FastAPI:
    app = FastAPI()
    app.include_router(callback_router(ENVELOPE, inbox, agent_id=AGENT, clock=clock))
    return app


@pytest.fixture
def inbox(records: Records) -> Inbox:
    return records.inbox


@pytest.fixture
def door(inbox: Inbox) -> Iterator[Door]:
    with running(app_with(inbox)) as address:
        yield Door(address)


only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def refused(response: requests.Response, inbox: Inbox, status: int, code: str) -> bool:
    error = response.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert all(error.values())
    assert inbox.counts() == {}
    return (response.status_code, error["code"]) == (status, code)


def test_the_url_check_is_answered_with_the_bare_text(door: Door) -> None:
    echo = ENVELOPE.encrypt("1616140317555161061")
    signed = ENVELOPE.sign(echo, now=now())
    response = requests.get(door.url, params={**query(signed), "echostr": echo}, timeout=10)
    assert (response.status_code, response.content) == (200, b"1616140317555161061")
    forged = requests.get(door.url, params={**query(signed), "echostr": echo[:-4] + "AAA="}, timeout=10)
    assert forged.status_code == 403
    assert requests.get(door.url, timeout=10).status_code == 400


def test_an_acknowledged_message_is_in_the_inbox(door: Door, inbox: Inbox) -> None:
    response = door.say(text_xml("客户问：黄金还能买吗", 42))
    assert (response.status_code, response.content) == (200, b"")
    (message,) = inbox.claim(10, timedelta(minutes=1), now=now())
    assert (message.channel, message.dedupe_key, message.userid) == ("wecom_app", "message:42", "rm001")
    assert message.payload["content"] == "客户问：黄金还能买吗"


def test_a_message_sent_three_times_is_stored_once(door: Door, inbox: Inbox) -> None:
    answers = [door.say(text_xml("您好", 7)) for _ in range(3)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 3
    assert inbox.counts() == {"new": 1}


def test_many_copies_at_the_same_moment_are_stored_once(door: Door, inbox: Inbox) -> None:
    threads = [threading.Thread(target=door.say, args=(text_xml("您好", n % 5 + 1),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inbox.counts() == {"new": 5}


@only_sqlite
@pytest.mark.parametrize("words", ["", "   ", "👍👍👍", "hello, what is the yield?", "长" * 10_000])
def test_odd_texts_are_taken_in_to_be_answered_in_chinese_later(door: Door, inbox: Inbox, words: str) -> None:
    assert door.say(text_xml(words)).status_code == 200
    assert inbox.counts() == {"new": 1}


@only_sqlite
@pytest.mark.parametrize("kind", ["image", "voice", "file", "hologram"])
def test_other_kinds_of_message_are_taken_in_too(door: Door, inbox: Inbox, kind: str) -> None:
    assert door.say(text_xml("").replace("<MsgType>text", f"<MsgType>{kind}")).status_code == 200
    assert inbox.counts() == {"new": 1}


@only_sqlite
def test_a_wrong_signature_is_refused(door: Door, inbox: Inbox) -> None:
    body, signed = ENVELOPE.seal(text_xml("您好"), now=now())
    forged = Signed("0" * 40, signed.timestamp, signed.nonce)
    assert refused(door.post(body, forged), inbox, 403, "wrong_signature")


@only_sqlite
def test_another_corp_is_refused(door: Door, inbox: Inbox) -> None:
    other = Envelope(token="callbacktoken", aes_key=ENVELOPE.aes_key, corp_id="wwother")
    assert refused(door.say(text_xml("您好"), envelope=other), inbox, 403, "wrong_corp")


@only_sqlite
@pytest.mark.parametrize(("outer", "inner"), [(AGENT, "1000009"), ("1000009", AGENT)])
def test_another_app_is_refused(door: Door, inbox: Inbox, outer: str, inner: str) -> None:
    assert refused(door.say(text_xml("您好", agent=inner), agent=outer), inbox, 403, "wrong_agent")


@only_sqlite
def test_an_old_message_played_back_is_refused(door: Door, inbox: Inbox) -> None:
    body, signed = ENVELOPE.seal(text_xml("您好"), now=datetime.fromtimestamp(now().timestamp() - 600, UTC))
    assert refused(door.post(body, signed), inbox, 403, "stale_timestamp")


@only_sqlite
@pytest.mark.parametrize(
    "xml",
    [
        text_xml("您好")[:-20],
        "<xml><FromUserName>rm001</FromUserName></xml>",
        text_xml("您好", userid=""),
        '<!DOCTYPE l [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        + text_xml("").replace("rm001", "&b;"),
        '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + text_xml("").replace("rm001", "&a;"),
        "not xml at all",
    ],
)
def test_sealed_rubbish_is_refused(door: Door, inbox: Inbox, xml: str) -> None:
    assert refused(door.say(xml), inbox, 400, "malformed")


@only_sqlite
@pytest.mark.parametrize(
    "body", [b"", b"<xml>", b"\x00\xff" * 50, b"<xml><Encrypt></Encrypt></xml>", b'{"encrypt": 1}']
)
def test_rubbish_is_refused(door: Door, inbox: Inbox, body: bytes) -> None:
    assert refused(door.post(body, Signed("0" * 40, str(int(time.time())), "n")), inbox, 400, "malformed")
    assert refused(door.post(body, None), inbox, 400, "malformed")


@only_sqlite
def test_a_body_of_a_megabyte_is_refused(door: Door, inbox: Inbox) -> None:
    assert refused(door.post(b"x" * 2**20, Signed("0" * 40, "1", "n")), inbox, 413, "too_large")


@only_sqlite
def test_an_endless_body_without_a_length_is_given_up(door: Door, inbox: Inbox) -> None:
    address = urlsplit(door.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    chunks = (b"x" * 65536 for _ in range(BODY_LIMIT // 65536 + 4))
    connection.request("POST", address.path, body=chunks, headers={"Transfer-Encoding": "chunked"}, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert inbox.counts() == {}


@only_sqlite
def test_the_largest_body_that_is_allowed_is_read(door: Door, inbox: Inbox) -> None:
    body, signed = ENVELOPE.seal(text_xml("长" * 55_000), now=now(), agent_id=AGENT)
    assert BODY_LIMIT * 0.8 < len(body) <= BODY_LIMIT
    assert door.post(body, signed).status_code == 200


@only_sqlite
def test_a_body_that_does_not_come_is_given_up(inbox: Inbox) -> None:
    app = FastAPI()
    door = CallbackDoor(ENVELOPE, inbox, agent_id=AGENT, clock=now, patience_s=0.2)
    app.add_api_route("/wecom/app", door.receive, methods=["POST"])
    with running(app) as address, socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as line:
        line.sendall(b"POST /wecom/app HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n<xml>")
        assert line.recv(100).startswith(b"HTTP/1.1 408")
    assert inbox.counts() == {}


class BrokenInbox:
    """An inbox whose database is away."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def put(self, channel: str, dedupe_key: str, userid: str, payload: Mapping[str, Any], *, now: datetime) -> bool:
        raise self.error


@pytest.mark.parametrize("error", [DatabaseUnavailable(reason="locked"), OSError(28, "No space left"), RuntimeError()])
def test_a_message_that_cannot_be_stored_is_not_acknowledged(error: Exception) -> None:
    with running(app_with(BrokenInbox(error))) as address:
        response = Door(address).say(text_xml("您好"))
    assert (response.status_code, response.json()["error"]["code"]) == (503, "not_stored")


def test_a_door_without_settings_acknowledges_nothing_and_says_so() -> None:
    app = FastAPI()
    app.include_router(unconfigured_router())
    with running(app) as address:
        response = Door(address).say(text_xml("您好"))
    assert (response.status_code, response.json()["error"]["code"]) == (503, "not_configured")


@only_sqlite
def test_a_refused_message_comes_in_when_it_is_sent_again_rightly(door: Door, inbox: Inbox) -> None:
    body, signed = ENVELOPE.seal(text_xml("您好", 5), now=now(), agent_id=AGENT)
    assert door.post(body[:-30], signed).status_code == 400
    assert door.post(body, signed).status_code == 200
    assert inbox.counts() == {"new": 1}


@only_sqlite
def test_nothing_of_a_message_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door.say(text_xml("张三的余额是八万"))
    door.say(text_xml("张三的余额是八万")[:-9])
    told = "".join(str(vars(record)) for record in caplog.records)
    assert "callback_stored" in told
    assert "callback_refused" in told
    assert "张三" not in told
    assert "八万" not in told
