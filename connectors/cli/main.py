"""The command `wainao`: every command by name. Importing this loads nothing of the house."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from connectors.cli import (
    doctor,
    drafts,
    evaluating,
    exporting,
    gating,
    importing,
    keeping,
    loading,
    people,
    queues,
    recalling,
    running,
    training,
)
from connectors.cli.door import Door, OpenServices, Runners
from connectors.cli.failing import CommandGroup


def build_cli(open_services: OpenServices, run: Runners) -> typer.Typer:
    """All commands over the given services; only those that need them open them."""
    door = Door(open_services, run)
    app = typer.Typer(
        name="wainao",
        cls=CommandGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        ctx: typer.Context,
        version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
    ) -> None:
        """外脑: compliant, cited drafts for relationship managers inside WeCom."""
        ctx.obj = door

    for command in (
        running.demo,
        running.serve,
        doctor.doctor,
        drafts.ask,
        drafts.decide,
        loading.ingest,
        drafts.search,
        gating.check,
        gating.redact,
        keeping.reindex,
        training.train,
        keeping.backup,
        keeping.restore,
        exporting.evidence,
        keeping.purge,
        recalling.recall,
        running.settings,
    ):
        app.command()(command)
    _add_groups(app)
    return app


def _add_groups(app: typer.Typer) -> None:
    groups: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
        "sample": ("The sample bank.", {"load": loading.sample_load}),
        "export": (
            "Hand records out.",
            {"feedback": exporting.export_feedback, "knowledge": exporting.export_knowledge},
        ),
        "import": ("Take records in.", {"knowledge": importing.import_knowledge}),
        "audit": ("The audit log.", {"verify": keeping.audit_verify}),
        "user": (
            "Members of staff.",
            {
                "add": people.user_add,
                "list": people.user_list,
                "password": people.user_password,
                "disable": people.user_disable,
            },
        ),
        "branch": ("Branches.", {"add": people.branch_add, "list": people.branch_list}),
        "token": ("Tokens of programs.", {"create": people.token_create}),
        "eval": (
            "The evaluation harness.",
            {
                "run": evaluating.eval_run,
                "compare": evaluating.eval_compare,
                "gate": evaluating.eval_gate,
                "baseline": evaluating.eval_baseline,
                "selftest": evaluating.eval_selftest,
                "report": evaluating.eval_report,
                "retrieval": running.eval_retrieval,
                "gallery": running.eval_gallery,
            },
        ),
        "tickets": ("Questions without an answer.", {"list": queues.tickets_list, "answer": queues.tickets_answer}),
        "deadletters": (
            "Messages that were given up.",
            {"list": queues.deadletters_list, "retry": queues.deadletters_retry},
        ),
    }
    for name, (about, commands) in groups.items():
        group = typer.Typer(help=about, no_args_is_help=True)
        for word, command in commands.items():
            group.command(word)(command)
        if name == "eval":
            cases = typer.Typer(help="Cases taken from life.", no_args_is_help=True)
            cases.command("add")(evaluating.case_add)
            group.add_typer(cases, name="case")
        app.add_typer(group, name=name)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(version("wainao"))
        except PackageNotFoundError:
            typer.echo("unknown")
        raise typer.Exit
