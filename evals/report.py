"""The report of one run: one HTML file without a script or anything from outside, for people of the bank."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assistant.cases import Results
from evals.comparing import Comparison, Scored, compare, scored
from evals.gates import Checked, Outcome, verdict
from evals.tasking import NAMES, Task, load_task

TEMPLATES = Path(__file__).resolve().parent / "templates"
WORST = 20
EVIDENCE_SHOWN = 5
_ORDER = (Outcome.UNMEASURED, Outcome.REGRESSION, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric with its interval; `before` and `verdict` against the baseline, None without one."""

    name: str
    title: str
    better: str
    headline: bool
    value: float
    low: float
    high: float
    n: int
    clusters: int
    before: float | None
    verdict: str | None


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice: for each headline metric (value, n) or None, and how good the value is from 0 to 1."""

    name: str
    cells: tuple[tuple[float, int, float] | None, ...]


@dataclass(frozen=True, slots=True)
class BadCase:
    """One of the worst: what was asked, what was wrong, what was found and what should have been."""

    case: str
    slices: tuple[str, ...]
    asked: str
    wrong: tuple[str, ...]
    errors: tuple[str, ...]
    expected: tuple[tuple[str, str], ...]
    found: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One task's part of the report."""

    name: str
    title: str
    about: str
    cases: int
    failed: int
    errors: tuple[str, ...]
    data: str
    metrics: tuple[MetricRow, ...]
    headline: tuple[str, ...]
    slices: tuple[SliceRow, ...]
    worst: tuple[BadCase, ...]
    imperfect: int
    card: str


