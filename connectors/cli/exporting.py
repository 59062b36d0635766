"""Commands that hand records out: feedback, knowledge, the evidence of one draft."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer

from connectors.cli.door import Door
from connectors.cli.gating import written
from connectors.cli.options import AsJson, day
from connectors.cli.output import as_line, emit, remark, show, words


def export_feedback(
    ctx: typer.Context,
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="Default, and -: standard output.")] = None,
    since: Annotated[
        date | None, typer.Option("--since", parser=day, metavar="DATE", help="Decisions from then.")
    ] = None,
) -> None:
    """Write what RMs did with drafts, one JSON a line (docs/feedback-schema.md)."""
    from assistant.feedback_export import FeedbackExport
    from assistant.pseudonyms import Pseudonyms

    door: Door = ctx.obj
    with door.open_services() as services:
        people = Pseudonyms.kept_in(services.home)
        export = FeedbackExport(services.records, services.store, people)
        count = _write(out, export.lines(since=_midnight(since)))
    if out not in (None, "-"):
        remark(words("export.feedback", count=count, path=out))


def export_knowledge(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new or empty folder.")],
    as_json: AsJson = False,
) -> None:
    """Write everything that is known as a folder that another installation reads back (docs/knowledge-folder.md)."""
    from knowledge.export import export_knowledge as write_all

    door: Door = ctx.obj
    folder = empty_folder(out)
    with door.open_services() as services:
        counts = write_all(services.records.database, folder)
    if as_json:
        emit({"path": str(folder), **counts})
    else:
        show(words("export.knowledge", path=folder, **counts))


def evidence(
    ctx: typer.Context,
    draft_id: Annotated[str, typer.Argument(metavar="DRAFT_ID")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Default: evidence-DRAFT_ID here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write all that proves how one draft came about and what became of it, as a folder."""
    from assistant.errors import DraftNotFound
    from assistant.evidence_pack import EvidencePack
    from assistant.records.errors import RecordNotFound

    door: Door = ctx.obj
    with door.open_services() as services:
        try:
            services.records.drafts.get(draft_id)
        except RecordNotFound as exc:
            raise DraftNotFound(draft_id=draft_id) from exc
        folder = empty_folder(out or Path(f"evidence-{draft_id}"))
        pack = EvidencePack(services.records, services.store, services.gate.packs.fingerprint)
        files = pack.write(draft_id, folder, now=services.now())
    if as_json:
        emit({"draft_id": draft_id, "path": str(folder), "files": files})
    else:
        show(words("evidence.done", path=folder, count=len(files)))


def empty_folder(path: Path) -> Path:
    """A folder that only its owner reads, made if need be. Raises: CommandFailed when something is in it."""
    from connectors.cli.failing import CommandFailed

    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CommandFailed("folder_not_empty", folder=path)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _write(out: str | None, lines: Iterable[dict[str, Any]]) -> int:
    count = 0
    with written(out) as output:
        for line in lines:
            output.write(as_line(line).encode())
            count += 1
    sys.stdout.flush()
    return count


def _midnight(since: date | None) -> datetime | None:
    from assistant.clock import SHANGHAI

    return datetime.combine(since, time(), SHANGHAI).astimezone(UTC) if since else None
