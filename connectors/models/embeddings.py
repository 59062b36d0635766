"""An embedder at any OpenAI-compatible `/embeddings` endpoint: capped, within a wall clock, in batches it can take.

Questions get one short try, because somebody waits; passages are tried again. Nothing that is sent is ever logged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlsplit

import numpy as np

from assistant.drafting.breaker import Breaker
from connectors.models.addresses import checked_url
from knowledge.errors import EmbedderUnavailable, ModelUnusable
from knowledge.retrieval.embedding import Vectors
from knowledge.retrieval.instructions import instructions_of, model_names
from knowledge.retrieval.text import encodable

if TYPE_CHECKING:
    from connectors.models.transport import Client

_MOST_AT_ONCE = 32  # many endpoints take no more; one that takes fewer is found out
_BYTES_PER_NUMBER = 32
_TRIES = 4
_PAUSE_S = 0.5  # doubled after every try
_LONGEST_PAUSE_S = 10.0
_PASSAGES_TAKE = 10  # times as long as a question may
_SHORTEST_CUT = 128  # characters
_FAILURES_TO_OPEN = 2
_TOO_MUCH = frozenset({400, 413, 422})
_LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


def is_endpoint(name: str) -> bool:
    """Whether WAINAO_EMBEDDER names an endpoint rather than a model of this machine."""
    return name.lower().startswith(("http://", "https://"))


def endpoint_embedder(
    name: str,
    api_key: str = "",
    *,
    timeout_s: float = 3.0,
    question_instruction: str = "",
    passage_instruction: str = "",
) -> EndpointEmbedder:
    """The embedder at `http(s)://host/v1#model`. Nothing is asked of it before the first text.

    Args:
        timeout_s: the most that a question waits, seconds; passages get ten times that for a batch.
    Raises: ModelUnusable with what to change.
    """
    url, model = urldefrag(name.strip())
    try:
        base = checked_url(url, setting="WAINAO_EMBEDDER", key="WAINAO_EMBEDDER_API_KEY")
    except ValueError as exc:
        raise ModelUnusable(model=urlsplit(url).hostname or "-", reason=str(exc)) from exc
    if not model:
        raise ModelUnusable(model=base, reason="WAINAO_EMBEDDER=http://host/v1#model")
    told = instructions_of(*model_names(model)).overridden(question_instruction, passage_instruction)
    return EndpointEmbedder(
        base.removesuffix("/embeddings"), model, api_key, told.question, told.passage, told.fingerprint, timeout_s
    )


class _Refused(Exception):
    """The endpoint said no to this request; `later`: the same may be taken another time."""

    def __init__(self, reason: str, *, too_much: bool = False, later: bool = False, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.too_much, self.later, self.pause_s = reason, too_much, later, pause_s


class EndpointEmbedder:
    """Safe to call from many threads. Every method may raise EmbedderUnavailable."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str,
        question_instruction: str,
        passage_instruction: str,
        instructions_fingerprint: str,
        timeout_s: float,
    ) -> None:
        self._base_url, self._model, self._api_key, self._timeout_s = base_url, model, api_key, timeout_s
        self._question, self._passage = question_instruction, passage_instruction
        self._fingerprint = instructions_fingerprint
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._dimension = 0
        self._at_once = _MOST_AT_ONCE
        self._breaker = Breaker(failures_to_open=_FAILURES_TO_OPEN)

    @property
    def embedder_id(self) -> str:
        """Names endpoint, model, instructions and dimension, which is `?` until the endpoint has been asked."""
        place = self._base_url.partition("://")[2]
        return f"http:{place}#{self._model}/{self._fingerprint}/{self._dimension or '?'}"

    @property
    def dimension(self) -> int:
        """Numbers per vector; the first time, asked of the endpoint."""
        if not self._dimension:
            self._tried([self._passage + "1"])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        rows, at = [np.zeros((0, self.dimension), dtype=np.float32)], 0
        while at < len(texts):
            part = [self._passage + (text or " ") for text in texts[at : at + self._at_once]]
            found = self._tried(part)
            rows.append(found)
            at += len(found)
        return np.concatenate(rows)

    def embed_question(self, question: str) -> Vectors:
        """See `Embedder`. After failures in a row nobody waits for half a minute."""
        ticket = self._breaker.allow(time.monotonic())
        if ticket is None:
            raise self._failed("resting")
        healthy: bool | None = None
        try:
            vector: Vectors = self._asked([self._question + (question or " ")], self._timeout_s)[0]
            healthy = True
        except _Refused as exc:
            healthy = None if exc.too_much else False
            raise self._failed(exc.reason) from exc
        finally:
            self._breaker.report(ticket, healthy, time.monotonic())
        return vector

    def close(self) -> None:
        """Let go of connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _tried(self, texts: list[str]) -> Vectors:
        """Vectors of the first of these texts, at least one: fewer when the endpoint takes no more at once."""
        pause_s, tries = _PAUSE_S, _TRIES
        while True:
            try:
                return self._asked(texts, self._timeout_s * _PASSAGES_TAKE)
            except _Refused as exc:
                if exc.too_much and (fewer := _less(texts)):
                    self._at_once = min(self._at_once, max(len(fewer), 1)) if len(texts) > 1 else self._at_once
                    texts = fewer
                    continue
                tries -= 1
                if not exc.later or not tries:
                    raise self._failed(exc.reason) from exc
                time.sleep(min(max(pause_s, exc.pause_s), _LONGEST_PAUSE_S))
                pause_s *= 2

    def _asked(self, texts: Sequence[str], timeout_s: float) -> Vectors:
        """Raises: _Refused."""
        import httpx2

        from connectors.models.transport import AddressRefused, Call, TooLarge

        client, call = self._opened(), Call()
        headers = {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        body = {"model": self._model, "input": [encodable(text) for text in texts], "encoding_format": "float"}
        alarm = threading.Timer(timeout_s, call.cancel)  # a dripping endpoint keeps every single timeout
        alarm.daemon = True
        alarm.start()
        client.begin(call)
        try:
            answer = client.http.post(f"{self._base_url}/embeddings", json=body, headers=headers, timeout=timeout_s)
            _judge(answer)
            return self._rows(answer.json(), len(texts))
        except (TooLarge, AddressRefused) as exc:
            raise _Refused(type(exc).__name__, too_much=isinstance(exc, TooLarge)) from exc
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as exc:
            late = call.cancelled or isinstance(exc, httpx2.TimeoutException)
            raise _Refused("timeout" if late else "unreachable", later=True) from exc
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise _Refused("bad_json") from exc
        finally:
            alarm.cancel()

    def _rows(self, answer: Any, count: int) -> Vectors:
        """The vectors of an answer in the order of the texts, each of length one. Raises: ValueError and its like."""
        data = answer["data"]
        places = [int(row.get("index", place)) for place, row in enumerate(data)]
        found = np.array([row["embedding"] for row in data], dtype=np.float32)
        if sorted(places) != list(range(count)) or found.ndim != 2 or not np.isfinite(found).all():
            raise ValueError("data")
        if found.shape[1] != (self._dimension or found.shape[1]) or not found.shape[1]:
            raise ValueError("dimension")
        self._learn(int(found.shape[1]))
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit = np.empty_like(found)
        unit[places] = found / np.where(lengths == 0, 1, lengths)
        return unit

    def _learn(self, dimension: int) -> None:
        from connectors.models.transport import MOST_BYTES

        self._dimension = dimension
        self._at_once = max(1, min(self._at_once, MOST_BYTES // (dimension * _BYTES_PER_NUMBER)))

    def _opened(self) -> Client:
        from connectors.models.transport import Client

        with self._lock:
            if self._client is None:
                self._client = Client(self._base_url)
            return self._client

    def _failed(self, reason: str) -> EmbedderUnavailable:
        return EmbedderUnavailable(model=self._model, reason=reason)


def _judge(answer: Any) -> None:
    status = int(answer.status_code)
    if status == 200:
        return
    said = str(answer.headers.get("retry-after", ""))
    pause_s = float(said) if said.isdigit() else 0.0
    raise _Refused(f"http_{status}", too_much=status in _TOO_MUCH, later=status in _LATER, pause_s=pause_s)


def _less(texts: list[str]) -> list[str]:
    """Half of the texts, or half of the only one; empty when that would leave too little."""
    if len(texts) > 1:
        return texts[: len(texts) // 2]
    half = texts[0][: len(texts[0]) // 2]
    return [half] if len(half) >= _SHORTEST_CUT else []