@dataclass(frozen=True, slots=True)
class Change:
    """A case whose score differs from the baseline's."""

    task: str
    case: str
    metric: str
    a: float
    b: float
    worse: bool


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Everything the template sees."""

    run_id: str
    began: str
    elapsed_s: float
    outcome: str
    failing: tuple[Checked, ...]
    passing: tuple[Checked, ...]
    tasks: tuple[TaskPage, ...]
    baseline: str
    apart: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]
    changed: int
    provenance: tuple[tuple[str, str], ...]
    circumstances: tuple[tuple[str, str], ...]
    zero_bound: float


def render(results: Results, *, checked: Sequence[Checked], baseline: Scored | None, cards: Mapping[str, str]) -> str:
    """The page as HTML. Raises: ResultsMissing."""
    template = _environment().get_template("report.html")
    return template.render(page=page_of(results, checked, baseline, cards), titles=_titles(results))


def page_of(
    results: Results, checked: Sequence[Checked], baseline: Scored | None, cards: Mapping[str, str]
) -> ReportPage:
    """The run as the template shows it."""
    samples: dict[str, list[dict[str, Any]]] = {}
    for sample in results.samples():
        samples.setdefault(sample["task"], []).append(sample)
    found = compare(baseline, scored(results)) if baseline else None
    places = {name: place for place, name in enumerate(NAMES)}
    ordered = sorted(checked, key=lambda each: (_ORDER.index(each.outcome), places.get(each.task, -1)))
    changes = _changes(found)
    parts = {name: results.summary["tasks"][name] for name in NAMES if name in results.summary["tasks"]}
    run = results.run
    return ReportPage(
        run_id=results.run_id,
        began=str(run.get("began", "")),
        elapsed_s=float(run.get("elapsed_s", 0)),
        outcome=str(verdict(checked)),
        failing=tuple(each for each in ordered if each.outcome is not Outcome.PASS),
        passing=tuple(each for each in ordered if each.outcome is Outcome.PASS),
        tasks=tuple(_task_page(n, part, samples.get(n, []), found, cards.get(n, "")) for n, part in parts.items()),
        baseline=baseline.name if baseline else "",
        apart=tuple(found.apart.items()) if found else (),
        changes=changes[:WORST],
        changed=len(changes),
        provenance=tuple(_flat(results.summary.get("provenance", {}))),
        circumstances=tuple(_flat({key: run[key] for key in ("python", "machine", "libraries") if key in run})),
        zero_bound=3 / max(1, max((part["cases"] for part in parts.values()), default=1)),
    )


def _task_page(
    name: str, part: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], found: Comparison | None, card: str
) -> TaskPage:
    task = load_task(name)
    data = part.get("dataset", {})
    headline = tuple(metric for metric in task.headline if metric in part["metrics"])
    ranked = sorted(samples, key=lambda sample: (-_badness(task, sample), sample["case"]))
    imperfect = [sample for sample in ranked if _badness(task, sample) > 0]
    return TaskPage(
        name=name,
        title=task.definition.title,
        about=task.definition.about,
        cases=part["cases"],
        failed=len(part["failed"]),
        errors=tuple(part["errors"]),
        data=f"{data.get('name', '')} {data.get('version', '')} · {str(data.get('sha256', ''))[:12]}" if data else "",
        metrics=tuple(_metric_rows(task, part["metrics"], found)),
        headline=headline,
        slices=tuple(_slice_rows(task, headline, part["slices"])),
        worst=tuple(_bad_case(task, sample) for sample in imperfect[:WORST]),
        imperfect=len(imperfect),
        card=card,
    )


def _metric_rows(task: Task, metrics: Mapping[str, Any], found: Comparison | None) -> Iterable[MetricRow]:
    compared = {each.metric: each for each in found.metrics if each.task == task.name} if found else {}
    for name, metric in task.definition.metrics.items():
        if name not in metrics:
            continue
        value, other = metrics[name], compared.get(name)
        yield MetricRow(
            name,
            metric.title,
            metric.better,
            metric.headline,
            value["value"],
            value["low"],
            value["high"],
            value["n"],
            value["clusters"],
            other.a if other else None,
            other.verdict if other else None,
        )


def _slice_rows(task: Task, headline: Sequence[str], slices: Mapping[str, Any]) -> Iterable[SliceRow]:
    for name, metrics in slices.items():
        cells = []
        for metric in headline:
            cell = metrics.get(metric)
            goodness = 0.0
            if cell:
                goodness = cell["value"] if task.better(metric) > 0 else 1 - cell["value"]
            cells.append((cell["value"], cell["n"], goodness) if cell else None)
        if any(cells):
            yield SliceRow(name, tuple(cells))


def _badness(task: Task, sample: Mapping[str, Any]) -> float:
    """How far a case is from perfect: errors first, then the sum of what each metric lacks."""
    lacking = sum(1 - v if task.better(m) > 0 else v for m, v in sample["scores"].items())
    return float(lacking) + 100 * len(sample["errors"])


def _bad_case(task: Task, sample: Mapping[str, Any]) -> BadCase:
    metrics = task.definition.metrics
    wrong = []
    for metric, value in sample["scores"].items():
        if (value < 1) if task.better(metric) > 0 else (value > 0):
            reason = in_chinese(sample["reasons"].get(metric, ""))
            wrong.append(f"{metrics[metric].title} {value:.2f}" + (f"：{reason}" if reason else ""))
    return BadCase(
        sample["case"],
        tuple(sample["slices"]),
        sample["asked"],
        tuple(wrong),
        tuple(sample["errors"]),
        tuple(_expected(sample["expected"])),
        tuple(_found(sample)),
    )


def _expected(expected: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for label in expected.get("relevant", ()):
        yield "relevant", label["document"] + (f"「{label['says']}」" if label.get("says") else "")
    for name in ("must", "must_not"):
        for point in expected.get(name, ()):
            yield name, " / ".join(point["any"]) if isinstance(point, dict) else str(point)
    skipped = {"relevant", "must", "must_not", "on", "as", "length", "next_step", "customer", "context"}
    for name, value in expected.items():
        if name not in skipped and value not in (None, [], ""):
            yield name, "、".join(map(str, value)) if isinstance(value, list) else str(value)


def _found(sample: Mapping[str, Any]) -> Iterable[tuple[str, str, bool]]:
    """(where from, text, whether it was expected)."""
    output = sample["output"]
    wanted = {label["document"] for label in sample["expected"].get("relevant", ())}
    for passage in output.get("evidence", ())[:EVIDENCE_SHOWN]:
        yield passage["version"], _short(passage["text"]), passage["document"] in wanted
    for text in output.get("texts", ()):
        yield "text", text, False
    for texts in output.get("arrived", ())[-1:]:
        for text in texts:
            yield "text", text, False
    for name in ("abstained", "product", "intent", "outcome", "verdict", "effect", "codes", "cited", "candidates"):
        if output.get(name) not in (None, [], "", False):
            value = output[name]
            yield name, "、".join(value) if isinstance(value, list) else str(value), False


def _changes(found: Comparison | None) -> tuple[Change, ...]:
    listed = [Change(**change) for change in found.changes] if found else []
    return tuple(sorted(listed, key=lambda change: (not change.worse, change.task, change.case)))


def _short(text: str, most: int = 110) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _flat(values: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, str(value)


def _titles(results: Results) -> dict[str, dict[str, str]]:
    names = results.summary["tasks"]
    return {n: {m: metric.title for m, metric in load_task(n).definition.metrics.items()} for n in names}


@cache
def _reasons() -> tuple[tuple[re.Pattern[str], str], ...]:
    table = tomllib.loads((TEMPLATES / "reasons.zh.toml").read_text(encoding="utf-8"))["reason"]
    return tuple((re.compile(entry["pattern"]), entry["say"]) for entry in table)


def in_chinese(reason: str) -> str:
    """A scorer's reason for people of the bank; one that nobody has translated stays as it is."""
    for pattern, say in _reasons():
        if found := pattern.fullmatch(reason):
            return found.expand(say)
    return reason


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(in_chinese=in_chinese)
    return made
