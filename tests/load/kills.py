"""`kill -9` of the server at random moments under load, restarted at once: `python -m tests.load.kills`.

The parent process alone is killed: its workers have to leave by themselves. The sender repeats what got no 200, as
WeCom does; whatever once got a 200 must be answered, once.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.load.callbacks import (
    accepted_ids,
    acknowledgements,
    add_plan_options,
    finish,
    plan_of,
    read_rows,
    start_sending,
    work_rates,
)
from tests.load.figures import load_average, percentile
from tests.load.house import House, alive, running_house
from tests.load.judging import audit_is_whole, count, drain, judge
from tests.load.sending import Plan

ORPHAN_PATIENCE_S = 15.0


def kill_and_restart(house: House) -> dict[str, Any]:
    """One kill: seconds until `/healthz` answers again, and until the orphaned workers have left."""
    killed = time.monotonic()
    orphans = house.kill_serve()
    back = house.start_serve()
    while any(alive(pid) for pid in orphans) and time.monotonic() - killed < ORPHAN_PATIENCE_S:
        time.sleep(0.05)
    left = not any(alive(pid) for pid in orphans)
    return {
        "recovery_s": round(back, 2),
        "orphans": len(orphans),
        "left_s": round(time.monotonic() - killed, 2),
        "left": left,
    }


def moments(seconds: float, kills: int, seed: int) -> list[float]:
    """When to kill: seeded, all over the run, the first once there is something to lose."""
    dice = random.Random(seed)
    return sorted(dice.uniform(1.0, seconds) for _ in range(kills))


def measure(house: House, plan: Plan, kills: int) -> dict[str, Any]:
    """One run."""
    before = load_average()
    process, out = start_sending(house, plan)
    started = time.monotonic()
    done = []
    for at in moments(plan.seconds, kills, plan.seed):
        time.sleep(max(0.0, started + at - time.monotonic()))
        done.append(kill_and_restart(house))
    if process.wait() != 0:
        raise SystemExit("the sender failed")
    drained = drain(house)
    sent = read_rows(out)
    rows = sent["rows"]
    log = (house.home / "serve.log").read_text(encoding="utf-8", errors="replace")
    return {
        "kills": len(done),
        "recovery_s": {
            "median": percentile([each["recovery_s"] for each in done], 50),
            "max": max(each["recovery_s"] for each in done),
            "each": ", ".join(f"{each['recovery_s']:.1f}" for each in done),
        },
        "orphans": {
            "workers": sum(each["orphans"] for each in done),
            "stayed": sum(not each["left"] for each in done),
            "slowest_left_s": max(each["left_s"] for each in done),
        },
        "acks": acknowledgements(rows),
        "messages_never_taken": len({row["msg_id"] for row in rows} - accepted_ids(rows)),
        "drain_s": drained,
        "work": work_rates(house, sent["started"], sent["ended"]),
        "drafts": count(house, "drafts"),
        "verdict": judge(house, accepted_ids(rows)),
        "audit_whole": audit_is_whole(house),
        "errors_in_the_log": sum(" ERROR " in line for line in log.splitlines()),
        "vectors_not_owned": log.count("chroma_owned_by_another_process"),
        "vectors_rebuilt": log.count("vector_index_rebuilt"),
        "load_average": {"before": before, "after": load_average()},
    }


def main() -> None:
    """Measure, print, say by the exit status whether anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_plan_options(parser)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wainao-load-") as folder, running_house(Path(folder)) as house:
        figures = measure(house, replace(plan_of(options), port=house.port), options.kills)
    if not figures["audit_whole"] or figures["orphans"]["stayed"]:
        finish(figures, options.json)
        raise SystemExit(1)
    finish(figures, options.json)


if __name__ == "__main__":
    main()
