"""The harness tested by itself: regressions are planted and must be caught, metrics must give known answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from assistant.cases import Results
from assistant.compliance.findings import Review, Subject, Verdict
from assistant.compliance.gate import ComplianceGate
from assistant.drafting.brief import Brief, Draft, Drafter
from evals.cases import DATASETS
from evals.comparing import Scored, ScoredTask
from evals.gates import Checked, Outcome, check
from evals.house import House, Retriever
from evals.known import KNOWN
from evals.running import TaskRun, run_task, summarise
from evals.scores import Score
from evals.tasking import Task, load_task
from knowledge.documents import DocumentKind, DocumentVersion, Scope, SearchResult

CASES = DATASETS / "selftest"
BEFORE = timedelta(days=75)  # the sample bank's replaced sheets were in force then
_FIGURES = re.compile(r"\d+(?:\.\d+)?\s*[%％]?")


@dataclass(frozen=True, slots=True)
class Trial:
    """One planted fault or one known answer; `caught` is as it should be."""

    name: str
    caught: bool
    said: str

    def as_json(self) -> dict[str, Any]:
        """For `wainao eval selftest --json`."""
        return {"name": self.name, "caught": self.caught, "said": self.said}


def selftest(house: House, root: Path = CASES) -> list[Trial]:
    """Every trial, in order."""
    return [*known_answers(), *_planted(house, root)]


def known_answers() -> Iterable[Trial]:
    """Metrics on cases with answers worked out by hand, Chinese included."""
    for name, (compute, wanted) in KNOWN.items():
        got = compute()
        close = abs(got - wanted) < 1e-6
        yield Trial(f"known: {name}", close, "" if close else f"{got}, not {wanted}")


def _planted(house: House, root: Path) -> Iterable[Trial]:
    sound = {name: run_task(house, load_task(name), root=root) for name in ("retrieval", "drafting", "gate")}
    for name, run in sound.items():
        failed = [error for sample in run.samples for error in sample.errors] + list(run.errors)
        yield Trial(f"sound product runs: {name}", not failed and bool(run.samples), "; ".join(failed[:3]))
    baseline = _scored(sound.values())
    yield _silent("the sound product is no regression against itself", sound.values(), baseline)

    def caught(name: str, task: str, metric: str, broken: House | Task) -> Trial:
        of_task = broken if isinstance(broken, Task) else load_task(task)
        run = run_task(broken if isinstance(broken, House) else house, of_task, root=root)
        others = [each for other, each in sound.items() if other != task]
        return _caught(name, check(_results([run, *others]), baseline), task, metric)

    stale = replace(house, retriever=Outdated(house.retriever))
    yield caught("retriever that returns superseded text", "retrieval", "stale", stale)
    foreign = Divided(**{field.name: getattr(house, field.name) for field in fields(house)})
    yield caught("retriever that ignores who asks", "retrieval", "foreign", foreign)
    mixed = replace(house, retriever=Reversed(house.retriever))
    yield caught("retriever that ranks upside down", "retrieval", "ndcg@10", mixed)
    bold = replace(house, retriever=Bold(house.retriever))
    yield caught("retriever that is always sure", "retrieval", "abstain_recall", bold)
    lenient = replace(house, gate=LenientGate(house.gate.packs))
    yield caught("gate that passes everything", "gate", "red_line_recall", lenient)
    pipeline = house.asking.pipeline
    blurred = replace(pipeline, composer=Blurring(pipeline.composer))
    yield caught("composer that drops figures", "drafting", "figures", _drafting_with(house, blurred))
    yield from _unmeasured(house, root, sound, baseline)


def _unmeasured(house: House, root: Path, sound: Mapping[str, TaskRun], baseline: Scored) -> Iterable[Trial]:
    others = [sound["drafting"], sound["gate"]]
    task = load_task("retrieval")
    broken = replace(task, scorers=(*task.scorers, _failing))
    run = run_task(house, broken, root=root)
    yield _caught("scorer that fails", check(_results([run, *others]), baseline), "retrieval", "", Outcome.UNMEASURED)
    same = summarise(run, split="all")["metrics"] == summarise(sound["retrieval"], split="all")["metrics"]
    yield Trial("a failed metric is averaged into nothing", same, "")
    deaf = run_task(house, replace(task, run=_raising), root=root)
    yield _caught("product that fails", check(_results([deaf, *others]), baseline), "retrieval", "", Outcome.UNMEASURED)
    silent = run_task(house, replace(task, scorers=task.scorers[:1]), root=root)
    found = check(_results([silent, *others]), baseline)
    yield _caught("metric that is missing", found, "retrieval", "stale", Outcome.UNMEASURED)
    other = replace(baseline.tasks["retrieval"], sha256="0" * 64)
    changed = Scored(baseline.name, {**baseline.tasks, "retrieval": other})
    found = check(_results(sound.values()), changed)
    yield _caught("data changed without a new baseline", found, "retrieval", "", Outcome.UNMEASURED)
    found = check(_results(others), baseline)
    yield _caught("task that was left out", found, "retrieval", "", Outcome.UNMEASURED)


def _caught(
    name: str, checked: Iterable[Checked], task: str, metric: str, outcome: Outcome = Outcome.REGRESSION
) -> Trial:
    hits = [each for each in checked if (each.task, each.outcome) == (task, outcome)]
    named = [each for each in hits if each.metric == metric]
    said = "; ".join(f"{each.metric} {each.value} ({each.wanted}) {each.reason}" for each in (named or hits)[:2])
    return Trial(f"planted: {name}", bool(named), said)


def _silent(name: str, runs: Iterable[TaskRun], baseline: Scored) -> Trial:
    """Only what is compared with the baseline counts: floors are about the product, not about the harness."""
    worse = [c for c in check(_results(runs), baseline) if c.wanted.startswith("gain") and c.outcome != Outcome.PASS]
    return Trial(name, not worse, "; ".join(f"{each.task} {each.metric}" for each in worse))


def _results(runs: Iterable[TaskRun]) -> Results:
    listed = list(runs)
    summary = {"tasks": {run.task.name: summarise(run, split="all") for run in listed}}
    return _Held("selftest", Path(), summary, samples_=[s.as_json() for run in listed for s in run.samples])


@dataclass(frozen=True)
class _Held(Results):
    """Results that were never written."""

    samples_: list[dict[str, Any]] | None = None

    def samples(self) -> list[dict[str, Any]]:
        return self.samples_ or []


def _scored(runs: Iterable[TaskRun]) -> Scored:
    return Scored("sound", {run.task.name: _scored_task(run) for run in runs})


def _scored_task(run: TaskRun) -> ScoredTask:
    return ScoredTask(
        run.dataset.sha256 if run.dataset else "",
        "all",
        {sample.case: {score.metric: score.value for score in sample.scores} for sample in run.samples},
        {sample.case: sample.source for sample in run.samples},
        {sample.case: sample.slices for sample in run.samples},
    )


def _drafting_with(house: House, pipeline: Any) -> House:
    asking = replace(house.asking, pipeline=pipeline)
    return replace(house, asking=asking, talk=replace(house.talk, asking=asking))


def _failing(case: Any, output: Mapping[str, Any]) -> Iterable[Score]:
    raise ZeroDivisionError("planted")


def _raising(house: House, case: Any) -> Mapping[str, Any]:
    raise RuntimeError("planted")


# -- broken parts


@dataclass(frozen=True)
class Outdated:
    """Answers as of months ago."""

    inner: Retriever

    def search(
        self, question: str, *, scope: Scope, on: date, top_k: int = 10, kinds: frozenset[DocumentKind] | None = None
    ) -> SearchResult:
        return self.inner.search(question, scope=scope, on=on - BEFORE, top_k=top_k, kinds=kinds)


class Divided(House):
    """A house whose database says that every product sheet belongs to a branch of which the retriever knows nothing."""

    @cached_property
    def versions(self) -> Mapping[str, DocumentVersion]:
        own = frozenset({"another-branch"})
        return {
            version.version_id: replace(version, branches=own) if version.kind is DocumentKind.PRODUCT else version
            for version in self.store.versions()
        }


@dataclass(frozen=True)
class Reversed:
    """The worst first."""

    inner: Retriever

    def search(
        self, question: str, *, scope: Scope, on: date, top_k: int = 10, kinds: frozenset[DocumentKind] | None = None
    ) -> SearchResult:
        found = self.inner.search(question, scope=scope, on=on, top_k=top_k, kinds=kinds)
        return replace(found, evidence=found.evidence[::-1])


@dataclass(frozen=True)
class Bold:
    """Never says that it is not sure."""

    inner: Retriever

    def search(
        self, question: str, *, scope: Scope, on: date, top_k: int = 10, kinds: frozenset[DocumentKind] | None = None
    ) -> SearchResult:
        found = self.inner.search(question, scope=scope, on=on, top_k=top_k, kinds=kinds)
        return replace(found, abstained=False)


class LenientGate(ComplianceGate):
    """Finds nothing."""

    def review(self, text: str, subject: Subject, *, on: date, **given: Any) -> Review:
        return Review(Verdict.PASS, text, (), self.packs.fingerprint)


@dataclass(frozen=True)
class Blurring:
    """Drafts without figures."""

    inner: Drafter

    def draft(self, brief: Brief) -> tuple[Draft, ...]:
        return tuple(
            replace(draft, sentences=tuple(replace(s, text=_FIGURES.sub("", s.text)) for s in draft.sentences))
            for draft in self.inner.draft(brief)
        )
