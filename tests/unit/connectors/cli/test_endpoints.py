"""What the doctor learns from the model's endpoint and from WeCom, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from assistant.settings import Settings
from connectors.cli.endpoints import model, wecom
from connectors.cli.examined import State

SECRET = "app-secret-never-told"


class Endpoint:
    """Answers every GET in the same way and notes what was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.date = 200, {}, datetime.now(UTC)  # type: tuple[int, dict[str, Any], datetime]
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization", "")))
                body = json.dumps(outer.body).encode()
                self.send_response_only(outer.status)
                self.send_header("Date", format_datetime(outer.date, usegmt=True))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    started = Endpoint()
    yield started
    started.close()


def _with_model(url: str) -> Settings:
    return Settings(llm_base_url=f"{url}/v1", llm_model="bank-chat", llm_api_key="key-1")


def _with_wecom(url: str) -> Settings:
    values: dict[str, Any] = {
        "wecom_corp_id": "ww1",
        "wecom_agent_id": "1000002",
        "wecom_secret": SECRET,
        "wecom_token": "token",
        "wecom_aes_key": "a" * 43,
        "wecom_api_base": f"{url}/cgi-bin",
    }
    return Settings(**values)


def test_a_model_that_answers_is_good(endpoint: Endpoint) -> None:
    endpoint.body = {"data": [{"id": "bank-chat"}]}
    assert model(_with_model(endpoint.url)).state is State.GOOD
    assert endpoint.asked == [("/v1/models", "Bearer key-1")]


@pytest.mark.parametrize(
    ("status", "body", "key"),
    [(401, {}, "refused"), (503, {}, "failing"), (200, {"data": [{"id": "other"}]}, "unknown_name"), (404, {}, "good")],
)
def test_a_model_that_does_not_serve_is_told_by_its_reason(
    endpoint: Endpoint, status: int, body: dict[str, Any], key: str
) -> None:
    endpoint.status, endpoint.body = status, body
    assert model(_with_model(endpoint.url)).key == key


def test_no_model_is_no_trouble_but_half_a_setting_is() -> None:
    assert model(Settings()).state is State.GOOD
    assert model(Settings(llm_base_url="http://127.0.0.1:9")).state is State.PROBLEM


def test_right_credentials_are_good(endpoint: Endpoint) -> None:
    endpoint.body = {"errcode": 0, "access_token": "t"}
    [found] = wecom(_with_wecom(endpoint.url), now=endpoint.date)
    assert found.state is State.GOOD
    assert endpoint.asked[0][0] == f"/cgi-bin/gettoken?corpid=ww1&corpsecret={SECRET}"


def test_wrong_credentials_are_told_by_their_code_and_never_shown(endpoint: Endpoint) -> None:
    endpoint.body = {"errcode": 40001, "errmsg": f"invalid credential {SECRET}"}
    [found] = wecom(_with_wecom(endpoint.url), now=endpoint.date)
    assert found.state is State.PROBLEM
    assert "40001" in found.told()[1]
    assert SECRET not in " ".join(found.told())


def test_a_clock_that_differs_from_wecoms_is_a_problem(endpoint: Endpoint) -> None:
    endpoint.body = {"errcode": 0}
    found = list(wecom(_with_wecom(endpoint.url), now=endpoint.date + timedelta(minutes=10)))
    assert [(item.check, item.state) for item in found] == [("wecom", State.GOOD), ("clock", State.PROBLEM)]


def test_an_endpoint_that_is_not_there_is_told_without_the_secret() -> None:
    [found] = wecom(_with_wecom("http://127.0.0.1:9"), now=datetime.now(UTC))
    assert found.key == "unreachable"
    assert SECRET not in " ".join(found.told())
