"""Runs tasks: every case through the product, every scorer over what came, means with intervals over all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cases import DATASETS, Case, Dataset, DatasetInvalid, read_dataset
from evals.house import House
from evals.scores import Sample, Score
from evals.statistics import mean_interval
from evals.tasking import Scorer, Task

ASKED = ("question", "request", "text", "says")
HIDDEN = frozenset({"id", "split", "source", "slices", "author", "reviewed_by", "created", "note", *ASKED})
DIGITS = 6


@dataclass(frozen=True)
class TaskRun:
    """What one task gave. `dataset` None: it could not be read, and `errors` says why."""

    task: Task
    dataset: Dataset | None
    samples: tuple[Sample, ...]
    errors: tuple[str, ...]
    elapsed_s: float


def run_task(house: House, task: Task, *, split: str = "all", root: Path = DATASETS) -> TaskRun:
    """Run one task; nothing that goes wrong in a case ends it, and nothing that goes wrong is forgotten."""
    started = time.perf_counter()
    try:
        dataset = read_dataset(task.name, root, model=task.model)
    except (DatasetInvalid, OSError, UnicodeDecodeError) as exc:
        return TaskRun(task, None, (), (str(exc),), time.perf_counter() - started)
    samples = tuple(run_case(house, task, case) for case in dataset.of_split(split))
    return TaskRun(task, dataset, samples, (), time.perf_counter() - started)


def run_case(house: House, task: Task, case: Case) -> Sample:
    """One case: the product first, then every scorer by itself."""
    errors: list[str] = []
    output: Mapping[str, Any] = {}
    scores: list[Score] = []
    try:
        output = task.run(house, case)
    except Exception as exc:  # noqa: BLE001 - whatever a case brings about is a finding, not the end of the run
        errors.append(f"run: {_said(exc)}")
    else:
        scores, errors = scored(task.scorers, case, output, known=task.definition.metrics)
    return Sample(
        task=task.name,
        case=case.id,
        split=case.split,
        source=case.source,
        slices=case.slices,
        asked=_asked(case),
        expected=case.model_dump(mode="json", by_alias=True, exclude=set(HIDDEN), exclude_defaults=True),
        output=output,
        scores=tuple(scores),
        errors=tuple(errors),
    )


def scored(
    scorers: Iterable[Scorer], case: Case, output: Mapping[str, Any], *, known: Iterable[str]
) -> tuple[list[Score], list[str]]:
    """All scores of one case; a scorer that fails gives none and is named among the errors."""
    scores: list[Score] = []
    errors: list[str] = []
    for scorer in scorers:
        try:
            found = list(scorer(case, output))
        except Exception as exc:  # noqa: BLE001 - a failed metric is an error, never a number
            errors.append(f"{scorer.__name__}: {_said(exc)}")
            continue
        errors += [f"{scorer.__name__}: unknown metric {s.metric}" for s in found if s.metric not in set(known)]
        scores += [score for score in found if score.metric in set(known)]
    return scores, errors


def summarise(run: TaskRun, *, split: str) -> dict[str, Any]:
    """The task's part of summary.json."""
    failed = [{"case": sample.case, "errors": list(sample.errors)} for sample in run.samples if sample.errors]
    part: dict[str, Any] = {
        "title": run.task.definition.title,
        "split": split,
        "cases": len(run.samples),
        "failed": failed,
        "errors": list(run.errors),
        "metrics": means(run.task.definition.metrics, run.samples),
        "slices": by_slice(run.task.definition.metrics, run.samples),
    }
    if run.dataset:
        part["dataset"] = {
            "name": run.dataset.name,
            "version": run.dataset.version,
            "sha256": run.dataset.sha256,
            "dev": len(run.dataset.of_split("dev")),
            "test": len(run.dataset.of_split("test")),
        }
    return part


def means(metrics: Iterable[str], samples: Sequence[Sample]) -> dict[str, dict[str, float | int]]:
    """Mean and interval of each metric that any sample has a score in."""
    table: dict[str, dict[str, float | int]] = {}
    for metric in metrics:
        pairs = [
            (score.value, sample.source) for sample in samples for score in sample.scores if score.metric == metric
        ]
        if pairs:
            found = mean_interval([value for value, _ in pairs], [source for _, source in pairs])
            table[metric] = {
                "value": round(found.value, DIGITS),
                "low": round(found.low, DIGITS),
                "high": round(found.high, DIGITS),
                "n": found.n,
                "clusters": found.clusters,
            }
    return table


def by_slice(metrics: Iterable[str], samples: Sequence[Sample]) -> dict[str, dict[str, dict[str, float | int]]]:
    """Mean and count of each metric in each slice, and in each split."""
    names = sorted({name for sample in samples for name in (*sample.slices, f"split:{sample.split}")})
    table: dict[str, dict[str, dict[str, float | int]]] = {}
    for name in names:
        inside = [s for s in samples if name in s.slices or name == f"split:{s.split}"]
        for metric in metrics:
            values = [score.value for sample in inside for score in sample.scores if score.metric == metric]
            if values:
                mean = round(sum(values) / len(values), DIGITS)
                table.setdefault(name, {})[metric] = {"value": mean, "n": len(values)}
    return table


def run_all(
    house: House,
    tasks: Sequence[Task],
    *,
    split: str = "all",
    root: Path = DATASETS,
    on_task: Callable[[str], None] = lambda name: None,
) -> list[TaskRun]:
    """Each task in turn; `on_task` hears its name before it begins."""
    runs = []
    for task in tasks:
        on_task(task.name)
        runs.append(run_task(house, task, split=split, root=root))
    return runs


def _asked(case: Case) -> str:
    found = next((getattr(case, name) for name in ASKED if hasattr(case, name)), "")
    return found if isinstance(found, str) else "\n".join(found)


def _said(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc}"
