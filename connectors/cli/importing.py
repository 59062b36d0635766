"""Commands that take records in: a knowledge folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.cli.door import Door
from connectors.cli.options import AsJson
from connectors.cli.output import emit, remark, show, words


def import_knowledge(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `export knowledge` wrote.")],
    userid: Annotated[str | None, typer.Option("--as", metavar="USERID", help="A curator or officer.")] = None,
    trust_approvals: Annotated[
        bool, typer.Option("--trust-approvals", help="Vouch for approvals given elsewhere; needs --as.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a knowledge folder back, all or nothing."""
    from assistant.transferring import Transferring
    from knowledge.folder_sources import DiskFolder

    if trust_approvals and userid is None:
        raise typer.BadParameter("--trust-approvals 要和 --as 一起用")
    door: Door = ctx.obj
    with door.open_services() as services:
        report = Transferring(services.records).take_in(
            DiskFolder(folder), by=userid, trust_approvals=trust_approvals, dry_run=dry_run, now=services.now()
        )
    counts = {name: len(getattr(report, name)) for name in ("new", "changed", "unchanged")}
    told = {"versions": report.versions, "passages": report.passages, **counts, "waiting": report.waiting}
    if as_json:
        emit(
            {"path": str(folder), "dry_run": dry_run, "fingerprint": report.fingerprint, "files": report.files, **told}
        )
        return
    show(words("import.checked" if dry_run else "import.done", **told))
    if report.waiting:
        remark(words("import.waiting", **told))
