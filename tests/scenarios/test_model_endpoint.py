"""Whole questions against a local endpoint: a good one drafts, a bad one never costs more than its wall clock."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from assistant.compliance.findings import Verdict
from assistant.drafting.breaker import Breaker
from assistant.drafting.chat import ChatPort
from assistant.drafting.llm import LlmDrafter, llm_drafter
from assistant.errors import ModelUnavailable
from connectors.models.chat import METHODS, LangchainChat, chat_model
from tests import openai_server as endpoint
from tests.model_world import ANSWER, WORDS, WRITER, brief, pipeline, question
from tests.openai_server import OpenAIServer, drafts, good

LIMIT_S = 0.5
SLACK_S = 0.7  # two busy cores; alone it is a few hundredths
REPLY = "能取，提前支取的部分按支取当天的活期利率计息。"
GOOD = drafts([("能取，", []), ("提前支取的部分按支取当天的活期利率计息。", [1])])
WRONG_NUMBER = drafts([("能取。", [9])])

FAILURES: dict[str, tuple[endpoint.Script, str]] = {
    "hang": (endpoint.hang, "timeout"),
    "slow answer": (endpoint.waiting(5, good(GOOD)), "timeout"),
    "slow stream": (good(GOOD, pause_s=0.5), "timeout"),
    "hang in the middle": (endpoint.hang_in_the_middle, "timeout"),
    "drip": (endpoint.drip, "timeout"),
    "dripping headers": (endpoint.drip_headers, "timeout"),
    "429": (endpoint.status(429, retry_after="30"), "http_429"),
    "500": (endpoint.status(500), "http_5xx"),
    "503": (endpoint.status(503), "http_5xx"),
    "401": (endpoint.status(401), "http_4xx"),
    "redirect": (endpoint.status(307, location="http://127.0.0.1:9/v1"), "http_4xx"),
    "cut": (endpoint.cut, "not_json"),
    "cut in a chunk": (endpoint.cut_in_a_chunk, "unreachable"),
    "reset": (endpoint.reset, "unreachable"),
    "malformed JSON": (good("{not json"), "not_json"),
    "prose": (good("您好，定期可以提前取。"), "not_json"),
    "other fields": (good('{"reply": "能取"}'), "wrong_shape"),
    "no text": (good(drafts([("", [1])])), "empty"),
    "empty": (good(""), "empty"),
    "no stream": (endpoint.plain_json, "bad_json"),
    "broken event": (endpoint.not_events, "bad_json"),
    "other protocol": (endpoint.other_shape, "bad_json"),
    "error event": (endpoint.error_event, "http_5xx"),
    "refusal": (endpoint.refusal, "empty"),
    "filtered": (endpoint.filtered, "refused"),
    "10 MB": (endpoint.ten_megabytes, "too_large"),
    "10 MB in one event": (endpoint.ten_megabytes_at_once, "too_large"),
    "10 MB error page": (endpoint.big_error, "too_large"),
    "compressed bomb": (endpoint.bomb, "too_large"),
    "wrong passage numbers": (good(WRONG_NUMBER), "unknown_passage"),
}


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    yield from endpoint.running(OpenAIServer())


@pytest.fixture
def server(running: OpenAIServer) -> OpenAIServer:
    running.exchanges.clear()
    return running


@pytest.fixture(scope="module")
def shared_chat(running: OpenAIServer) -> Iterator[LangchainChat]:
    """One chat for all tests, with langchain loaded: its import is no part of a call's time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # langchain's and openai's own imports, none of our calls
        chat = LangchainChat(running.url, "sk-secret", "qwen-test", structured="json_schema", timeout_s=30)
        chat.warm_up()
    yield chat
    chat.close()


@pytest.fixture
def drafter(shared_chat: LangchainChat) -> LlmDrafter:
    return llm_drafter(shared_chat, context_tokens=6000, timeout_s=LIMIT_S)


def reason(work: Callable[[], object]) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        work()
    return caught.value.ids["reason"]


def test_a_good_endpoint_drafts_with_citations_usage_and_model(server: OpenAIServer, drafter: LlmDrafter) -> None:
    server.answers(good(GOOD))
    reply = pipeline(drafter)(question())
    assert reply.text == REPLY
    assert reply.best is not None
    assert reply.best.draft.drafter == "llm"
    assert reply.best.draft.prompt_id == "draft_reply@1"
    assert reply.best.draft.model == "qwen-test-0101"
    assert reply.best.draft.usage["prompt_tokens"] == 321
    assert [citation.passage_id for citation in reply.best.citations] == ["p1"]


@pytest.mark.parametrize("structured", METHODS)
def test_each_way_to_ask_for_json_works_on_the_wire(server: OpenAIServer, structured: str) -> None:
    server.answers(good(GOOD))
    chat = chat_model(server.url, "", "m", structured=structured, timeout_s=5)
    drafted = llm_drafter(chat, context_tokens=6000, timeout_s=5).draft(brief())
    assert drafted[0].text == REPLY
    sent = server.exchanges[0].request
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_usage": True}
    assert (
        sent.get("response_format", {}).get("type")
        == {
            "json_schema": "json_schema",
            "function_calling": None,
            "json_mode": "json_object",
        }[structured]
    )
    assert ("tools" in sent) is (structured == "function_calling")


# The filter that the chat sets when it is built; pytest puts its own back for each test.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_falls_back_to_the_composer_in_time(server: OpenAIServer, drafter: LlmDrafter, name: str) -> None:
    script, expected = FAILURES[name]
    server.answers(script)
    reply = pipeline(drafter)(question())
    assert reply.best is not None
    assert reply.best.draft.drafter == "composer"
    assert reply.text is not None
    assert ANSWER[:12] in reply.text
    assert any("离线引擎" in note for note in reply.notes)
    started = time.perf_counter()
    assert reason(lambda: drafter.draft(brief())) == expected
    assert time.perf_counter() - started < LIMIT_S + SLACK_S


