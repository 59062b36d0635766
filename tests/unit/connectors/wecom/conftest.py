"""A corp with one app, and a local WeCom that runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from connectors.wecom.client import WorkClient
from connectors.wecom.envelope import Envelope
from connectors.wecom.local_server import create_local_wecom
from connectors.wecom.local_state import LocalWeCom
from tests.serving import running

CORP, SECRET, AGENT = "wwlocalcorp", "a-secret-of-the-app-0123456789", "1000002"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class MovableClock:
    """The time, moved by the test."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class MemoryTokens:
    """A token store without a database."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, datetime]] = {}

    def get(self, key: str, *, now: datetime) -> tuple[str, datetime] | None:
        row = self.rows.get(key)
        return row if row and row[1] > now else None

    def put(self, key: str, value: str, expires_at: datetime) -> None:
        self.rows[key] = (value, expires_at)

    def forget(self, key: str, value: str) -> None:
        if self.rows.get(key, ("",))[0] == value:
            del self.rows[key]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(token="callbacktoken", aes_key=AES_KEY, corp_id=CORP)


@pytest.fixture
def wecom(clock: MovableClock) -> LocalWeCom:
    return LocalWeCom(CORP, SECRET, AGENT, clock, members={"rm001": "李经理", "rm002": "王经理"})


@pytest.fixture
def api_base(wecom: LocalWeCom) -> Iterator[str]:
    with running(create_local_wecom(wecom)) as address:
        yield address + "/cgi-bin/"


@pytest.fixture
def tokens() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
def client(api_base: str, tokens: MemoryTokens, clock: MovableClock) -> WorkClient:
    return WorkClient(CORP, SECRET, agent_id=AGENT, api_base=api_base, tokens=tokens, clock=clock, timeout_s=(0.5, 0.5))
