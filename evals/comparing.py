"""Two runs over the same cases: paired differences, clustered by source, and the slices that fell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.cases import Results, ResultsMissing, read_results
from evals.statistics import LEVEL, Difference, holm, paired
from evals.tasking import NAMES, Task, load_task

SLICE_LEAST, SLICE_FALL = 30, 0.05
DIGITS = 6
SHOWN_CHANGES = 200


@dataclass(frozen=True)
class ScoredTask:
    """The scores of one task by case and metric, with each case's source and slices."""

    sha256: str
    split: str
    scores: Mapping[str, Mapping[str, float]]
    sources: Mapping[str, str]
    slices: Mapping[str, tuple[str, ...]]

    def mean(self, metric: str, cases: Iterable[str] | None = None) -> tuple[float, int]:
        """Mean and count over the cases that have the metric; (0, 0) when none has."""
        chosen = self.scores if cases is None else cases
        values = [self.scores[case][metric] for case in chosen if metric in self.scores.get(case, {})]
        return (sum(values) / len(values), len(values)) if values else (0.0, 0)


@dataclass(frozen=True)
class Scored:
    """A run or a baseline, as far as comparing needs it."""

    name: str
    tasks: Mapping[str, ScoredTask]


def scored(results: Results) -> Scored:
    """The scores of a run. Raises: ResultsMissing."""
    tasks: dict[str, dict[str, Any]] = {}
    for sample in results.samples():
        part = tasks.setdefault(sample["task"], {"scores": {}, "sources": {}, "slices": {}})
        part["scores"][sample["case"]] = sample["scores"]
        part["sources"][sample["case"]] = sample["source"]
        part["slices"][sample["case"]] = tuple(sample["slices"])
    summary = results.summary["tasks"]
    return Scored(
        results.run_id,
        {
            name: ScoredTask(summary[name].get("dataset", {}).get("sha256", ""), summary[name]["split"], **part)
            for name, part in tasks.items()
        },
    )


def read_scored(path: Path) -> Scored:
    """From a run's folder or from a baseline file. Raises: ResultsMissing."""
    if path.is_dir():
        return scored(read_results(path))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        tasks = {name: _task_of(part) for name, part in data["tasks"].items()}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ResultsMissing(str(path)) from exc
    return Scored(str(data.get("run", path.name)), tasks)


def _task_of(part: Mapping[str, Any]) -> ScoredTask:
    cases = part["cases"]
    return ScoredTask(
        part["sha256"],
        part["split"],
        {case: entry["scores"] for case, entry in cases.items()},
        {case: entry["source"] for case, entry in cases.items()},
        {case: tuple(entry["slices"]) for case, entry in cases.items()},
    )


def baseline_page(run: Scored) -> str:
    """The text of a baseline file: reviewed like code, so each case stands on a line of its own."""
    lines = [f'{{"run": {json.dumps(run.name)}, "tasks": {{']
    for place, (name, task) in enumerate(sorted(run.tasks.items())):
        comma = "," if place + 1 < len(run.tasks) else ""
        lines.append(f'"{name}": {{"sha256": "{task.sha256}", "split": "{task.split}", "cases": {{')
        cases = [f"{json.dumps(case, ensure_ascii=False)}: {_case_line(task, case)}" for case in task.scores]
        lines.append(",\n".join(cases))
        lines.append("}}" + comma)
    return "\n".join([*lines, "}}"]) + "\n"


