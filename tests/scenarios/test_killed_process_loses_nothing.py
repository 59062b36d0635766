"""A process that answers messages is killed without warning, again and again; what it had acknowledged is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select, text

from assistant.records.records import Records
from assistant.records.tables import drafts, inbox, outbox
from tests.conftest import DatabaseFactory

ROOT = Path(__file__).parents[2]
KILLS = 5


def run_until(url: str, first: int, answers: int) -> list[int]:
    command = [sys.executable, "-m", "tests.scenarios.records_work", url, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(answers)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().splitlines(keepends=True)
    return [int(line) for line in said if line.endswith("\n")]


def test_a_killed_process_loses_nothing_it_acknowledged(new_database: DatabaseFactory) -> None:
    database = new_database()
    url = database.url.render_as_string(hide_password=False)
    acknowledged: list[int] = []
    for attempt in range(KILLS):
        acknowledged += run_until(url, first=1000 * attempt, answers=7 + attempt)
    with database.reading() as conn:
        stored = set(conn.execute(select(inbox.c.dedupe_key)).scalars())
        answered = set(conn.execute(select(inbox.c.dedupe_key).where(inbox.c.status == "done")).scalars())
        drafted = list(conn.execute(select(drafts.c.draft_id)).scalars())
        queued = list(conn.execute(select(outbox.c.dedupe_key)).scalars())
        if database.is_sqlite:
            assert conn.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    assert len(acknowledged) >= 7 * KILLS
    assert {f"m{number}" for number in acknowledged} <= stored
    # A message left over by a kill is answered first, so the last one received may still wait: count the answers.
    assert len(answered) >= len(acknowledged)
    assert len(drafted) == len(answered)  # never a draft without its message or the other way round
    assert len(queued) == 2 * len(drafted)
    report = Records.of(database).audit.verify()
    assert (report.whole, report.count) == (True, len(drafted))
