"""The door to a model endpoint: which addresses it takes, and that it loads nothing before it is asked."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from assistant.errors import ModelUnavailable
from connectors.models.addresses import checked_url, is_loopback
from connectors.models.chat import chat_model
from connectors.models.transport import Call

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    "url",
    ["https://api.deepseek.com/v1", "http://127.0.0.1:8000/v1/", "http://vllm.bank.local:8000/v1", "http://[::1]/v1"],
)
def test_an_ordinary_address_is_taken(url: str) -> None:
    assert checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/v1",
        "localhost:8000",
        "http://",
        "http://user:secret@host/v1",
        "http://host/v1?key=1",
        "http://169.254.169.254/latest",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://0.0.0.0/v1",
        "http://224.0.0.1/v1",
    ],
)
def test_an_address_that_no_model_stands_at_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="WAINAO_LLM_BASE_URL"):
        chat_model(url, "k", "m", structured="json_mode", timeout_s=5)


def test_an_unknown_way_to_ask_or_a_missing_name_is_said() -> None:
    with pytest.raises(ValueError, match="WAINAO_LLM_STRUCTURED"):
        chat_model("http://host/v1", "k", "m", structured="yaml", timeout_s=5)
    with pytest.raises(ValueError, match="WAINAO_LLM_MODEL"):
        chat_model("http://host/v1", "k", "", structured="json_mode", timeout_s=5)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://10.0.0.1/v1", False),
    ],
)
def test_proxies_are_off_only_for_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_building_a_chat_loads_no_langchain() -> None:
    code = (
        "import sys; from connectors.models.chat import chat_model; from assistant.drafting.llm import llm_drafter;"
        "llm_drafter(chat_model('http://127.0.0.1:9/v1','k','m',structured='json_mode',timeout_s=1),"
        "context_tokens=6000,timeout_s=1);"
        "heavy = ('langchain_core', 'langchain_openai', 'openai', 'httpx2', 'tiktoken');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_closed_chat_is_not_asked() -> None:
    from connectors.models.chat import LangchainChat

    chat = LangchainChat("http://127.0.0.1:9/v1", "k", "m", structured="json_mode", timeout_s=1)
    chat.close()
    with pytest.raises(ModelUnavailable) as caught:
        chat.complete([], schema={"title": "x"}, timeout_s=1)
    assert caught.value.ids["reason"] == "busy"


def test_cancelling_a_call_wakes_the_thread_that_reads() -> None:
    ours, theirs = socket.socketpair()
    call, got = Call(), []
    call.connected(ours)
    reader = threading.Thread(target=lambda: got.append(ours.recv(1)))
    reader.start()
    call.cancel()
    reader.join(5)
    assert got == [b""]
    for end in (ours, theirs):
        end.close()


def test_a_call_cancelled_before_it_is_connected_ends_at_once() -> None:
    ours, theirs = socket.socketpair()
    call = Call()
    call.cancel()
    call.connected(ours)
    assert ours.recv(1) == b""
    for end in (ours, theirs):
        end.close()
