"""A member's phone for rehearsals: messages go in through the real door, answers come from a local WeCom."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

import requests

from connectors.listening import listening_socket
from connectors.wecom.envelope import Envelope
from connectors.wecom.local_state import LocalWeCom

if TYPE_CHECKING:
    from fastapi import FastAPI

START_S, ANSWER_S = 20.0, 30.0
CORP, AGENT, SECRET = "wwrehearsal", "1000002", "rehearsal-secret"
TOKEN, AES_KEY = "rehearsaltoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFA"


class DoorRefused(Exception):
    """The door did not take a message; the text is the status."""


@dataclass
class RehearsalPhone:
    """Sends as a member would and reads what arrives. `work` handles everything that is due before it returns."""

    address: str
    envelope: Envelope
    local: LocalWeCom
    work: Callable[[], None]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def says(self, userid: str, words: str, *, at: datetime) -> Sequence[str]:
        """Send one text at an instant; returns the texts that arrived for it. Raises: DoorRefused."""
        before = len(self.local.received(userid))
        xml = (
            f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>{userid}</FromUserName>"
            f"<CreateTime>{int(at.timestamp())}</CreateTime><MsgType>text</MsgType>"
            f"<Content>{escape(words)}</Content><MsgId>{next(self._numbers)}</MsgId><AgentID>{AGENT}</AgentID></xml>"
        )
        body, signed = self.envelope.seal(xml, now=at, agent_id=AGENT)
        query = {"msg_signature": signed.signature, "timestamp": signed.timestamp, "nonce": signed.nonce}
        response = requests.post(f"{self.address}/wecom/app", params=query, data=body.encode(), timeout=ANSWER_S)
        if response.status_code != requests.codes.ok:
            raise DoorRefused(str(response.status_code))
        self.work()
        return [str(message.body.get("content", "")) for message in self.local.received(userid)[before:]]


@contextmanager
def served(make: Callable[[int], FastAPI], *, port: int) -> Iterator[str]:
    """Serve what `make` makes of the port in a thread; `port` 0: any free one. Yields the address."""
    import uvicorn

    listener = listening_socket("127.0.0.1", port)
    taken = int(listener.getsockname()[1])
    config = uvicorn.Config(make(taken), log_config=None, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{taken}"
    finally:
        server.should_exit = True
        thread.join(START_S)