def test_nobody_at_the_address_falls_back_at_once() -> None:
    chat = chat_model("http://127.0.0.1:9/v1", "k", "m", structured="json_mode", timeout_s=5)
    assert reason(lambda: llm_drafter(chat, context_tokens=6000, timeout_s=5).draft(brief())) == "unreachable"


def test_an_unusable_answer_is_repaired_once_with_what_was_wrong(server: OpenAIServer, shared_chat: ChatPort) -> None:
    server.answers(good(WRONG_NUMBER), good(GOOD))
    drafted = llm_drafter(shared_chat, context_tokens=6000, timeout_s=10).draft(brief())
    assert drafted[0].text == REPLY
    assert drafted[0].usage["repairs"] == 1
    assert drafted[0].usage["prompt_tokens"] == 642
    again = server.exchanges[1].request["messages"]
    assert [message["role"] for message in again] == ["system", "user", "assistant", "user"]
    assert again[:2] == server.exchanges[0].request["messages"]
    assert "9" in again[3]["content"]


def test_the_second_try_shares_the_wall_clock(server: OpenAIServer, shared_chat: ChatPort) -> None:
    server.answers(endpoint.waiting(1.0, good(WRONG_NUMBER)), endpoint.hang)
    drafter = llm_drafter(shared_chat, context_tokens=6000, timeout_s=1.5)
    assert endpoint.elapsed(lambda: reason(lambda: drafter.draft(brief()))) < 1.5 + SLACK_S
    assert len(server.exchanges) == 2


def test_a_breaker_spares_a_dead_endpoint_and_lets_one_probe_through(
    server: OpenAIServer, shared_chat: ChatPort
) -> None:
    now = [100.0]
    drafter = llm_drafter(shared_chat, context_tokens=6000, timeout_s=5)
    drafter = LlmDrafter(
        drafter.chat, drafter.prompt, drafter.counter, 6000, 5, clock=lambda: now[0], breaker=Breaker(3, 30)
    )
    server.answers(endpoint.status(500))
    assert [reason(lambda: drafter.draft(brief())) for _ in range(5)] == ["http_5xx"] * 3 + ["circuit_open"] * 2
    assert len(server.exchanges) == 3
    now[0] += 31
    server.answers(good(GOOD))
    assert drafter.draft(brief())[0].text == REPLY
    assert not drafter.breaker.is_open


def test_forty_questions_to_a_hanging_endpoint_leave_no_thread_behind(
    server: OpenAIServer, shared_chat: ChatPort
) -> None:
    server.answers(endpoint.hang)
    before = {thread.name for thread in threading.enumerate() if thread.name.startswith("model")}
    drafter = llm_drafter(shared_chat, context_tokens=6000, timeout_s=0.3)
    endless = LlmDrafter(drafter.chat, drafter.prompt, drafter.counter, 6000, 0.3, drafter.clock, breaker=Breaker(1000))
    with ThreadPoolExecutor(20) as pool:
        started = time.perf_counter()
        reasons = list(pool.map(lambda _: reason(lambda: endless.draft(brief())), range(40)))
        took = time.perf_counter() - started
    assert set(reasons) <= {"timeout", "busy"}
    assert took < 3
    after = {thread.name for thread in threading.enumerate() if thread.name.startswith("model")}
    assert len(after | before) <= 16
    server.answers(good(GOOD))
    time.sleep(0.2)
    assert llm_drafter(shared_chat, context_tokens=6000, timeout_s=5).draft(brief())[0].text == REPLY


def test_a_violating_draft_never_passes_the_gate(server: OpenAIServer, drafter: LlmDrafter) -> None:
    server.answers(good(drafts([("这款稳赚不赔，保本保息，放心买。", [1])])))
    reply = pipeline(drafter)(question())
    assert reply.text is None or ("稳赚" not in reply.text and "保本" not in reply.text)
    assert reply.verdict is not Verdict.UNKNOWN


def test_an_ungrounded_figure_from_the_model_never_goes_out(server: OpenAIServer, drafter: LlmDrafter) -> None:
    server.answers(good(drafts([("能取，", []), ("一年期利率8.88%，", [1]), ("提前支取按活期计息。", [1])])))
    reply = pipeline(drafter)(question())
    assert reply.text is None or "8.88" not in reply.text


def test_nothing_about_people_and_no_key_reaches_prompt_or_log(
    server: OpenAIServer, drafter: LlmDrafter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers(good(GOOD))
    drafter.draft(brief(f"{WORDS}，我电话13812345678，身份证11010519491231002X"))
    prompt = server.exchanges[0].prompt
    assert WORDS in prompt
    for secret in ("13812345678", "11010519491231002X", "花园路", "cust-77", "张姐", WRITER.name, WRITER.userid):
        assert secret not in prompt
        assert secret not in caplog.text
    for secret in (WORDS, REPLY[:8], "sk-secret"):
        assert secret not in caplog.text
    assert server.exchanges[0].headers["authorization"] == "Bearer sk-secret"


def test_tracing_and_proxies_of_the_environment_are_never_used(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    for name in ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"):
        monkeypatch.setenv(name, server.url)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("LANGSMITH_API_KEY", "ls-key")
    server.answers(good(GOOD))
    chat = chat_model(server.url, "k", "m", structured="json_mode", timeout_s=5)
    assert llm_drafter(chat, context_tokens=6000, timeout_s=5).draft(brief())[0].text == REPLY
    time.sleep(0.2)
    assert len(server.exchanges) == 1
