"""The demo phone in a real browser, over real callbacks; behind the door stands an echo instead of the assistant."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from fastapi import FastAPI

from connectors.phone.credentials import demo_credentials
from connectors.phone.page import phone_router
from connectors.wecom.callback import callback_router
from connectors.wecom.envelope import Envelope
from connectors.wecom.local_state import LocalWeCom
from tests.scenarios.browsers import needs_browser
from tests.serving import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

MEMBERS = {f"rm{number:03}": name for number, name in enumerate(["李经理", "王经理", "张经理", "刘经理"], 1)}
CARD = {
    "card_type": "button_interaction",
    "main_title": {"title": "草稿 a1", "desc": "合规检查：通过"},
    "task_id": "draft-a1",
    "button_list": [{"text": "采用", "style": 1, "key": "accepted:a1"}, {"text": "换一版", "key": "another:a1"}],
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Echo:
    """An inbox whose worker answers at once with what was said."""

    local: LocalWeCom
    delay_s: float = 0.0
    got: list[dict[str, Any]] = field(default_factory=list)

    def put(self, channel: str, dedupe_key: str, userid: str, payload: Mapping[str, Any], *, now: datetime) -> bool:
        self.got.append({"userid": userid, **payload})
        if payload["kind"] == "text":
            answer = {"content": f"草稿：{payload['content']}"}
            threading.Timer(self.delay_s, self.local.deliver, (userid, "text", answer), {"repeat_within_s": 0}).start()
        elif payload["event"] == "template_card_event":
            self.local.update_card(str(payload["response_code"]), {"button": {"replace_name": "已采用"}})
            self.local.deliver(userid, "text", {"content": "记下了：采用。"}, repeat_within_s=0)
        return True


@dataclass
class Phone:
    """The page's address and what stands behind it."""

    address: str
    local: LocalWeCom
    echo: Echo


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    credentials = demo_credentials(tmp_path)
    corp, agent = credentials["wecom_corp_id"], credentials["wecom_agent_id"]
    envelope = Envelope(credentials["wecom_token"], credentials["wecom_aes_key"], corp)
    local = LocalWeCom(corp, credentials["wecom_secret"], agent, now, members=MEMBERS)
    echo = Echo(local)

    def app(port: int) -> FastAPI:
        made = FastAPI()
        made.include_router(callback_router(envelope, echo, agent_id=agent, clock=now))
        made.include_router(phone_router(port, envelope, local, agent_id=agent, clock=now))
        return made

    with running(app) as address:
        yield Phone(address, local, echo)


@dataclass
class Watched:
    """A page with what went wrong on it and where it went."""

    page: Page
    complaints: list[str]
    addresses: list[str]


@pytest.fixture
def watched(browser: Browser, phone: Phone) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, locale="zh-CN")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=phone.address)
    page = context.new_page()
    seen = Watched(page, [], [])

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda request: seen.addresses.append(request.url))
    page.goto(phone.address + "/phone")
    yield seen
    context.close()


def bubbles(page: Page) -> list[str]:
    return [each.strip() for each in page.locator(".bubble:not(:has(.dots))").all_text_contents()]


def until(condition: Callable[[], bool], page: Page) -> None:
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen within 5 seconds")


@needs_browser
def test_a_question_goes_out_encrypted_and_the_draft_comes_back(phone: Phone, watched: Watched) -> None:
    page = watched.page
    phone.echo.delay_s = 0.4
    page.fill("#words", "客户问：黄金涨成这样\n还能买吗")
    page.click("#send")
    page.wait_for_selector(".dots")
    until(lambda: len(bubbles(page)) == 2, page)
    assert bubbles(page) == ["客户问：黄金涨成这样\n还能买吗", "草稿：客户问：黄金涨成这样\n还能买吗"]
    assert page.locator(".dots").count() == 0
    assert phone.echo.got[-1]["userid"] == "rm001"
    assert watched.complaints == []
    assert all(address.startswith(phone.address) for address in watched.addresses)


@needs_browser
def test_opening_the_chat_is_told_to_the_app(phone: Phone, watched: Watched) -> None:
    until(lambda: bool(phone.echo.got), watched.page)
    assert phone.echo.got[0]["event"] == "enter_agent"


@needs_browser
def test_words_are_never_taken_for_markup(phone: Phone, watched: Watched) -> None:
    hostile = '<img src=x onerror="document.title=1"><b>粗</b> & ]]> 完'
    watched.page.fill("#words", hostile)
    watched.page.keyboard.press("Enter")
    until(lambda: len(bubbles(watched.page)) == 2, watched.page)
    assert bubbles(watched.page) == [hostile, f"草稿：{hostile}"]
    assert watched.page.locator("#lines img, #lines b").count() == 0
    assert watched.complaints == []


