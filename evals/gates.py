"""Whether a run may go live: floors and hard zeros, nothing worse than the baseline, nothing left unmeasured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assistant.cases import Results
from evals.comparing import Comparison, Scored, compare, scored
from evals.tasking import Gate, Task, load_task

MARGIN = 0.02
ALL = "*"
TOLERANCE = 1e-9


class Outcome(StrEnum):
    """How one gate was passed."""

    PASS = "pass"  # noqa: S105 - a verdict
    REGRESSION = "regression"
    UNMEASURED = "unmeasured"


EXIT = {Outcome.PASS: 0, Outcome.REGRESSION: 1, Outcome.UNMEASURED: 2}


@dataclass(frozen=True, slots=True)
class Checked:
    """One gate with what was wanted and what came; `value` None: not measured."""

    task: str
    metric: str
    wanted: str
    value: float | None
    outcome: Outcome
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `wainao eval gate --json`."""
        return {
            "task": self.task,
            "metric": self.metric,
            "wanted": self.wanted,
            "value": self.value,
            "outcome": str(self.outcome),
            "reason": self.reason,
        }


def check(results: Results, baseline: Scored | None) -> list[Checked]:
    """Every gate of every task of a run. `baseline` None: there is none, and that nothing is worse is not known."""
    run = scored(results)
    checked: list[Checked] = []
    for name, part in results.summary["tasks"].items():
        checked += _whole(name, part)
        task = load_task(name)
        for gate in task.definition.gates:
            checked.append(_bounded(task, gate, part))
    return [*checked, *_against(run, baseline)]


def verdict(checked: Iterable[Checked]) -> Outcome:
    """The worst of all: what could not be measured blocks before what is worse."""
    outcomes = {each.outcome for each in checked}
    for outcome in (Outcome.UNMEASURED, Outcome.REGRESSION):
        if outcome in outcomes:
            return outcome
    return Outcome.PASS if outcomes else Outcome.UNMEASURED


def _whole(name: str, part: Mapping[str, Any]) -> Iterable[Checked]:
    """A task with an error or a failed case, or without cases, was not measured."""
    for error in part["errors"]:
        yield Checked(name, "", "data", None, Outcome.UNMEASURED, error)
    if part["failed"]:
        first = part["failed"][0]
        reason = f"{len(part['failed'])} failed, first {first['case']}: {first['errors'][0]}"
        yield Checked(name, "", "0 failed cases", None, Outcome.UNMEASURED, reason)
    if not part["cases"] and not part["errors"]:
        yield Checked(name, "", "cases", None, Outcome.UNMEASURED, "no case in this split")


def _bounded(task: Task, gate: Gate, part: Mapping[str, Any]) -> Checked:
    if gate.below is not None:
        return _dropped(task, gate, part)
    found = part["metrics"].get(gate.metric) if gate.slice is None else _in_slice(part, gate.slice, gate.metric)
    place = gate.metric + (f" [{gate.slice}]" if gate.slice else "")
    wanted = f"≥ {gate.at_least:g}" if gate.at_least is not None else f"≤ {gate.at_most:g}"
    if found is None:
        return Checked(task.name, place, wanted, None, Outcome.UNMEASURED, "no case has this metric")
    value = float(found["value"])
    low_enough = gate.at_most is None or value <= gate.at_most + TOLERANCE
    high_enough = gate.at_least is None or value >= gate.at_least - TOLERANCE
    outcome = Outcome.PASS if low_enough and high_enough else Outcome.REGRESSION
    return Checked(task.name, place, wanted, value, outcome, f"n = {found['n']}")


def _dropped(task: Task, gate: Gate, part: Mapping[str, Any]) -> Checked:
    """A slice may stay behind another by so much."""
    place = f"{gate.metric} [{gate.slice}]"
    behind = _in_slice(part, gate.slice or "", gate.metric)
    ahead = part["metrics"].get(gate.metric) if gate.below == ALL else _in_slice(part, gate.below or "", gate.metric)
    wanted = f"[{gate.below}] - {gate.drop:g}"
    if behind is None or ahead is None:
        return Checked(task.name, place, wanted, None, Outcome.UNMEASURED, "a slice has no case with this metric")
    fall = (float(ahead["value"]) - float(behind["value"])) * task.better(gate.metric)
    outcome = Outcome.PASS if fall <= (gate.drop or 0) + TOLERANCE else Outcome.REGRESSION
    reason = f"{behind['value']:.3f} (n = {behind['n']}), {gate.below}: {ahead['value']:.3f}"
    return Checked(task.name, place, wanted, float(behind["value"]), outcome, reason)


def _in_slice(part: Mapping[str, Any], name: str, metric: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = part["slices"].get(name, {}).get(metric)
    return found


def _against(run: Scored, baseline: Scored | None) -> Iterable[Checked]:
    if baseline is None:
        yield Checked("", "", "baseline", None, Outcome.UNMEASURED, "there is no baseline to compare with")
        return
    found = compare(baseline, run)
    for task, why in found.apart.items():
        yield Checked(task, "", "baseline", None, Outcome.UNMEASURED, f"not comparable with the baseline: {why}")
    yield from _headline(found)
    yield from _missing(run, baseline, found)
    for fall in found.falls:
        place = f"{fall['metric']} [{fall['slice']}]"
        reason = f"{fall['a']:.3f} before (n = {fall['n']})"
        yield Checked(fall["task"], place, "no fall over 5 points", fall["b"], Outcome.REGRESSION, reason)


def _headline(found: Comparison) -> Iterable[Checked]:
    for each in found.metrics:
        if not each.headline:
            continue
        margin = _margin(each.task, each.metric)
        outcome = Outcome.PASS if each.gain_low > -margin else Outcome.REGRESSION
        reason = f"{each.a:.3f} before, gain {each.gain_low:+.3f} to {each.gain_high:+.3f}"
        yield Checked(each.task, each.metric, f"gain > -{margin:g}", each.b, outcome, reason)


def _margin(task: str, metric: str) -> float:
    gates = load_task(task).definition.gates
    said = [gate.not_worse_by for gate in gates if gate.metric == metric and gate.not_worse_by is not None]
    return said[0] if said else MARGIN


def _missing(run: Scored, baseline: Scored, found: Comparison) -> Iterable[Checked]:
    """A metric that the baseline has and the run has not."""
    for name, task in baseline.tasks.items():
        if name in found.apart or name not in run.tasks:
            continue
        for metric in sorted({metric for scores in task.scores.values() for metric in scores}):
            if not run.tasks[name].mean(metric)[1]:
                yield Checked(name, metric, "baseline", None, Outcome.UNMEASURED, "the baseline has it, the run not")
