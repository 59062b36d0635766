"""What a scorer says about one case, and what a run keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one case, in [0, 1], with the reason in a sentence's worth of words.

    Where a metric does not apply to a case there is no score: a mean is over the cases that it says something about.
    """

    metric: str
    value: float
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ValueError(f"{self.metric} is {self.value}, not within 0 and 1")


@dataclass(frozen=True, slots=True)
class Sample:
    """One case as it was answered; `output` is JSON-ready and holds nothing that differs between two runs."""

    task: str
    case: str
    split: str
    source: str
    slices: tuple[str, ...]
    asked: str
    expected: Mapping[str, Any]
    output: Mapping[str, Any]
    scores: tuple[Score, ...] = ()
    errors: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """One line of samples.jsonl."""
        return {
            "task": self.task,
            "case": self.case,
            "split": self.split,
            "source": self.source,
            "slices": list(self.slices),
            "asked": self.asked,
            "expected": dict(self.expected),
            "output": dict(self.output),
            "scores": {score.metric: round(score.value, 6) for score in self.scores},
            "reasons": {score.metric: score.reason for score in self.scores if score.reason},
            "errors": list(self.errors),
        }
