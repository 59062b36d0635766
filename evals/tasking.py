"""A task: a data set, how the product is run on one case, scorers, and gates; its data stands in tasks/*.toml.

This module knows no task by name but for the table at its end.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from evals.cases import MODELS, Case
from evals.house import House
from evals.scores import Score

FOLDER = Path(__file__).resolve().parent / "tasks"
NAMES = tuple(MODELS)

Run = Callable[[House, Any], Mapping[str, Any]]
Scorer = Callable[[Any, Mapping[str, Any]], Iterable[Score]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(_Part):
    """A metric as people read it. `headline`: stands at the top and is compared with correction for many metrics."""

    title: str
    better: Literal["higher", "lower"] = "higher"
    headline: bool = False


class Gate(_Part):
    """What a run must reach in one metric.

    `at_least` and `at_most` bound the mean; `slice` limits it to one slice; `below` names a slice (`*`: all) whose
    mean may be larger by `drop` at most. `not_worse_by` is against the baseline: the lower end of the paired interval.
    """

    metric: str
    at_least: float | None = Field(None, ge=0, le=1)
    at_most: float | None = Field(None, ge=0, le=1)
    slice: str | None = None
    below: str | None = None
    drop: float | None = None
    not_worse_by: float | None = None


class Definition(_Part):
    """tasks/<name>.toml."""

    title: str
    about: str
    metrics: dict[str, Metric]
    gates: tuple[Gate, ...] = ()
    words: dict[str, tuple[str, ...]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One task, ready to run."""

    name: str
    definition: Definition
    run: Run
    scorers: tuple[Scorer, ...]
    model: type[Case]

    @property
    def headline(self) -> tuple[str, ...]:
        """The metrics that count."""
        return tuple(name for name, metric in self.definition.metrics.items() if metric.headline)

    def better(self, metric: str) -> int:
        """1 when a larger value is better, else -1."""
        return 1 if self.definition.metrics[metric].better == "higher" else -1


@cache
def definition(name: str) -> Definition:
    """The data of one task. Raises: FileNotFoundError, pydantic.ValidationError."""
    return Definition.model_validate(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))


def words_of(task: str, table: str) -> tuple[str, ...]:
    """A word list that a scorer needs."""
    return definition(task).words[table]


def load_task(name: str) -> Task:
    """A task by name. Raises: KeyError for one that does not exist."""
    model = MODELS[name]
    module = import_module(f"evals.tasks.{name}")
    return Task(name, definition(name), module.run, module.SCORERS, model)
