"""What became of every accepted message, from the database and from what the local WeCom delivered."""

from __future__ import annotations

import json
import sqlite3
import time
import tomllib
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.load.house import House
from tests.load.local_wecom import content_key

PHRASES = Path(__file__).resolve().parents[2] / "prompts" / "messages.zh.toml"
DRAIN_PATIENCE_S = 900.0


@dataclass(frozen=True)
class OutboxRow:
    """One queued message as it ended."""

    id: int
    inbox_id: str
    number: int
    key: str
    status: str
    text: str
    draft_id: str | None


def read(house: House, query: str) -> list[tuple[Any, ...]]:
    """Rows of the house's database, read beside the running server."""
    connection = sqlite3.connect(f"file:{house.database}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def waiting(house: House) -> int:
    """Messages not yet answered, and answers not yet sent."""
    inbox = read(house, "SELECT count(*) FROM inbox WHERE status IN ('new', 'leased')")[0][0]
    outbox = read(house, "SELECT count(*) FROM outbox WHERE status IN ('pending', 'sending')")[0][0]
    return int(inbox + outbox)


def drain(house: House) -> float:
    """Wait until nothing waits; returns the seconds it took."""
    started = time.monotonic()
    while waiting(house):
        if time.monotonic() - started > DRAIN_PATIENCE_S:
            break
        time.sleep(0.25)
    return round(time.monotonic() - started, 1)


def count(house: House, table: str) -> int:
    """Rows of a table."""
    return int(read(house, f"SELECT count(*) FROM {table}")[0][0])


def delivered(house: House) -> list[list[str]]:
    """The local WeCom's report."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{house.wecom_port}/report", timeout=60) as answer:
        report: list[list[str]] = json.loads(answer.read())
    return report


def judge(house: House, accepted: set[int]) -> dict[str, Any]:
    """Lost and doubled, each by its kind; every count of `lost` and `doubled` must be 0."""
    inbox = {
        int(key.removeprefix("message:")): (str(row_id), status)
        for row_id, key, status in read(house, "SELECT id, dedupe_key, status FROM inbox")
    }
    rows = _outbox(house)
    report = delivered(house)
    return {
        "accepted": len(accepted),
        "stored": len(inbox),
        "outbox_messages": len(rows),
        "lost": _lost(accepted, inbox, rows, report),
        "doubled": _doubled(house, rows, report),
        "told_of_repeats": _repeats(rows, report),
        "fates": dict(Counter(fate for _, _, fate, _ in report)),
        "outbox_status": dict(Counter(row.status for row in rows)),
    }


def _outbox(house: House) -> list[OutboxRow]:
    query = "SELECT id, dedupe_key, userid, msgtype, body, status, draft_id FROM outbox ORDER BY id"
    found = []
    for row_id, dedupe_key, userid, msgtype, body, status, draft_id in read(house, query):
        inbox_id, _, number = dedupe_key.partition(":")
        content = json.loads(body)
        place = int(number) if number.isdigit() else -1
        key = content_key(userid, msgtype, content)
        found.append(OutboxRow(row_id, inbox_id, place, key, status, str(content.get("content", "")), draft_id))
    return found


def _lost(
    accepted: set[int],
    inbox: dict[int, tuple[str, str]],
    rows: Sequence[OutboxRow],
    report: Sequence[list[str]],
) -> dict[str, int]:
    arrived = {key for _, key, fate, _ in report if fate == "delivered"}
    answered = {row.inbox_id for row in rows}
    return {
        "not_stored": len(accepted - set(inbox)),
        "not_done": sum(status != "done" for _, status in inbox.values()),
        "without_an_answer": sum(row_id not in answered for row_id, _ in inbox.values()),
        "answer_never_on_the_phone": sum(row.key not in arrived for row in rows),
        "dropped_for_rate": sum(fate == "rate" for _, _, fate, _ in report),
    }


def _doubled(house: House, rows: Sequence[OutboxRow], report: Sequence[list[str]]) -> dict[str, int]:
    queued = Counter(row.key for row in rows)
    arrived = Counter(key for _, key, fate, _ in report if fate == "delivered")
    drafts = "SELECT count(*) FROM (SELECT inbox_id FROM drafts GROUP BY inbox_id HAVING count(*) > 1)"
    return {
        "delivered_more_often_than_queued": sum(max(0, number - queued[key]) for key, number in arrived.items()),
        "messages_with_two_drafts": int(read(house, drafts)[0][0]),
    }


def _repeats(rows: Sequence[OutboxRow], report: Sequence[list[str]]) -> dict[str, int]:
    """Queued messages that WeCom dropped as repeats of an earlier one; each has to be announced to the RM."""
    arrived = Counter(key for _, key, fate, _ in report if fate == "delivered")
    answers: dict[str, list[OutboxRow]] = defaultdict(list)
    by_key: dict[str, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        answers[row.inbox_id].append(row)
        by_key[row.key].append(row)
    phrase = tomllib.loads(PHRASES.read_text(encoding="utf-8"))["same_as_before"]
    told = untold = 0
    for key, same in by_key.items():
        for row in same[max(1, arrived[key]) :]:
            if any(phrase in other.text for other in answers[row.inbox_id]):
                told += 1
            else:
                untold += 1
    return {"dropped_and_told": told, "dropped_untold": untold}


def audit_is_whole(house: House) -> bool:
    """Whether the audit chain verifies."""
    from assistant.records.audit import Audit
    from knowledge.stores.database import Database

    database = Database(f"sqlite:///{house.database}")
    try:
        return Audit(database).verify().whole
    finally:
        database.close()
