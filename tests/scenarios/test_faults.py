"""What breaks around the house: said clearly, nothing acknowledged is lost, nothing is told twice."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select, text

from assistant.outgoing import MessageSender, SendResult
from assistant.records.tables import inbox
from assistant.working import INBOX_LEASE
from connectors.wecom.local_state import FaultKind
from tests import openai_server as endpoint
from tests.openai_server import OpenAIServer
from tests.scenarios.conftest import HouseFactory
from tests.scenarios.house import GOLD, MEMBERS, NEWCOMER, House

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
only_postgresql = pytest.mark.parametrize("engine", ["postgresql"])
HOLD_SQLITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
HOLD_POSTGRESQL = """
import psycopg, sys
connection = psycopg.connect(sys.argv[1].replace("+psycopg", ""))
connection.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
print("held", flush=True)
sys.stdin.read()
"""


def delivered_once(house: House, *, messages: int = 2) -> list[str]:
    """What the newcomer got: the draft and its basis, each once and in order."""
    got = house.news(NEWCOMER)
    assert len(got) == messages
    assert "黄金" in got[0]
    assert got[1].startswith("依据：")
    assert house.drafts_made() == 1
    assert house.records.inbox.counts() == {"done": 1}
    return got


# -- the database


@contextmanager
def held_by_another_process(house: House) -> Iterator[None]:
    """The database locked by a process that is not ours."""
    url = house.records.database.url
    code = HOLD_SQLITE if url.get_backend_name() == "sqlite" else HOLD_POSTGRESQL
    target = str(url.database) if code is HOLD_SQLITE else url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", code, target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield


def test_a_locked_database_acknowledges_nothing_and_the_repeat_comes_in(new_house: HouseFactory) -> None:
    house = new_house(door_patience_s=0.4)
    xml = house.text_xml(NEWCOMER, GOLD)
    with held_by_another_process(house):
        started = time.monotonic()
        response = house.knock(xml)
        assert time.monotonic() - started < 4.5  # WeCom hangs up after 5 s
        assert (response.status_code, response.json()["error"]["code"]) == (503, "not_stored")
    assert house.records.inbox.counts() == {}
    assert house.knock(xml).status_code == 200
    house.work()
    delivered_once(house)


@only_sqlite
def test_a_full_disk_loses_nothing_acknowledged_and_is_over_when_there_is_room(house: House) -> None:
    """SQLite itself says "full" when a file may not grow; the limit stands on the door's one writing connection."""

    def limit(pages: int) -> int:
        with house.door.database.writing() as conn:
            return int(conn.execute(text(f"PRAGMA max_page_count={pages}")).scalar_one())

    house.says("rm001", "客户问：定期利率多少")
    limit(limit(1))  # no less than what there is: not one page more
    answers = [house.knock(house.text_xml("rm002", "长" * 20_000 + str(number))) for number in range(12)]
    refused = [each for each in answers if each.status_code != 200]
    assert refused
    assert {(each.status_code, each.json()["error"]["code"]) for each in refused} == {(503, "not_stored")}
    with house.records.database.reading() as conn:
        assert len(conn.execute(select(inbox.c.id)).all()) == 1 + len(answers) - len(refused)
    limit(1_000_000)
    house.says(NEWCOMER, GOLD)
    house.worker.draft()
    assert house.records.inbox.counts() == {"done": 2 + len(answers) - len(refused)}


@only_postgresql
def test_connections_cut_by_the_server_are_opened_again(house: House) -> None:
    house.says("rm001", "客户问：定期利率多少")
    house.work()
    with house.records.database.writing() as conn:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        assert conn.execute(text(f"{others} AND pid <> pg_backend_pid()")).all()
    house.says(NEWCOMER, GOLD)
    house.work()
    assert len(house.news(NEWCOMER)) == 2


# -- derived indexes


