"""Commands of upkeep: backup, restore, audit, purge, reindex."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.cli.door import Door
from connectors.cli.failing import FAILED, CommandFailed
from connectors.cli.options import AsJson
from connectors.cli.output import emit, labels, remark, show, show_table, words
from connectors.cli.people import ACTOR

if TYPE_CHECKING:
    from assistant.records.audit import AuditHead, AuditReport
    from assistant.records.backup import BackupReport
    from knowledge.stores.database import Database


@contextmanager
def opened_database(door: Door) -> Iterator[Database]:
    """The database alone, for what must work also when nothing else does."""
    from knowledge.stores.database import Database

    database = Database(door.run.load_settings().database)
    try:
        yield database
    finally:
        database.close()


def backup(
    ctx: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="Default: backups/ in WAINAO_HOME, named by the time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write all records into one file; the service may run meanwhile."""
    from assistant.records import backup as files

    door: Door = ctx.obj
    now = door.run.now()
    target = path or door.run.load_settings().home / "backups" / f"wainao-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    if target.exists():
        raise CommandFailed("file_exists", file=target)
    with opened_database(door) as database:
        report = files.backup(database, target, now=now)
    _show_report(report, "backup.done", as_json=as_json)


def restore(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    force: Annotated[
        bool, typer.Option("--force", help="Replace everything in a database that holds records.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill an empty database from a backup, checked before it counts."""
    from assistant.records import backup as files

    door: Door = ctx.obj
    with opened_database(door) as database:
        report = files.restore(database, path, force=force)
    _show_report(report, "restore.done", as_json=as_json)


def audit_verify(
    ctx: typer.Context,
    head: Annotated[str | None, typer.Option("--head", metavar="SEQ:HASH", help="A head noted earlier.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that the audit log was not changed, shortened or reordered; 1 when it was."""
    from assistant.records.audit import Audit

    door: Door = ctx.obj
    with opened_database(door) as database:
        report = Audit(database).verify(_saved(head))
    if as_json:
        emit(_audit_json(report))
    elif report.whole:
        show(words("audit.whole", count=report.count, seq=report.head.seq, hash=report.head.hash))
    if not report.whole:
        if as_json:
            raise typer.Exit(FAILED)
        raise CommandFailed("audit_broken", seq=report.broken_at, problem=report.problem)


def purge(
    ctx: typer.Context,
    days: Annotated[int, typer.Option("--older-than", metavar="DAYS", min=1, help="Keep this many days.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Empty the texts of old records; counts, hashes and the audit log stay."""
    from assistant.records.purge import purge as empty

    door: Door = ctx.obj
    with door.open_services() as services:
        now = services.now()
        before = now - timedelta(days=days)
        if not yes:
            typer.confirm(words("purge.sure", day=before.date()), abort=True, err=True)
        report = empty(services.records.database, older_than=before)
        body = {"older_than": before.isoformat(), "rows": dict(report.rows)}
        with services.records.database.writing() as conn:
            services.records.audit.append(conn, actor=ACTOR, event="purged", subject="records", body=body, now=now)
    if as_json:
        emit(body)
    else:
        show_table(list(labels("table_columns").values()), list(report.rows.items()))


def reindex(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Build every index anew from the database."""
    from dataclasses import asdict

    door: Door = ctx.obj
    status = door.run.reindex()
    if as_json:
        emit(asdict(status))
    else:
        show(words("reindex.done", passages=status.passages, embedder=status.embedder_id))


def _saved(head: str | None) -> AuditHead | None:
    from assistant.records.audit import AuditHead

    if head is None:
        return None
    seq, _, sealed = head.partition(":")
    if not seq.isdigit() or not sealed:
        raise typer.BadParameter("--head 应写成 序号:哈希，即上次核对时给出的那两项")
    return AuditHead(int(seq), sealed)


def _show_report(report: BackupReport, key: str, *, as_json: bool) -> None:
    if as_json:
        emit({"path": str(report.path), "rows": dict(report.rows), "audit": _audit_json(report.audit)})
        return
    show(words(key, path=report.path, rows=sum(report.rows.values())))
    if not report.audit.whole:
        remark(words("audit.broken", seq=report.audit.broken_at or 0))


def _audit_json(report: AuditReport) -> dict[str, object]:
    return {
        "whole": report.whole,
        "count": report.count,
        "head": {"seq": report.head.seq, "hash": report.head.hash},
        "broken_at": report.broken_at,
        "problem": report.problem,
    }
