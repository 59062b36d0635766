"""How fast the gate judges a draft and how fast a draft is made without a model: `python -m tests.load.gate_speed`."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path

from app import build_services, load_sample, migrate, now
from assistant.asking import Asking, AskRequest
from assistant.compliance.findings import Subject
from assistant.compliance.gate import ComplianceGate
from assistant.reading import Want, read
from assistant.records.staff import StaffMember
from assistant.settings import Settings
from connectors.services import Services
from tests.load.figures import load_average, percentile, print_table
from tests.load.questions import texts

TEXT_LENGTH = 300
Times = tuple[float, float]


def bank_texts(services: Services, on: date, *, length: int = TEXT_LENGTH) -> list[tuple[str, list[str]]]:
    """Texts of `length` characters cut out of the sample bank, each with the passages it comes from."""
    passages = [passage for passage in services.store.passages() if len(passage.text) >= 40]
    found: list[tuple[str, list[str]]] = []
    text = ""
    sources: list[str] = []
    for passage in passages:
        text, sources = text + passage.text + "\n", [*sources, passage.text]
        if len(text) >= length:
            found.append((text[:length], sources))
            text, sources = "", []
    return found


def gate_times(
    gate: ComplianceGate, cut: Sequence[tuple[str, list[str]]], on: date, *, count: int
) -> dict[str, list[Times]]:
    """Milliseconds for each text: with its evidence (as a draft) and from the words alone (as a check)."""
    subject = Subject(kind="reply", product_type="wealth", product_level="R2", customer_level="C3")
    chosen = (list(cut) * (count // max(1, len(cut)) + 1))[:count]
    return {
        "gate_draft_ms": [timed(partial(gate.review, t, subject, on=on, evidence=e)) for t, e in chosen],
        "gate_check_ms": [timed(partial(gate.review, t, subject, on=on)) for t, _ in chosen],
    }


def timed(work: Callable[[], object]) -> Times:
    """Milliseconds that `work` takes: on the wall, and of the processor, which other programs do not stretch."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000


def draft_times(asking: Asking, member: StaffMember, on: date, *, count: int) -> list[Times]:
    """Milliseconds from the wish to the prepared answer, nothing stored; each question in its turn."""
    wishes = [text for text in texts() if wants_a_draft(text)]
    return [timed(partial(prepare, asking, member, text, on)) for text in islice(cycled(wishes), count)]


def wants_a_draft(text: str) -> bool:
    """Whether the message leads through the pipeline."""
    return read(text, has_draft=False).want in {
        Want.REPLY, Want.MOMENTS, Want.GROUP, Want.FRIEND_REQUEST, Want.PLAYBOOK, Want.RULE,
    }  # fmt: skip


def cycled(wishes: Sequence[str]) -> Iterator[str]:
    """The wishes again and again, worded a little differently each time, so that no cache answers for the pipeline."""
    turn = 0
    while True:
        yield from (wish if turn == 0 else f"{wish}（第{turn + 1}位客户）" for wish in wishes)
        turn += 1


def prepare(asking: Asking, member: StaffMember, text: str, on: date) -> None:
    """One wish through the pipeline."""
    command = read(text)
    question = asking.question(command, AskRequest(text, member.userid), member, on=on)
    asking.prepare(command, question, text, now=now(), started_ms=asking.clock_ms())


def measure(home: Path, *, count: int, questions: int) -> dict[str, object]:
    """Every figure of this file over a fresh sample bank in `home`."""
    settings = Settings(home=home, llm_base_url="")
    migrate(settings)
    load_sample(settings)
    services = build_services(settings, owner=True)  # as `serve` has it
    try:
        on = services.today()
        cut = bank_texts(services, on)
        times = gate_times(services.gate, cut, on, count=count)
        member = services.records.staff.get("rm001")
        if member is None:
            raise SystemExit("the sample bank has no rm001")
        draft_times(services.asking, member, on, count=5)  # indexes and lazy imports first
        times["draft_ms"] = draft_times(services.asking, member, on, count=questions)
    finally:
        services.close()
    figures = {name: summary(values) for name, values in times.items()}
    return {**figures, "distinct_texts": len(cut), "load_average": load_average()}


def summary(values: Sequence[Times]) -> dict[str, float]:
    """Median, p95 and count."""
    wall, cpu = [value[0] for value in values], [value[1] for value in values]
    figures = {"median": percentile(wall, 50), "p95": percentile(wall, 95)}
    return {**figures, "cpu_median": percentile(cpu, 50), "cpu_p95": percentile(cpu, 95), "n": len(values)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=600, help="texts for the gate")
    parser.add_argument("--questions", type=int, default=200, help="questions for the pipeline")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wainao-load-") as home:
        measured = measure(Path(home), count=options.texts, questions=options.questions)
    print_table(measured)
    if options.json:
        options.json.write_text(json.dumps(measured, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
