"""A chat model at any OpenAI-compatible endpoint, through langchain: structured, streamed, and inside a wall clock.

The work runs in a small pool; the caller waits no longer than it said, then the connection is shut, so that neither a
hanging nor a dripping endpoint keeps a thread. langchain's tracing is off whatever the shell's variables say.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from assistant.drafting.chat import ChatMessage, Completion
from assistant.errors import ModelUnavailable

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk
    from langchain_openai import ChatOpenAI

    from connectors.models.transport import Call, Client

METHODS = ("json_schema", "function_calling", "json_mode")
MOST_CHARACTERS = 64 * 1024
MOST_TOKENS = 4096
MOST_AT_ONCE = 16
GRACE_S = 0.05  # for the worker's own timeout to be told apart from ours


def chat_model(base_url: str, api_key: str, model: str, *, structured: str, timeout_s: float) -> LangchainChat:
    """The chat model of the settings. langchain is loaded with the first question, or by `warm_up()`.

    Args:
        structured: how JSON is asked for: json_schema, function_calling or json_mode, as far as the endpoint goes.
        timeout_s: the most that one call may ask for, seconds.
    Raises: ValueError for an address or method that cannot be used, with what to change.
    """
    from connectors.models.addresses import checked_url

    if structured not in METHODS:
        raise ValueError(f"WAINAO_LLM_STRUCTURED must be one of {', '.join(METHODS)}")
    if not model:
        raise ValueError("WAINAO_LLM_MODEL is empty: name the model that the endpoint serves")
    return LangchainChat(checked_url(base_url), api_key, model, structured=structured, timeout_s=timeout_s)


class LangchainChat:
    """ChatPort over langchain's ChatOpenAI; safe in many threads, at most `MOST_AT_ONCE` calls at a time."""

    def __init__(self, base_url: str, api_key: str, model: str, *, structured: str, timeout_s: float) -> None:
        self._base_url, self._api_key, self._model = base_url, api_key, model
        self._structured, self._timeout_s = structured, timeout_s
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="model")
        self._built: tuple[ChatOpenAI, Client] | None = None

    def complete(self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any], timeout_s: float) -> Completion:
        """The model's answer; see ChatPort."""
        from connectors.models.transport import Call

        deadline = time.monotonic() + min(timeout_s, self._timeout_s)
        if not self._free.acquire(blocking=False):
            raise self._failed("busy")
        call = Call()
        try:
            future = self._pool.submit(self._work, call, list(messages), dict(schema), deadline)
        except RuntimeError as exc:  # closed
            self._free.release()
            raise self._failed("busy") from exc
        future.add_done_callback(lambda _: self._free.release())
        return self._waited(future, call, deadline)

    def warm_up(self) -> None:
        """Load langchain now (about a second) instead of with the first question."""
        self._parts()

    def close(self) -> None:
        """Let go of threads and connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            if self._built is not None:
                self._built[1].close()
                self._built = None

    def _waited(self, future: Future[Completion], call: Call, deadline: float) -> Completion:
        try:
            return future.result(timeout=max(0.0, deadline - time.monotonic()) + GRACE_S)
        except TimeoutError as exc:
            call.cancel()
            raise self._failed("timeout") from exc

    def _work(self, call: Call, messages: Sequence[ChatMessage], schema: dict[str, Any], deadline: float) -> Completion:
        from langsmith.run_helpers import tracing_context

        from connectors.models.failures import expected_failures, reason_of

        model, client = self._parts()
        client.begin(call)
        try:
            with tracing_context(enabled=False):
                return self._streamed(model, messages, schema, deadline)
        except expected_failures() as exc:
            raise self._failed(reason_of(exc)) from exc

    def _streamed(
        self, model: ChatOpenAI, messages: Sequence[ChatMessage], schema: dict[str, Any], deadline: float
    ) -> Completion:
        text, finish, name = "", "", self._model
        usage: dict[str, int] = {}
        left = max(0.01, deadline - time.monotonic())
        asked = model.stream(_as_langchain(messages), timeout=left, **_asked_for(self._structured, schema))
        with closing(cast("Generator[AIMessageChunk, None, None]", asked)) as stream:  # leaving early hangs up
            for chunk in stream:
                text += _text(chunk)
                finish = chunk.response_metadata.get("finish_reason") or finish
                name = chunk.response_metadata.get("model_name") or name
                usage = _usage(chunk) or usage
                if len(text) > MOST_CHARACTERS:
                    raise self._failed("too_large")
                if time.monotonic() > deadline:
                    raise self._failed("timeout")
        if finish == "content_filter":  # a refusal in a field of its own arrives as an empty text: langchain drops it
            raise self._failed("refused")
        return Completion(text, str(name)[:100], usage)

    def _parts(self) -> tuple[ChatOpenAI, Client]:
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return self._built

    def _build(self) -> tuple[ChatOpenAI, Client]:
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        from connectors.models.transport import Client

        logging.getLogger("openai").setLevel(logging.INFO)  # at DEBUG it writes whole prompts
        # Odd chunks of foreign endpoints end as bad_json; pydantic's warning about them would print model text.
        warnings.filterwarnings("ignore", message="Pydantic serializer warnings", category=UserWarning)
        client = Client(self._base_url)
        model = ChatOpenAI(
            model=self._model,
            base_url=self._base_url,
            api_key=SecretStr(self._api_key or "none"),
            timeout=self._timeout_s,
            max_retries=0,
            stream_usage=True,
            use_responses_api=False,
            openai_proxy=None,
            http_client=client.http,
        )
        return model, client

    def _failed(self, reason: str) -> ModelUnavailable:
        return ModelUnavailable(reason=reason, model=self._model)


def _as_langchain(messages: Sequence[ChatMessage]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


def _asked_for(structured: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Request fields for structured output, put past langchain: the answer is read and judged by the drafter alone."""
    name = schema["title"]
    body: dict[str, Any] = {"max_tokens": MOST_TOKENS}
    if structured == "json_schema":
        wanted = {"name": name, "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    elif structured == "json_mode":
        body["response_format"] = {"type": "json_object"}
    else:
        function = {"name": name, "parameters": schema, "strict": True}
        body["tools"] = [{"type": "function", "function": function}]
        body["tool_choice"] = {"type": "function", "function": {"name": name}}
    return {"extra_body": body}


def _text(chunk: AIMessageChunk) -> str:
    """The text of one chunk, or the arguments of the one function that stands for it."""
    arguments = "".join(call["args"] or "" for call in chunk.tool_call_chunks)
    content = chunk.content if isinstance(chunk.content, str) else json.dumps(chunk.content)
    return arguments or content


def _usage(chunk: AIMessageChunk) -> dict[str, int]:
    found = chunk.usage_metadata
    if not found:
        return {}
    return {
        "prompt_tokens": found["input_tokens"],
        "completion_tokens": found["output_tokens"],
        "total_tokens": found["total_tokens"],
    }
