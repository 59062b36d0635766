"""A local HTTP server that speaks OpenAI's chat completions, with scripted answers, good and bad."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Script = Callable[["Exchange"], None]


def drafts(*texts: Sequence[tuple[str, Sequence[int]]], confidence: str = "medium", **more: Any) -> str:
    """The JSON that the product asks for: each text as (sentence, passage numbers) pairs."""
    found = [
        {"angle": f"角度{n}", "sentences": [{"text": text, "passages": list(numbers)} for text, numbers in said]}
        for n, said in enumerate(texts, 1)
    ]
    return json.dumps({"drafts": found, "question_back": None, "confidence": confidence, **more}, ensure_ascii=False)


@dataclass
class Exchange:
    """One request and the means to answer it."""

    request: dict[str, Any]
    headers: dict[str, str]
    handler: BaseHTTPRequestHandler
    stop: threading.Event

    @property
    def prompt(self) -> str:
        """All that the model was told."""
        return "\n".join(str(message["content"]) for message in self.request["messages"])

    def status(self, code: int, body: bytes, **headers: str) -> None:
        """A whole answer that is no stream."""
        self.handler.send_response(code)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def open_stream(self) -> None:
        """Headers of a stream of events; the end of the connection ends it."""
        self.handler.send_response(200)
        self.handler.send_header("content-type", "text/event-stream")
        self.handler.end_headers()

    def event(self, data: str) -> None:
        """One event."""
        self.handler.wfile.write(f"data: {data}\n\n".encode())
        self.handler.wfile.flush()

    def chunk(self, delta: dict[str, Any], **more: Any) -> None:
        """One piece of an answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
        self.event(json.dumps({**self._frame(), "choices": [choice]}))

    def say(self, text: str, *, pieces: int = 8, pause_s: float = 0.0) -> None:
        """`text` in pieces, as content or as the arguments of the function that was asked for."""
        size = max(1, len(text) // pieces)
        for number, start in enumerate(range(0, len(text), size)):
            piece = text[start : start + size]
            self.chunk(self._function_piece(piece, number) if "tools" in self.request else {"content": piece})
            if pause_s and self.stop.wait(pause_s):
                return

    def finish(self, reason: str = "stop") -> None:
        """The last chunk, the usage if it was asked for, and the end mark."""
        self.chunk({}, finish_reason=reason)
        if self.request.get("stream_options", {}).get("include_usage"):
            usage = {"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366}
            self.event(json.dumps({**self._frame(), "choices": [], "usage": usage}))
        self.event("[DONE]")

    def _function_piece(self, piece: str, number: int) -> dict[str, Any]:
        call: dict[str, Any] = {"index": 0, "function": {"arguments": piece}}
        if number == 0:
            call["id"], call["type"] = "call_1", "function"
            call["function"]["name"] = self.request["tools"][0]["function"]["name"]
        return {"tool_calls": [call]}

    def _frame(self) -> dict[str, Any]:
        model = f"{self.request['model']}-0101"
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model}


@dataclass
class OpenAIServer:
    """Answers each request with the next script; the last one stays."""

    scripts: list[Script] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # close() waits for them, so that no answer runs into the next test
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """What goes into WAINAO_LLM_BASE_URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def answers(self, *scripts: Script) -> None:
        """Set what comes next."""
        self.scripts[:] = scripts

    def _next(self, exchange: Exchange) -> Script:
        with self._lock:
            self.exchanges.append(exchange)
            return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                exchange = Exchange(
                    json.loads(body), {k.lower(): v for k, v in self.headers.items()}, self, server._stop
                )
                script = server._next(exchange)
                try:
                    script(exchange)
                except OSError:
                    return  # the client hung up

            def log_message(self, *_: Any) -> None:
                return

        return Handler


def good(text: str, *, pause_s: float = 0.0) -> Script:
    """Streams `text`."""

    def script(exchange: Exchange) -> None:
        exchange.open_stream()
        exchange.say(text, pause_s=pause_s)
        exchange.finish()

    return script


def status(code: int, **headers: str) -> Script:
    """An HTTP error, or a redirect."""
    return lambda exchange: exchange.status(code, b'{"error": {"message": "scripted"}}', **headers)


def hang(exchange: Exchange) -> None:
    """Says nothing at all."""
    exchange.stop.wait(20)


def hang_in_the_middle(exchange: Exchange) -> None:
    """Starts to answer and stops."""
    exchange.open_stream()
    exchange.say('{"drafts": [{"ang')
    exchange.stop.wait(20)


def drip(exchange: Exchange) -> None:
    """Sends a blank now and then, so that no read ever times out."""
    exchange.open_stream()
    while not exchange.stop.wait(0.05):
        exchange.chunk({"content": " "})


def drip_headers(exchange: Exchange) -> None:
    """Never ends its headers."""
    exchange.handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not exchange.stop.wait(0.05):
        exchange.handler.wfile.write(b"x-a: b\r\n")
        exchange.handler.wfile.flush()


def cut(exchange: Exchange) -> None:
    """Breaks off in the middle of an event."""
    exchange.open_stream()
    exchange.say('{"drafts": [{"angle": "", "sentences": [')
    exchange.handler.wfile.write(b'data: {"id": "c1", "choi')
    exchange.handler.wfile.flush()
    exchange.handler.connection.shutdown(socket.SHUT_RDWR)


def cut_in_a_chunk(exchange: Exchange) -> None:
    """Breaks off in the middle of a chunk of the transfer, as a dying proxy does."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    exchange.handler.wfile.write(head + b'400\r\ndata: {"id": "c1"')
    exchange.handler.wfile.flush()
    exchange.handler.connection.shutdown(socket.SHUT_RDWR)


def reset(exchange: Exchange) -> None:
    """Closes without a word."""
    exchange.handler.connection.shutdown(socket.SHUT_RDWR)


def not_events(exchange: Exchange) -> None:
    """A stream whose event is no JSON."""
    exchange.open_stream()
    exchange.event("{oops")


def other_shape(exchange: Exchange) -> None:
    """JSON events of another protocol."""
    exchange.open_stream()
    exchange.event('{"choices": [{"delta": ["a"], "index": "x"}]}')
    exchange.event('{"choices": 7}')


def error_event(exchange: Exchange) -> None:
    """An error inside the stream."""
    exchange.open_stream()
    exchange.say("{")
    exchange.event('{"error": {"message": "overloaded", "code": 503}}')


def refusal(exchange: Exchange) -> None:
    """The model declines."""
    exchange.open_stream()
    exchange.chunk({"refusal": "I cannot help with that."})
    exchange.finish()


def filtered(exchange: Exchange) -> None:
    """The vendor's filter took the answer."""
    exchange.open_stream()
    exchange.finish("content_filter")


def ten_megabytes(exchange: Exchange) -> None:
    """Much more content than an answer can be."""
    exchange.open_stream()
    exchange.say("好" * 3_500_000, pieces=500)
    exchange.finish()


def ten_megabytes_at_once(exchange: Exchange) -> None:
    """One event that never seems to end."""
    exchange.open_stream()
    exchange.handler.wfile.write(b'data: {"a": "')
    for _ in range(10):
        exchange.handler.wfile.write(b"x" * 1_048_576)


def big_error(exchange: Exchange) -> None:
    """An error page of ten megabytes."""
    exchange.status(500, b"x" * 10_485_760)


def bomb(exchange: Exchange) -> None:
    """Ten megabytes in ten kilobytes."""
    exchange.status(200, gzip.compress(b" " * 10_485_760), content_encoding="gzip", content_type="text/event-stream")


def plain_json(exchange: Exchange) -> None:
    """Ignores that a stream was asked for."""
    message = {"role": "assistant", "content": "{}"}
    body = {"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}
    exchange.status(200, json.dumps(body).encode())


def waiting(seconds: float, then: Script) -> Script:
    """Waits before it answers."""

    def script(exchange: Exchange) -> None:
        exchange.stop.wait(seconds)
        then(exchange)

    return script


def running(server: OpenAIServer) -> Iterator[OpenAIServer]:
    """For fixtures."""
    with server:
        yield server


def elapsed(work: Callable[[], object]) -> float:
    """Seconds that `work` took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
