"""A running house in one process: the app behind a real socket, a local WeCom beside it, its loops stepped by hand."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import requests
from fastapi import FastAPI
from sqlalchemy import func, select

from app import build_drafting, build_envelope, build_sending, build_services, create_app
from assistant.outgoing import MessageSender
from assistant.records.records import Records
from assistant.records.tables import drafts
from assistant.settings import Settings
from assistant.working import DraftingLoop, SendingLoop
from connectors.services import Services
from connectors.wecom.envelope import Envelope, Signed
from connectors.wecom.local_state import LocalWeCom
from knowledge.stores.database import Database
from tests.serving import running

START = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
CORP, AGENT, SECRET, TOKEN = "wwscenario", "1000002", "scenario-secret", "scenariotoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFA"
NEWCOMER = "rm101"
MEMBERS = {f"rm{number:03}": f"经理{number}" for number in range(1, 11)} | {NEWCOMER: "新来的"}
GOLD = "客户问：黄金涨成这样还能买吗"


class Clock:
    """Begins at START and runs on; `forward` jumps."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._jumped = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=time.monotonic() - self._began + self._jumped)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self._jumped += seconds


@dataclass
class Worker:
    """What a worker process holds: the built services and the two loops, stepped by hand."""

    services: Services
    drafting: DraftingLoop
    sending: SendingLoop
    pools: tuple[ThreadPoolExecutor, ThreadPoolExecutor]

    @classmethod
    def start(cls, settings: Settings, clock: Callable[[], datetime], *, owner: bool = False) -> Worker:
        """Wired as `wainao serve` wires it."""
        pools = ThreadPoolExecutor(2), ThreadPoolExecutor(4)
        services = build_services(settings, owner=owner, clock=clock)
        drafting = build_drafting(settings, services, pools[0])
        sending = build_sending(settings, services.records, pools[1], clock)
        return cls(services, drafting, sending, pools)

    def draft(self) -> None:
        """Answer all that is due."""
        while self.drafting.step():
            pass

    def send(self) -> None:
        """Send all that is due."""
        while self.sending.step():
            pass

    def with_sender(self, sender: MessageSender) -> Worker:
        """The same worker, sending through something else."""
        return replace(self, sending=replace(self.sending, sender=sender))

    def stop(self) -> None:
        """Let go of everything."""
        for pool in self.pools:
            pool.shutdown()
        self.services.close()


@dataclass
class House:
    """The whole road: a callback goes in over HTTP, an answer arrives at the local WeCom over HTTP."""

    settings: Settings
    address: str
    clock: Clock
    local: LocalWeCom
    envelope: Envelope
    door: Records
    worker: Worker
    workers: list[Worker]
    seen: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def services(self) -> Services:
        """The services of the first worker."""
        return self.worker.services

    @property
    def records(self) -> Records:
        """What is stored."""
        return self.worker.services.records

    # -- WeCom's side

    def xml(self, userid: str, inner: str, *, kind: str = "text", msg_id: int | None = None) -> str:
        """A decrypted callback; `inner` are the elements of this kind. `msg_id` 0: none, as in events."""
        number = next(self.numbers) if msg_id is None else msg_id
        identity = f"<MsgId>{number}</MsgId>" if number else ""
        return (
            f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>{userid}</FromUserName>"
            f"<CreateTime>{int(self.clock().timestamp())}</CreateTime><MsgType>{kind}</MsgType>{inner}{identity}"
            f"<AgentID>{AGENT}</AgentID></xml>"
        )

    def text_xml(self, userid: str, words: str, *, msg_id: int | None = None) -> str:
        """A text message."""
        return self.xml(userid, f"<Content>{escape(words)}</Content>", msg_id=msg_id)

    def seal(self, xml: str, envelope: Envelope | None = None, *, age_s: float = 0) -> tuple[str, Signed]:
        """Encrypted anew: another body and signature for the same words."""
        return (envelope or self.envelope).seal(xml, now=self.clock() - timedelta(seconds=age_s), agent_id=AGENT)

    def post(self, body: str | bytes, signed: Signed) -> requests.Response:
        """Knock at the door."""
        query = {"msg_signature": signed.signature, "timestamp": signed.timestamp, "nonce": signed.nonce}
        data = body.encode() if isinstance(body, str) else body
        return requests.post(self.address + "/wecom/app", params=query, data=data, timeout=30)

    def knock(self, xml: str) -> requests.Response:
        """Seal and post."""
        return self.post(*self.seal(xml))

    def says(self, userid: str, words: str, *, msg_id: int | None = None) -> None:
        """A member sends a text, and WeCom gets its acknowledgement."""
        response = self.knock(self.text_xml(userid, words, msg_id=msg_id))
        assert (response.status_code, response.content) == (200, b"")

    # -- the bank's side

    def work(self) -> None:
        """Everything that is due, until nothing is."""
        self.worker.draft()
        self.worker.send()

    def new_worker(self, *, owner: bool = False, **changes: Any) -> Worker:
        """Another process' worry: its own connections to the same database; `changes` are settings."""
        worker = Worker.start(Settings(**{**self.settings.model_dump(), **changes}), self.clock, owner=owner)
        self.workers.append(worker)
        return worker

    # -- what a member sees

    def news(self, userid: str) -> list[str]:
        """Texts that reached the phone since the last look."""
        chat = [str(message.body["content"]) for message in self.local.received(userid)]
        start, self.seen[userid] = self.seen.get(userid, 0), len(chat)
        return chat[start:]

    def ask(self, userid: str, words: str) -> list[str]:
        """A member sends a text; what comes back."""
        self.clock.forward(15)
        self.says(userid, words)
        self.work()
        return self.news(userid)

    def draft_id(self, userid: str) -> str:
        """The open draft of a member."""
        conversation = self.records.conversations.get(userid)
        assert conversation is not None
        assert conversation.last_draft_id is not None
        return conversation.last_draft_id

    def drafts_made(self) -> int:
        """How many drafts there are."""
        with self.records.database.reading() as conn:
            return int(conn.execute(select(func.count()).select_from(drafts)).scalar_one())


def settings_of(home: Path, database_url: str, port: int = 1) -> Settings:
    """Settings of a house on this port."""
    return Settings(
        home=home,
        database_url=database_url,
        wecom_corp_id=CORP,
        wecom_agent_id=AGENT,
        wecom_secret=SECRET,
        wecom_token=TOKEN,
        wecom_aes_key=AES_KEY,
        wecom_api_base=f"http://127.0.0.1:{port}/local-wecom/cgi-bin/",
        llm_base_url="",
        port=port,
    )


@contextmanager
def open_house(home: Path, database_url: str, *, owner: bool = False, door_patience_s: float = 10.0) -> Iterator[House]:
    """A house over a filled database and the indexes in `home`."""
    clock = Clock()
    local = LocalWeCom(CORP, SECRET, AGENT, clock, members=MEMBERS)
    door = Records.of(Database(database_url, patience_s=door_patience_s))
    chosen: list[Settings] = []

    def app(port: int) -> FastAPI:
        chosen.append(settings_of(home, database_url, port))
        return create_app(chosen[0], door, local=local, clock=clock)

    with running(app) as address:
        worker = Worker.start(chosen[0], clock, owner=owner)
        house = House(chosen[0], address, clock, local, build_envelope(chosen[0]), door, worker, [worker])
        try:
            yield house
        finally:
            for each in house.workers:
                each.stop()
            door.database.close()


def copy_home(template: Path, home: Path) -> Path:
    """A data folder of one's own, with the template's indexes."""
    shutil.copytree(template, home)
    return home
