"""What the `eval` commands do: run, compare, gate, keep a baseline, test the harness itself."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from assistant.cases import LATEST, REPORT, Results, ResultsFolder, ResultsMissing, read_results
from evals.cases import DATASETS
from evals.comparing import Scored, baseline_page, compare, read_scored, scored
from evals.gates import EXIT, Checked, Outcome, check, verdict
from evals.house import House
from evals.provenance import commit_of, provenance
from evals.report import render
from evals.running import TaskRun, run_all, summarise
from evals.selftest import selftest
from evals.tasking import NAMES, load_task

BASELINE = Path(__file__).resolve().parent / "baseline.json"
LIBRARIES = ("wainao", "numpy", "tantivy", "pydantic", "sqlalchemy", "chromadb", "langchain-core", "rjieba")
PHONE_TASKS = frozenset({"wecom"})

OpenHouse = Callable[[bool], AbstractContextManager[House]]


@dataclass(frozen=True)
class Evaluations:
    """The harness over one results folder. `open_house` opens the product, with a phone or without."""

    results: ResultsFolder
    open_house: OpenHouse
    now: Callable[[], datetime]
    datasets: Path = DATASETS

    def names(self) -> tuple[str, ...]:
        """All tasks."""
        return NAMES

    def run(
        self,
        names: Sequence[str] = (),
        *,
        split: str = "all",
        out: Path | None = None,
        baseline: Path | None = None,
        on_task: Callable[[str], None] = lambda name: None,
    ) -> Results:
        """Run tasks (default: all), keep the results and their report. Raises: KeyError for an unknown task.

        Args:
            out: folder to keep this run in; default: one of its own, named after the time, in the results folder.
            baseline: to show differences to; default: the one in the repository, if it is there.
        """
        tasks = [load_task(name) for name in names or NAMES]
        began, started = self.now(), time.perf_counter()
        with self.open_house(any(task.name in PHONE_TASKS for task in tasks)) as house:
            runs = run_all(house, tasks, split=split, root=self.datasets, on_task=on_task)
            origin = provenance(house, commit=commit_of())
        summary = {"format": 1, "provenance": origin, "tasks": {r.task.name: summarise(r, split=split) for r in runs}}
        run_id = out.name if out else began.strftime("%Y%m%dT%H%M%SZ")
        folder = ResultsFolder(out.parent) if out else self.results
        kept = folder.write(
            run_id,
            samples=(sample.as_json() for run in runs for sample in run.samples),
            summary=summary,
            run=_circumstances(run_id, began, time.perf_counter() - started, runs),
        )
        self.report(kept, baseline=baseline)
        return kept

    def rewrite_report(self, name: str, *, baseline: Path | None = None) -> Path:
        """The report of an earlier run, written anew. Raises: ResultsMissing."""
        return self.report(self.find(name), baseline=baseline)

    def report(self, results: Results, *, baseline: Path | None = None) -> Path:
        """Write report.html anew into the folder of a run."""
        before = self._baseline(baseline)
        cards = {name: _card(self.datasets / name) for name in results.summary["tasks"]}
        page = render(results, checked=check(results, before), baseline=before, cards=cards)
        path = results.folder / REPORT
        path.write_text(page, encoding="utf-8")
        return path

    def find(self, name: str) -> Results:
        """A run by id, by folder, or `latest`. Raises: ResultsMissing."""
        path = Path(name)
        return read_results(path) if path.is_dir() else self.results.read(name)

    def compared(self, a: str, b: str) -> dict[str, Any]:
        """B against A, JSON-ready; each is a run or a baseline file. Raises: ResultsMissing."""
        return compare(self._scored(a), self._scored(b)).as_json()

    def _scored(self, name: str) -> Scored:
        path = Path(name)
        return read_scored(path) if path.exists() else scored(self.results.read(name))

    def gated(self, name: str = LATEST, *, baseline: Path | None = None) -> tuple[list[dict[str, Any]], int]:
        """Every gate and the exit status: 0 pass, 1 regression, 2 could not measure."""
        try:
            results = self.find(name)
            checked = check(results, self._baseline(baseline))
        except (ResultsMissing, KeyError) as exc:
            checked = [Checked("", "", "run", None, Outcome.UNMEASURED, f"{type(exc).__name__}: {exc}")]
        return [each.as_json() for each in checked], EXIT[verdict(checked)]

    def keep_baseline(self, name: str, out: Path | None = None) -> Path:
        """Write the scores of a run as the baseline, to be reviewed and committed. Raises: ResultsMissing."""
        path = out or BASELINE
        path.write_text(baseline_page(scored(self.find(name))), encoding="utf-8")
        return path

    def tested(self) -> list[dict[str, Any]]:
        """Plant regressions and see whether each is caught; check metrics whose answers are known."""
        with self.open_house(False) as house:
            return [trial.as_json() for trial in selftest(house)]

    @staticmethod
    def _baseline(path: Path | None) -> Scored | None:
        chosen = path or BASELINE
        if path is None and not chosen.is_file():
            return None
        return read_scored(chosen)


def _circumstances(run_id: str, began: datetime, elapsed_s: float, runs: Sequence[TaskRun]) -> dict[str, Any]:
    """All that may differ between two runs of the same code over the same data."""
    return {
        "run_id": run_id,
        "began": began.isoformat(timespec="seconds"),
        "elapsed_s": round(elapsed_s, 2),
        "tasks": {run.task.name: {"elapsed_s": round(run.elapsed_s, 2), "cases": len(run.samples)} for run in runs},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "executable": Path(sys.executable).name,
        "libraries": {name: _installed(name) for name in LIBRARIES},
    }


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _card(folder: Path) -> str:
    cards = sorted(folder.glob("v*/card.md"), key=lambda path: int(path.parent.name[1:]))
    return cards[-1].read_text(encoding="utf-8") if cards else ""
