"""WeCom as a sender: encrypted callbacks in open loop from a process of its own, repeated when not taken.

`python -m tests.load.sending PLAN OUT`: PLAN is JSON (see `Plan`), OUT gets one row for each call. What is measured is
the time from when a call was due, not from when it could be sent, so that a slow server cannot hide its queue.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from connectors.wecom.envelope import Envelope
from tests.load.house import AES_KEY, AGENT_ID, CORP_ID, TOKEN
from tests.load.questions import messages

ANSWER_S = 5.0
ATTEMPTS = 3
RETRY_AFTER_S = 2.0
KEPT_S = 3.0  # uvicorn closes idle connections after 5
REPEATS_WITHIN = 400  # calls
ASKERS = ("客户问：", "张姐问：", "李总问：", "王阿姨，62岁，C3，问：", "刘先生C4问：", "陈先生问：", "赵女士C2问：")
ENDINGS = ("", "，有{n}万", "，大概{n}万，想放一年", "，她问了{n}次了", "（{n}）")


@dataclass(frozen=True)
class Plan:
    """What to send."""

    port: int
    rate: float
    seconds: float
    duplicates: float
    members: int
    seed: int
    first_id: int = 1


@dataclass(frozen=True)
class Call:
    """One callback: due at `at` seconds; a repeat has the id of an earlier one."""

    at: float
    msg_id: int
    userid: str
    kind: str
    text: str


@dataclass
class Row:
    """What became of a call. `ms`: from when it was due to the 200, 0 without one."""

    msg_id: int
    userid: str
    at: float
    ms: float
    attempts: int
    statuses: list[int]

    @property
    def accepted(self) -> bool:
        return 200 in self.statuses


def calls_of(plan: Plan) -> list[Call]:
    """The calls of a plan in order of time; the same for the same seed."""
    dice = random.Random(plan.seed)
    calls: list[Call] = []
    fresh: list[Call] = []
    for number in range(int(plan.rate * plan.seconds)):
        at = number / plan.rate
        if fresh and dice.random() < plan.duplicates:
            again = dice.choice(fresh[-REPEATS_WITHIN:])
            calls.append(Call(at, again.msg_id, again.userid, again.kind, again.text))
            continue
        kind, text = dice.choice(messages())
        userid = f"load{dice.randrange(plan.members):04d}"
        fresh.append(Call(at, plan.first_id + number, userid, kind, varied(text, dice)))
        calls.append(fresh[-1])
    return calls


def varied(text: str, dice: random.Random) -> str:
    """Customers differ: so that nothing is answered out of a cache that real questions would miss."""
    if not text.startswith("客户问："):
        return text
    return dice.choice(ASKERS) + text.removeprefix("客户问：") + dice.choice(ENDINGS).format(n=dice.randrange(1, 100))


def envelope() -> Envelope:
    """The app's cryptography."""
    return Envelope(TOKEN, AES_KEY, CORP_ID)


def request_of(call: Call, sealing: Envelope, port: int) -> bytes:
    """The HTTP request of a call, sealed now."""
    content = f"<Content>{escape(call.text)}</Content>" if call.kind == "text" else "<MediaId>m</MediaId>"
    xml = (
        f"<xml><ToUserName>{CORP_ID}</ToUserName><FromUserName>{call.userid}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType>{call.kind}</MsgType>{content}"
        f"<MsgId>{call.msg_id}</MsgId><AgentID>{AGENT_ID}</AgentID></xml>"
    )
    body, signed = sealing.seal(xml, now=datetime.now(UTC), agent_id=AGENT_ID)
    query = urlencode({"msg_signature": signed.signature, "timestamp": signed.timestamp, "nonce": signed.nonce})
    data = body.encode()
    head = f"POST /wecom/app?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/xml\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def healthz_request(port: int) -> bytes:
    """The cheapest request of the same server."""
    return f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


class Connections:
    """Kept-alive connections to one port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes) -> int:
        """The status of the answer, 0 when there is none in time."""
        reader, writer = None, None
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = self._kept() or await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(request)
                status = await _status(reader)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            if writer:
                writer.close()
            return 0
        self._idle.append((time.monotonic(), reader, writer))
        return status

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection that the server has not closed for idleness meanwhile."""
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.monotonic() - since < KEPT_S and not reader.at_eof():
                return reader, writer
            writer.close()
        return None


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))
    return int(head.split(b" ", 2)[1])


async def open_loop(plan: Plan, calls: list[Call], requests: list[bytes]) -> tuple[list[Row], float]:
    """Send every call when it is due, whatever became of the others; returns rows and the wall clock of the start."""
    connections = Connections(plan.port)
    started_wall, started = time.time(), time.perf_counter()

    async def one(call: Call, request: bytes) -> Row:
        statuses: list[int] = []
        for attempt in range(ATTEMPTS):
            statuses.append(await connections.ask(request))
            if statuses[-1] == 200:
                return Row(call.msg_id, call.userid, call.at, _since(started, call.at), attempt + 1, statuses)
            await asyncio.sleep(RETRY_AFTER_S)
        return Row(call.msg_id, call.userid, call.at, 0.0, ATTEMPTS, statuses)

    tasks: list[Awaitable[Row]] = []
    for call, request in zip(calls, requests, strict=True):
        wait_s = started + call.at - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        tasks.append(asyncio.create_task(one(call, request)))
    return list(await asyncio.gather(*tasks)), started_wall


def _since(started: float, at: float) -> float:
    return round((time.perf_counter() - started - at) * 1000, 2)


async def closed_loop(port: int, next_request: Callable[[], bytes | None], concurrency: int, seconds: float) -> float:
    """Answers with 200 a second while `concurrency` clients ask one after the other."""
    connections, answered = Connections(port), 0
    started = time.perf_counter()

    async def client() -> None:
        nonlocal answered
        while time.perf_counter() - started < seconds:
            request = next_request()
            if request is None:
                return
            taken = await connections.ask(request) == 200
            answered += taken

    await asyncio.gather(*(client() for _ in range(concurrency)))
    return round(answered / (time.perf_counter() - started), 1)


def main() -> None:
    """Read the plan, send, write the rows."""
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    sealing = envelope()
    calls = calls_of(plan)
    requests = [request_of(call, sealing, plan.port) for call in calls]
    rows, started = asyncio.run(open_loop(plan, calls, requests))
    out = {"started": started, "ended": time.time(), "rows": [asdict(row) for row in rows]}
    Path(sys.argv[2]).write_text(json.dumps(out), encoding="utf-8")


if __name__ == "__main__":
    main()
