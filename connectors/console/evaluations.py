"""Runs of the harness: the newest in figures, the history, the report to take away, and cases made from life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response

from assistant.cases import (
    REPORT,
    CaseNotThere,
    LivingCases,
    Results,
    ResultsFolder,
    ResultsMissing,
    case_of_draft,
    case_of_ticket,
)
from connectors.console.rendering import go, render
from connectors.console.viewing import Curator, CurrentViewer

if TYPE_CHECKING:
    from connectors.console.console import Console

SHOWN_RUNS = 30
SHOWN_CASES = 20
EXPECTATIONS = ("", "draft", "unknown", "blocked")
_WIDTH, _HEIGHT, _EDGE = 160.0, 36.0, 3.0


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """One metric over the runs, oldest first; `points` is an SVG polyline of 160 by 36."""

    task: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    before: float | None
    points: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `failed` are cases that could not be measured."""

    run_id: str
    began: str
    commit: str
    cases: int
    failed: int
    has_report: bool


@dataclass(frozen=True, slots=True)
class EvaluationsPage:
    """What evaluations.html shows."""

    runs: tuple[RunRow, ...]
    metrics: tuple[MetricHistory, ...]
    cases: tuple[Mapping[str, Any], ...]
    case_count: int
    expectations: tuple[str, ...]
    missing: str


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/evaluations")
    def show(request: Request, viewer: CurrentViewer) -> Response:
        return render(request, "evaluations.html", _page(console), viewer)

    @router.get("/evaluations/{run_id}/report")
    def report(viewer: CurrentViewer, run_id: str) -> Response:
        """Taken away as a file: it brings a style of its own, which no page of the console may."""
        try:
            path = _results(console).read(run_id).folder / REPORT
            body = path.read_bytes()
        except (ResultsMissing, OSError) as exc:
            raise HTTPException(404) from exc
        name = f"attachment; filename=wainao-{path.parent.name}.html"
        return Response(body, media_type="text/html; charset=utf-8", headers={"Content-Disposition": name})

    @router.post("/evaluations/cases")
    def add(
        request: Request,
        viewer: Curator,
        number: Annotated[str, Form(max_length=40)] = "",
        expect: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        wanted = expect if expect in EXPECTATIONS and expect else None
        services = console.services
        name = number.strip()
        make = case_of_ticket if name.startswith("t") else case_of_draft
        try:
            case = make(services.records, name, by=viewer.userid, on=services.today(), expect=wanted)
        except CaseNotThere:
            return render(request, "evaluations.html", _page(console, missing=name), viewer, status=404)
        added = _living(console).add(case)
        return go(request, "/evaluations", said="case_added" if added else "case_known")

    return router


def _results(console: Console) -> ResultsFolder:
    return ResultsFolder(console.services.home / "results")


def _living(console: Console) -> LivingCases:
    return LivingCases(console.services.home / "eval_cases")


def _page(console: Console, *, missing: str = "") -> EvaluationsPage:
    runs = _results(console).history(limit=SHOWN_RUNS)
    cases = _living(console).all()
    newest_first = tuple(reversed(cases))[:SHOWN_CASES]
    return EvaluationsPage(
        tuple(_row(run) for run in runs), tuple(_metrics(runs)), newest_first, len(cases), EXPECTATIONS, missing
    )


def _row(run: Results) -> RunRow:
    parts = run.summary["tasks"].values()
    return RunRow(
        run.run_id,
        str(run.run.get("began", "")),
        str(run.summary.get("provenance", {}).get("commit", ""))[:9],
        sum(part["cases"] for part in parts),
        sum(len(part["failed"]) + len(part["errors"]) for part in parts),
        (run.folder / REPORT).is_file(),
    )


def _metrics(runs: Sequence[Results]) -> list[MetricHistory]:
    """The metrics of the newest run that has each task, with their way there."""
    found: dict[tuple[str, str], MetricHistory] = {}
    for run in runs:
        for task, part in run.summary["tasks"].items():
            for metric, value in part["metrics"].items():
                if (task, metric) not in found:
                    found[task, metric] = _history(task, part["title"], metric, value, runs)
    return list(found.values())


def _history(task: str, title: str, metric: str, newest: Mapping[str, Any], runs: Sequence[Results]) -> MetricHistory:
    values = [
        float(run.summary["tasks"][task]["metrics"][metric]["value"])
        for run in reversed(runs)
        if metric in run.summary["tasks"].get(task, {}).get("metrics", {})
    ]
    before = values[-2] if len(values) > 1 else None
    return MetricHistory(
        title, metric, newest["value"], newest["low"], newest["high"], newest["n"], before, _polyline(values)
    )


def _polyline(values: Sequence[float]) -> str:
    step = (_WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    height = _HEIGHT - 2 * _EDGE
    spots = [(_EDGE + step * place, _EDGE + height * (1 - value)) for place, value in enumerate(values)]
    if len(spots) == 1:
        spots.append((_WIDTH - _EDGE, spots[0][1]))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
