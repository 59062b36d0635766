"""100 callbacks a second for a minute through the real door, then the drain: `python -m tests.load.callbacks`.

Reports acknowledgements in open loop, drafts a second, what was lost and doubled, and the throughput of the encrypted
callback beside that of `/healthz` on the same server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.load.figures import load_average, percentile, print_table
from tests.load.house import House, running_house
from tests.load.judging import audit_is_whole, count, drain, judge, read
from tests.load.sending import Plan, calls_of, closed_loop, envelope, healthz_request, request_of

CONCURRENCY = 16
RATIO_SECONDS = 4.0
RATIO_MESSAGES = 4000
RATIO_FIRST_ID = 10_000_000


def send(house: House, plan: Plan) -> dict[str, Any]:
    """Run the plan in a process of its own; returns what it wrote."""
    process, out = start_sending(house, plan)
    if process.wait() != 0:
        raise SystemExit("the sender failed")
    return read_rows(out)


def start_sending(house: House, plan: Plan) -> tuple[subprocess.Popen[bytes], Path]:
    """The sender's process, and the file that it writes at its end."""
    folder = Path(tempfile.mkdtemp(dir=house.home))
    (folder / "plan.json").write_text(json.dumps(asdict(plan)), encoding="utf-8")
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-m", "tests.load.sending", str(folder / "plan.json"), str(folder / "out.json")]
    return subprocess.Popen(words, cwd=root), folder / "out.json"


def read_rows(out: Path) -> dict[str, Any]:
    """What a sender wrote."""
    sent: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return sent


def acknowledgements(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Times from due to 200, over calls that were taken at once and over all."""
    times = [row["ms"] for row in rows if 200 in row["statuses"]]
    failed = [status for row in rows for status in row["statuses"] if status != 200]
    return {
        "calls": len(rows),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
        "p99_ms": percentile(times, 99),
        "max_ms": max(times, default=0.0),
        "not_200": {str(status): failed.count(status) for status in sorted(set(failed))},
    }


def accepted_ids(rows: list[dict[str, Any]]) -> set[int]:
    """Messages that once got a 200."""
    return {row["msg_id"] for row in rows if 200 in row["statuses"]}


def work_rates(house: House, started: float, ended: float) -> dict[str, Any]:
    """Messages answered, drafts made and messages sent a second: while callbacks came in, and over all the work."""
    finished = instants(house, "SELECT finished_at FROM inbox WHERE finished_at IS NOT NULL")
    drafted = instants(house, "SELECT created_at FROM drafts")
    sent = instants(house, "SELECT sent_at FROM outbox WHERE sent_at IS NOT NULL")
    whole = max(finished) - started
    return {
        "answered_per_s": round(len(finished) / whole, 1),
        "drafts_per_s": round(len(drafted) / whole, 1),
        "drafts_per_s_under_load": round(sum(at <= ended for at in drafted) / (ended - started), 1),
        "drafts_per_s_in_the_drain": rate([at for at in drafted if at > ended], ended),
        "sent_per_s": round(len(sent) / (max(sent) - started), 1),
        "seconds_of_work": round(whole, 1),
    }


def instants(house: House, query: str) -> list[float]:
    """A column of instants as seconds since the epoch."""
    return [datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() for (at,) in read(house, query)]


def rate(events: list[float], since: float) -> float:
    """Events a second from `since` to the last one; 0.0 when there are hardly any."""
    return round(len(events) / (max(events) - since), 1) if len(events) > 20 else 0.0


def throughput(house: House, members: int, seed: int) -> dict[str, Any]:
    """Closed loop, the same clients: encrypted callbacks, then `/healthz`, both while drafts are made."""
    plan = Plan(house.port, RATIO_MESSAGES, 1, 0.0, members, seed, RATIO_FIRST_ID)
    sealing = envelope()
    idle = asyncio.run(closed_loop(house.port, lambda: healthz_request(house.port), CONCURRENCY, RATIO_SECONDS / 2))
    requests = iter([request_of(call, sealing, house.port) for call in calls_of(plan)])
    callbacks = asyncio.run(closed_loop(house.port, lambda: next(requests, None), CONCURRENCY, RATIO_SECONDS))
    health = asyncio.run(closed_loop(house.port, lambda: healthz_request(house.port), CONCURRENCY, RATIO_SECONDS))
    return {
        "callbacks_per_s": callbacks,
        "healthz_per_s": health,
        "healthz_per_s_idle": idle,
        "ratio": round(callbacks / health, 3) if health else 0.0,
    }


def measure(house: House, plan: Plan) -> dict[str, Any]:
    """One run."""
    before, cpu_before = load_average(), house.cpu()
    sent = send(house, plan)
    under_load = load_average()
    drained = drain(house)
    cpu = {name: round(seconds - cpu_before[name], 2) for name, seconds in house.cpu().items()}
    rows = sent["rows"]
    verdict = judge(house, accepted_ids(rows))
    return {
        "acks": acknowledgements(rows),
        "unique_messages": len({row["msg_id"] for row in rows}),
        "drain_s": drained,
        "work": work_rates(house, sent["started"], sent["ended"]),
        "drafts": count(house, "drafts"),
        "cpu_s": cpu,
        "cpu_ms": {
            "web_per_callback": round(cpu["web"] * 1000 / len(rows), 2),
            "worker_per_answer": round(cpu["worker"] * 1000 / max(1, count(house, "inbox")), 2),
        },
        "verdict": verdict,
        "audit_whole": audit_is_whole(house),
        "load_average": {"before": before, "after_the_callbacks": under_load},
    }


def main() -> None:
    """Measure, print, say by the exit status whether anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_plan_options(parser)
    parser.add_argument("--no-ratio", action="store_true", help="leave the comparison with /healthz out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wainao-load-") as folder, running_house(Path(folder)) as house:
        plan = replace(plan_of(options), port=house.port)
        figures = measure(house, plan)
        if not options.no_ratio:
            figures["throughput"] = throughput(house, plan.members, plan.seed)
    finish(figures, options.json)


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """What both load tests take."""
    parser.add_argument("--rate", type=float, default=100, help="callbacks a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--duplicates", type=float, default=0.2, help="share of calls that repeat an earlier message")
    parser.add_argument("--members", type=int, default=600)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--json", type=Path, help="write the figures here as well")


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan of these options, its port not yet known."""
    return Plan(0, options.rate, options.seconds, options.duplicates, options.members, options.seed)


def finish(figures: dict[str, Any], out: Path | None) -> None:
    """Print and judge."""
    figures = {**figures, "at": time.strftime("%Y-%m-%d %H:%M")}
    print_table(figures)
    if out:
        out.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    verdict = figures["verdict"]
    if any(verdict["lost"].values()) or any(verdict["doubled"].values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