def _spoil(folder: Path, *, keep: frozenset[str] = frozenset()) -> int:
    """Overwrite the middle of every file."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in keep]
    for path in files:
        size = path.stat().st_size
        path.write_bytes(b"\xde\xad" * max(8, size // 4))
    return len(files)


@only_sqlite
@pytest.mark.parametrize("keep", [frozenset(), frozenset({"stamp.json"})])
def test_a_spoilt_chroma_folder_is_built_anew_from_the_database(
    new_house: HouseFactory, caplog: pytest.LogCaptureFixture, keep: frozenset[str]
) -> None:
    house = new_house()
    house.worker.stop()
    house.workers.clear()
    assert _spoil(house.settings.home / "chroma", keep=keep) > 0
    house.worker = house.new_worker(owner=True)
    draft, basis = house.ask(NEWCOMER, GOLD)
    assert "黄金" in draft
    assert basis.startswith("依据：")
    status = house.services.retriever.status
    assert status.vectors_ready
    assert status.passages > 500
    if keep:
        assert "vector_index_rebuilt" in [record.message for record in caplog.records]


@only_sqlite
@pytest.mark.parametrize("keep", [frozenset(), frozenset({"state.json"})])
def test_a_spoilt_lexical_folder_is_built_anew_from_the_database(
    new_house: HouseFactory, caplog: pytest.LogCaptureFixture, keep: frozenset[str]
) -> None:
    house = new_house()
    house.worker.stop()
    house.workers.clear()
    assert _spoil(house.settings.home / "index", keep=keep) > 0
    house.worker = house.new_worker()
    draft, basis = house.ask(NEWCOMER, GOLD)
    assert "黄金" in draft
    assert basis.startswith("依据：")
    assert "lexical_folder_damaged" in [record.message for record in caplog.records]


# -- the model


@only_sqlite
def test_with_a_broken_or_hanging_model_the_composer_answers_in_time_and_says_so(house: House) -> None:
    with OpenAIServer() as server:
        # The first call of a process also loads the client, which a busy machine needs seconds for.
        for userid, trouble, patience_s in (("rm001", endpoint.status(500), 20.0), (NEWCOMER, endpoint.hang, 1.0)):
            house.worker = house.new_worker(
                llm_base_url=server.url, llm_model="m", llm_api_key="k", llm_timeout_s=patience_s
            )
            server.answers(trouble)
            tried, started = len(server.exchanges), time.monotonic()
            draft, basis = house.ask(userid, GOLD)
            assert time.monotonic() - started < patience_s + 5
            assert len(server.exchanges) > tried
            assert "黄金" in draft
            assert "模型暂时不可用" in basis
            assert house.records.drafts.get(house.draft_id(userid)).drafter == "composer"


# -- WeCom


@only_sqlite
def test_troubles_of_wecom_pass_and_each_message_arrives_once(house: House) -> None:
    troubles = (
        (FaultKind.ERRCODE, 40014, 0),
        (FaultKind.ERRCODE, 42001, 0),
        (FaultKind.ERRCODE, 45009, 65),
        (FaultKind.ERRCODE, -1, 5),
        (FaultKind.HTTP, 502, 5),
        (FaultKind.SLOW, 0.3, 0),
        (FaultKind.LOST_ANSWER, 0, 5),
        (FaultKind.GARBAGE, 0, 5),
        (FaultKind.EMPTY, 0, 5),
    )
    for userid, (kind, number, wait_s) in zip(MEMBERS, troubles, strict=False):
        house.local.fail_next("message/send", kind, number=number)
        house.says(userid, GOLD)
        house.work()
        house.clock.forward(wait_s)
        house.work()
        draft, basis = house.news(userid)
        assert "黄金" in draft, (kind, number)
        assert basis.startswith("依据：")
    assert house.records.outbox.counts() == {"sent": 2 * len(troubles)}
    assert house.local.token_fetches == 3  # the first, and one for each refused token


def test_an_answer_lost_again_and_again_is_still_told_once(house: House) -> None:
    house.local.fail_next("message/send", FaultKind.LOST_ANSWER, times=3)
    house.says(NEWCOMER, GOLD)
    for _ in range(5):
        house.work()
        house.clock.forward(15)
    delivered_once(house)
    assert [each.fate for each in house.local.deliveries].count("duplicate") == 3


@only_sqlite
def test_a_directory_that_is_away_delays_the_newcomer_and_loses_nothing(house: House) -> None:
    house.local.fail_next("user/get", FaultKind.ERRCODE, number=-1, times=2)
    house.says(NEWCOMER, GOLD)
    for _ in range(4):
        house.work()
        house.clock.forward(15)
    delivered_once(house)


def test_a_member_who_cannot_be_reached_leaves_dead_letters_people_see(house: House) -> None:
    house.ask("rm002", "客户问：定期利率多少")
    house.local.members = {"rm001": "经理1"}
    house.says("rm002", GOLD)
    house.work()
    dead = house.records.outbox.dead()
    assert [message.userid for message in dead] == ["rm002", "rm002"]
    assert {message.error for message in dead} == {"refused:81013"}
    assert house.drafts_made() == 2


def test_a_wrong_secret_keeps_messages_until_it_is_mended(house: House) -> None:
    good, house.local.secret = house.local.secret, "changed-by-somebody"
    house.says("rm001", GOLD)
    house.work()
    assert house.local.deliveries == []
    house.local.secret = good
    house.clock.forward(70)
    house.worker = house.new_worker()  # the pause after a refused token is one of real time
    house.work()
    assert len(house.news("rm001")) == 2
    assert house.records.outbox.dead() == []


# -- workers that die


class Killed(BaseException):
    """The process is gone: nothing below catches this."""


@dataclass(frozen=True)
class Dying:
    """A sender whose process dies just before or just after the call."""

    sender: MessageSender
    after: bool

    def send(self, userid: str, msgtype: str, body: Mapping[str, object]) -> SendResult:
        """Never returns."""
        if self.after:
            self.sender.send(userid, msgtype, body)
        raise Killed


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_around_the_send_is_followed_by_one_that_sends_once(house: House, after: bool) -> None:
    house.says(NEWCOMER, GOLD)
    house.worker.draft()
    dying = house.worker.with_sender(Dying(house.worker.sending.sender, after))
    with pytest.raises(Killed):
        dying.send()
    assert len(house.local.deliveries) == (1 if after else 0)
    successor = house.new_worker()
    successor.send()
    assert len(house.local.deliveries) == (1 if after else 0)  # the dead worker's lease still runs
    house.clock.forward(31)
    successor.send()
    delivered_once(house)
    assert [each.fate for each in house.local.deliveries].count("duplicate") == (1 if after else 0)


def test_a_worker_that_dies_before_the_draft_is_kept_is_followed_by_one_that_drafts(
    house: House,
) -> None:
    house.says(NEWCOMER, GOLD)
    claimed = house.records.inbox.claim(16, INBOX_LEASE, now=house.clock())
    assert len(claimed) == 1  # and then the process is gone
    successor = house.new_worker()
    successor.draft()
    assert house.drafts_made() == 0
    house.clock.forward(121)
    successor.draft()
    successor.send()
    delivered_once(house)


def test_a_send_of_unknown_outcome_is_not_repeated_when_wecom_would_no_longer_drop_it(house: House) -> None:
    house.says(NEWCOMER, GOLD)
    house.worker.draft()
    with pytest.raises(Killed):
        house.worker.with_sender(Dying(house.worker.sending.sender, after=True)).send()
    house.clock.forward(600)
    house.new_worker().send()
    [dead] = house.records.outbox.dead()
    assert dead.error == "outcome_unknown"
    assert len(house.news(NEWCOMER)) == 2
    assert [each.fate for each in house.local.deliveries] == ["delivered", "delivered"]


def test_two_workers_at_once_answer_each_message_once(house: House) -> None:
    other = house.new_worker()
    for number in range(1, 9):
        house.says(f"rm{number:03}", GOLD)

    def work(run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    for step in ("draft", "send"):
        for thread in [work(getattr(worker, step)) for worker in (house.worker, other)]:
            thread.join()
    assert house.drafts_made() == 8
    for number in range(1, 9):
        assert len(house.news(f"rm{number:03}")) == 2
    assert [each.fate for each in house.local.deliveries] == ["delivered"] * 16
    assert house.records.audit.verify().whole