@needs_browser
def test_a_bubble_is_copied_whole(phone: Phone, watched: Watched) -> None:
    page = watched.page
    page.fill("#words", "两行\n文字")
    page.click("#send")
    until(lambda: len(bubbles(page)) == 2, page)
    page.locator(".row:not(.mine) .bubble").click()
    page.locator(".menu button").click()
    until(lambda: page.evaluate("navigator.clipboard.readText()") == "草稿：两行\n文字", page)
    assert page.locator(".menu").count() == 0


@needs_browser
def test_a_chip_sends_its_words(phone: Phone, watched: Watched) -> None:
    watched.page.locator("#chips button").first.click()
    until(lambda: len(bubbles(watched.page)) == 2, watched.page)
    assert phone.echo.got[-1]["content"] == "客户问：黄金涨成这样还能买吗"


@needs_browser
def test_each_member_has_a_chat_of_their_own_that_survives_a_reload(phone: Phone, watched: Watched) -> None:
    page = watched.page
    page.locator("#chips button").first.click()
    until(lambda: len(bubbles(page)) == 2, page)
    page.click("#switch")
    page.locator('[data-userid="rm002"]').click()
    until(lambda: bubbles(page) == [], page)
    assert page.locator("#who").text_content() == "王经理 · rm002"
    page.reload()
    assert page.locator("#who").text_content() == "王经理 · rm002"
    page.click("#switch")
    page.locator('[data-userid="rm001"]').click()
    until(lambda: len(bubbles(page)) == 2, page)


@needs_browser
def test_a_button_of_a_card_is_a_callback_and_the_card_changes(phone: Phone, watched: Watched) -> None:
    page = watched.page
    phone.local.deliver("rm001", "template_card", CARD, repeat_within_s=0)
    page.locator(".card-buttons button", has_text="采用").click()
    until(lambda: bubbles(page) == ["记下了：采用。"], page)
    until(lambda: page.locator(".card-buttons button").all_text_contents() == ["已采用"], page)
    click = phone.echo.got[-1]
    assert (click["event_key"], click["task_id"]) == ("accepted:a1", "draft-a1")
    assert page.locator(".card").count() == 1


@needs_browser
def test_a_message_the_app_does_not_take_can_be_sent_again(phone: Phone, watched: Watched) -> None:
    page = watched.page
    page.route("**/phone/send", lambda route: route.abort())
    page.locator("#chips button").first.click()
    page.wait_for_selector(".failed")
    assert page.locator(".dots").count() == 0
    page.unroute("**/phone/send")
    page.click(".failed")
    until(lambda: len(bubbles(page)) == 2, page)
    assert page.locator(".failed").count() == 0


def test_other_machines_names_and_sites_are_refused(phone: Phone) -> None:
    page = phone.address + "/phone"
    assert requests.get(page, timeout=5).status_code == 200
    assert requests.get(page, headers={"Host": "evil.example"}, timeout=5).status_code == 403
    body = {"userid": "rm001", "text": "您好"}
    foreign = requests.post(page + "/send", json=body, headers={"Origin": "http://evil.example"}, timeout=5)
    assert foreign.status_code == 403
    assert set(foreign.json()["error"]) == {"code", "message", "hint"}
    assert [each for each in phone.echo.got if each["kind"] == "text"] == []
    assert requests.get(page + "/static/../page.py", timeout=5).status_code == 404
    assert requests.post(page + "/send", json={"userid": ""}, timeout=5).status_code == 422


def test_a_client_from_another_machine_is_refused(phone: Phone) -> None:
    from fastapi.testclient import TestClient

    app = FastAPI()
    envelope = Envelope("t", "a" * 43, "c")
    app.include_router(phone_router(1, envelope, phone.local, agent_id="1", clock=now))
    for client, status in (("10.0.0.7", 403), ("127.0.0.1", 200)):
        with TestClient(app, base_url="http://localhost", client=(client, 5000)) as from_there:
            assert from_there.get("/phone").status_code == status


def test_a_door_that_refuses_is_said_to_the_page(phone: Phone) -> None:
    other = Envelope("othertoken", "a" * 43, "c")
    app = FastAPI()
    port = int(phone.address.rsplit(":", 1)[1])
    app.include_router(phone_router(port, other, phone.local, agent_id="1", clock=now))
    with running(app) as address:
        answer = requests.post(address + "/phone/send", json={"userid": "rm001", "text": "您好"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "http_403")


def test_the_demo_keeps_its_credentials_to_itself(tmp_path: Path) -> None:
    first = demo_credentials(tmp_path / "home")
    assert demo_credentials(tmp_path / "home") == first
    assert (tmp_path / "home" / "demo.json").stat().st_mode & 0o777 == 0o600
    assert len(first["wecom_aes_key"]) == 43
    assert len(first["wecom_token"]) <= 32
    (tmp_path / "home" / "demo.json").write_text("{broken", encoding="utf-8")
    assert demo_credentials(tmp_path / "home") != first
