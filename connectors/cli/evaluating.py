"""Commands `eval run`, `compare`, `gate`, `baseline`, `selftest`, `report` and `case add`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from connectors.cli.door import Door
from connectors.cli.failing import FAILED
from connectors.cli.options import AsJson, AsUser
from connectors.cli.output import emit, labels, remark, show, show_table, words

if TYPE_CHECKING:
    from assistant.cases import Results

SPLITS = ("dev", "test", "all")

BaselineFile = Annotated[
    Path | None, typer.Option("--baseline", exists=True, help="File or run; default: the reviewed one.")
]


class Evaluating(Protocol):
    """The harness as commands use it; everything that comes back is JSON-ready or in files."""

    def names(self) -> tuple[str, ...]: ...

    def run(
        self,
        names: Sequence[str] = (),
        *,
        split: str = "all",
        out: Path | None = None,
        baseline: Path | None = None,
        on_task: Callable[[str], None] = lambda name: None,
    ) -> Results: ...

    def compared(self, a: str, b: str) -> dict[str, Any]: ...

    def gated(self, name: str, *, baseline: Path | None = None) -> tuple[list[dict[str, Any]], int]: ...

    def keep_baseline(self, name: str, out: Path | None = None) -> Path: ...

    def tested(self) -> list[dict[str, Any]]: ...

    def rewrite_report(self, name: str, *, baseline: Path | None = None) -> Path: ...


def eval_run(
    ctx: typer.Context,
    tasks: Annotated[list[str] | None, typer.Argument(metavar="[TASK...]", help="Default: all tasks.")] = None,
    out: Annotated[Path | None, typer.Option("--out", file_okay=False, help="Folder of this run.")] = None,
    split: Annotated[str, typer.Option("--split", help="dev, test or all")] = "all",
    baseline: BaselineFile = None,
    as_json: AsJson = False,
) -> None:
    """Run the harness over the sample bank, in a temporary home of its own, and write the report."""
    harness = _harness(ctx)
    unknown = sorted(set(tasks or ()) - set(harness.names()))
    if unknown:
        raise typer.BadParameter(f"没有这个任务：{'、'.join(unknown)}；可选 {'、'.join(harness.names())}")
    if split not in SPLITS:
        raise typer.BadParameter(f"--split 只能是 {'、'.join(SPLITS)}")
    results = harness.run(
        tasks or (),
        split=split,
        out=out,
        baseline=baseline,
        on_task=lambda name: remark(words("evaluation.running", task=name)),
    )
    if as_json:
        emit({"run": results.run_id, "folder": str(results.folder), **results.summary})
    else:
        _show_run(results)
    broken = [name for name, part in results.summary["tasks"].items() if part["errors"] or part["failed"]]
    if broken:
        remark(words("evaluation.broken", tasks="、".join(broken)))
        raise typer.Exit(FAILED)


def eval_compare(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="Run id, its folder, or a baseline file: the one before.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Likewise: the one after.")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs case by case."""
    found = _harness(ctx).compared(a, b)
    if as_json:
        emit(found)
        return
    verdicts = labels("compare_verdicts")
    rows = [
        (
            f"{each['task']} {each['metric']}" + (" *" if each["headline"] else ""),
            f"{each['a']:.3f}",
            f"{each['b']:.3f}",
            f"{each['difference']:+.3f} [{each['low']:+.3f}, {each['high']:+.3f}]",
            "" if each["p_holm"] is None else f"{each['p_holm']:.3f}",
            verdicts[each["verdict"]],
        )
        for each in found["metrics"]
    ]
    show_table(list(labels("compare_columns").values()), rows)
    for task, why in found["apart"].items():
        remark(words("evaluation.apart", task=task, why=why))
    for fall in found["falls"]:
        slots = {**fall, "a": f"{fall['a']:.3f}", "b": f"{fall['b']:.3f}"}
        show(words("evaluation.fall", **slots))