def _case_line(task: ScoredTask, case: str) -> str:
    entry = {"scores": dict(task.scores[case]), "source": task.sources[case], "slices": list(task.slices[case])}
    return json.dumps(entry, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of one task in both runs; `difference` is B minus A, `gain` the same with better as positive."""

    task: str
    metric: str
    better: int
    headline: bool
    a: float
    b: float
    difference: Difference
    p_holm: float | None = None

    @property
    def gain_low(self) -> float:
        """The lower end of the interval of the gain."""
        return self.difference.low if self.better > 0 else 0.0 - self.difference.high

    @property
    def gain_high(self) -> float:
        """The upper end of the interval of the gain."""
        return self.difference.high if self.better > 0 else 0.0 - self.difference.low

    @property
    def verdict(self) -> str:
        """`better` or `worse` only when interval and corrected p agree; else `unclear`, or `same` without a change."""
        if self.difference.value == 0 and self.difference.low == self.difference.high:
            return "same"
        sure = self.p_holm is not None and self.p_holm < 1 - LEVEL
        if sure and self.gain_low > 0:
            return "better"
        return "worse" if sure and self.gain_high < 0 else "unclear"

    def as_json(self) -> dict[str, Any]:
        """For `wainao eval compare --json`."""
        found = self.difference
        return {
            "task": self.task,
            "metric": self.metric,
            "better": "higher" if self.better > 0 else "lower",
            "headline": self.headline,
            "a": round(self.a, DIGITS),
            "b": round(self.b, DIGITS),
            "n": found.n,
            "difference": round(found.value, DIGITS),
            "low": round(found.low, DIGITS),
            "high": round(found.high, DIGITS),
            "p": round(found.p, DIGITS),
            "p_holm": None if self.p_holm is None else round(self.p_holm, DIGITS),
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two runs. `apart` says which tasks could not be compared, and why."""

    a: str
    b: str
    metrics: tuple[Compared, ...]
    falls: tuple[Mapping[str, Any], ...]
    changes: tuple[Mapping[str, Any], ...]
    apart: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """For `wainao eval compare --json`."""
        return {
            "a": self.a,
            "b": self.b,
            "metrics": [each.as_json() for each in self.metrics],
            "falls": [dict(fall) for fall in self.falls],
            "changes": [dict(change) for change in self.changes],
            "apart": dict(self.apart),
        }


def compare(a: Scored, b: Scored) -> Comparison:
    """B against A."""
    metrics: list[Compared] = []
    falls: list[Mapping[str, Any]] = []
    changes: list[Mapping[str, Any]] = []
    apart: dict[str, str] = {}
    for name in NAMES:
        if name not in a.tasks and name not in b.tasks:
            continue
        why = _apart(a.tasks.get(name), b.tasks.get(name))
        if why:
            apart[name] = why
            continue
        task, before, after = load_task(name), a.tasks[name], b.tasks[name]
        metrics += _metrics(task, before, after)
        falls += _falls(task, before, after)
        changes += _changes(task, before, after)
    return Comparison(a.name, b.name, _corrected(metrics), tuple(falls), tuple(changes[:SHOWN_CHANGES]), apart)


def _apart(before: ScoredTask | None, after: ScoredTask | None) -> str:
    if before is None or after is None:
        return "only in B" if before is None else "only in A"
    if before.sha256 != after.sha256:
        return "the data differs"
    return "" if before.split == after.split else "the split differs"


def _common(before: ScoredTask, after: ScoredTask, metric: str) -> list[str]:
    return [case for case, s in before.scores.items() if metric in s and metric in after.scores.get(case, {})]


def _metrics(task: Task, before: ScoredTask, after: ScoredTask) -> Iterable[Compared]:
    for metric in task.definition.metrics:
        cases = _common(before, after, metric)
        if not cases:
            continue
        deltas = [after.scores[case][metric] - before.scores[case][metric] for case in cases]
        difference = paired(deltas, [before.sources[case] for case in cases])
        means = before.mean(metric, cases)[0], after.mean(metric, cases)[0]
        yield Compared(task.name, metric, task.better(metric), metric in task.headline, *means, difference)


def _corrected(metrics: Iterable[Compared]) -> tuple[Compared, ...]:
    """Headline metrics with Holm's correction over all of them; the others are shown, nothing is claimed of them."""
    listed = list(metrics)
    adjusted = holm({f"{m.task}/{m.metric}": m.difference.p for m in listed if m.headline})
    return tuple(
        Compared(m.task, m.metric, m.better, m.headline, m.a, m.b, m.difference, adjusted.get(f"{m.task}/{m.metric}"))
        for m in listed
    )


def _falls(task: Task, before: ScoredTask, after: ScoredTask) -> Iterable[Mapping[str, Any]]:
    for name in sorted({slice_ for names in before.slices.values() for slice_ in names}):
        for metric in task.headline:
            cases = [case for case in _common(before, after, metric) if name in before.slices[case]]
            if len(cases) < SLICE_LEAST:
                continue
            was, now = before.mean(metric, cases)[0], after.mean(metric, cases)[0]
            if (was - now) * task.better(metric) > SLICE_FALL:
                entry = {"task": task.name, "slice": name, "metric": metric, "n": len(cases)}
                yield {**entry, "a": round(was, DIGITS), "b": round(now, DIGITS)}


def _changes(task: Task, before: ScoredTask, after: ScoredTask) -> Iterable[Mapping[str, Any]]:
    for metric in task.definition.metrics:
        for case in _common(before, after, metric):
            was, now = before.scores[case][metric], after.scores[case][metric]
            if was != now:
                worse = (was - now) * task.better(metric) > 0
                yield {"task": task.name, "case": case, "metric": metric, "a": was, "b": now, "worse": worse}
