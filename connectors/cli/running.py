"""Commands that app.py runs: processes, evaluation, settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.cli.door import Door
from connectors.cli.failing import CommandFailed
from connectors.cli.options import AsJson
from connectors.cli.output import emit, labels, remark, show_table

if TYPE_CHECKING:
    from assistant.settings import Settings


def demo(
    ctx: typer.Context,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Default: WAINAO_PORT.")] = None,
) -> None:
    """Start everything with the sample bank, and print where to look."""
    door: Door = ctx.obj
    door.run.demo(port)


def serve(ctx: typer.Context) -> None:
    """Run the service."""
    door: Door = ctx.obj
    door.run.serve()


def announce_service(settings: Settings) -> None:
    """One line on where the service listens, and one when WeCom is not set up."""
    table = labels("service")
    remark(table["listening"].replace("$address", f"http://{settings.host}:{settings.port}"))
    if not settings.wecom_configured:
        remark(table["wecom_missing"])


def settings(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting, where it comes from, secrets masked."""
    door: Door = ctx.obj
    rows = door.run.explain_settings()
    if as_json:
        emit({"settings": [{"name": name, "value": value, "source": source} for name, value, source in rows]})
    else:
        show_table(list(labels("settings_columns").values()), rows)


def eval_retrieval(
    ctx: typer.Context,
    corpus: Annotated[
        Path, typer.Option("--corpus", exists=True, dir_okay=False, help="JSONL: id, text, title, aliases")
    ],
    queries: Annotated[Path, typer.Option("--queries", exists=True, dir_okay=False, help="JSONL: id, text")],
    qrels: Annotated[Path, typer.Option("--qrels", exists=True, dir_okay=False, help="TSV: qid, docid, rel")],
    aliases: Annotated[
        bool, typer.Option("--aliases/--no-aliases", help="Index the aliases as known questions.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Measure retrieval on a judged set, in a temporary knowledge base of its own."""
    door: Door = ctx.obj
    try:
        measured = door.run.eval_retrieval(corpus, queries, qrels, aliases=aliases)
    except ValueError as exc:
        raise CommandFailed("bad_set", problem=str(exc)) from exc
    if as_json:
        emit(measured)
    else:
        show_table(list(labels("measure_columns").values()), list(measured.items()))


def eval_gallery(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="Markdown file.")] = Path("docs/gallery.md"),
    as_json: AsJson = False,
) -> None:
    """Write the page that shows what is drafted today, for people to read."""
    door: Door = ctx.obj
    counts = door.run.gallery(out)
    if as_json:
        emit({"file": str(out), **counts})
    else:
        show_table(list(labels("measure_columns").values()), [("file", str(out)), *counts.items()])