def eval_gate(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="Run id or folder; default: the latest.")] = "latest",
    baseline: BaselineFile = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a run may go live: exit 0 yes, 1 worse than it must be, 2 could not be measured."""
    checked, status = _harness(ctx).gated(run, baseline=baseline)
    if as_json:
        emit({"outcome": ("pass", "regression", "unmeasured")[status], "exit": status, "checked": checked})
    else:
        outcomes = labels("gate_outcomes")
        rows = [
            (
                each["task"],
                each["metric"],
                each["wanted"],
                "" if each["value"] is None else f"{each['value']:.3f}",
                outcomes[each["outcome"]],
                each["reason"],
            )
            for each in sorted(checked, key=lambda each: list(outcomes).index(each["outcome"]))
        ]
        show_table(list(labels("gate_columns").values()), rows)
        show(words(f"evaluation.exit_{status}"))
    if status:
        raise typer.Exit(status)


def eval_baseline(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="[RUN]")] = "latest",
    out: Annotated[Path | None, typer.Option("--out", dir_okay=False, help="Default: evals/baseline.json.")] = None,
    as_json: AsJson = False,
) -> None:
    """Keep the scores of a run as the baseline; have it reviewed like code."""
    path = _harness(ctx).keep_baseline(run, out)
    if as_json:
        emit({"file": str(path)})
    else:
        show(words("evaluation.baseline", path=path))


def eval_selftest(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Plant regressions and see whether the harness catches each."""
    trials = _harness(ctx).tested()
    missed = [each for each in trials if not each["caught"]]
    if as_json:
        emit({"trials": trials, "missed": len(missed)})
    else:
        marks = labels("selftest_marks")
        rows = [(marks["caught" if each["caught"] else "missed"], each["name"], each["said"]) for each in trials]
        show_table(list(labels("selftest_columns").values()), rows)
    if missed:
        raise typer.Exit(FAILED)


def eval_report(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="[RUN]")] = "latest",
    baseline: BaselineFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a run anew."""
    path = _harness(ctx).rewrite_report(run, baseline=baseline)
    if as_json:
        emit({"file": str(path)})
    else:
        show(str(path))


def case_add(
    ctx: typer.Context,
    draft: Annotated[str | None, typer.Option("--draft", metavar="DRAFT_ID")] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", metavar="TICKET_ID")] = None,
    expect: Annotated[str | None, typer.Option("--expect", help="draft, unknown, blocked, check or answer")] = None,
    as_userid: AsUser = None,
    as_json: AsJson = False,
) -> None:
    """Make a case of a draft that was wrong, or of a question that found nothing; masked, each once."""
    from assistant.cases import LivingCases, case_of_draft, case_of_ticket

    if (draft is None) == (ticket is None):
        raise typer.BadParameter("请给 --draft 或 --ticket 中的一个")
    if expect not in (None, "draft", "unknown", "blocked", "check", "answer"):
        raise typer.BadParameter("--expect 只能是 draft、unknown、blocked、check、answer")
    door: Door = ctx.obj
    with door.open_services() as services:
        make, name = (case_of_draft, draft) if draft else (case_of_ticket, ticket)
        case = make(services.records, str(name), by=as_userid or "cli", on=services.today(), expect=expect)
        living = LivingCases(services.home / "eval_cases")
        added = living.add(case)
    if as_json:
        emit({"case": case["id"], "added": added, "file": str(living.file)})
    else:
        show(words("evaluation.case_added" if added else "evaluation.case_known", case=case["id"], path=living.file))


def _harness(ctx: typer.Context) -> Evaluating:
    door: Door = ctx.obj
    return door.run.evaluations()


def _show_run(results: Results) -> None:
    rows = [row for name, part in results.summary["tasks"].items() for row in _rows(name, part)]
    show_table(list(labels("evaluation_columns").values()), rows)
    show(words("evaluation.done", run=results.run_id, path=results.folder / "report.html"))


def _rows(name: str, part: Mapping[str, Any]) -> list[tuple[object, ...]]:
    return [
        (name, metric, f"{found['value']:.3f}", f"{found['low']:.3f} – {found['high']:.3f}", found["n"])
        for metric, found in part["metrics"].items()
    ]
