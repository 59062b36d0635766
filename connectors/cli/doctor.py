"""Command `doctor`: examines what the house stands on, and says what to do about each finding."""

from __future__ import annotations

from typing import Any

import typer

from connectors.cli.door import Door
from connectors.cli.failing import FAILED
from connectors.cli.options import AsJson
from connectors.cli.output import emit, labels, show_table

STYLES = {"good": "green", "notice": "yellow", "problem": "bold red"}


def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check settings, disk, database, index, model and WeCom; 1 when something is a problem."""
    from rich.text import Text

    from connectors.cli.examinations import examine
    from connectors.cli.examined import Examined, State

    door: Door = ctx.obj
    results = examine(door)
    problems = sum(1 for result in results if result.state is State.PROBLEM)
    if as_json:
        emit({"checks": [_plain(result) for result in results], "problems": problems})
    else:
        states = labels("states")

        def row(result: Examined) -> tuple[object, ...]:
            name, found, todo = result.told()
            return (name, Text(states[result.state.value], style=STYLES[result.state.value]), found, todo)

        show_table(list(labels("doctor_columns").values()), [row(result) for result in results])
    if problems:
        raise typer.Exit(FAILED)


def _plain(result: Any) -> dict[str, str]:
    name, found, todo = result.told()
    return {"check": result.check, "name": name, "state": result.state.value, "found": found, "todo": todo}
