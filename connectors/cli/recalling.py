"""The command that takes a document back and tells who wrote to customers with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.cli.door import Door
from connectors.cli.options import AsJson
from connectors.cli.output import emit, labels, show, show_table, words

if TYPE_CHECKING:
    from assistant.recalling import Affected
    from assistant.records.recalls import Recall

MOST_SHOWN = 20


def recall(
    ctx: typer.Context,
    version_id: Annotated[str, typer.Argument(metavar="VERSION_ID", help="e.g. product-WY90@v2")],
    userid: Annotated[str, typer.Option("--as", metavar="USERID", help="Who recalls: a curator or an officer.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, as the members told read it.")] = "",
    say_now: Annotated[str, typer.Option("--say-now", help="What to tell customers now; judged by the gate.")] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="Drafts of how many days back.")] = 30,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the version in force; only tell.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show whom it would reach.")] = False,
    as_json: AsJson = False,
) -> None:
    """Withdraw a version and tell everybody whose drafts rest on it what to say now."""
    if not dry_run and not (reason.strip() and say_now.strip()):
        raise typer.BadParameter("请写上 --reason 和 --say-now，或先用 --dry-run 看看会通知谁")
    made: Recall | None = None
    door: Door = ctx.obj
    with door.open_services() as services:
        recalling, now = services.middle_office.recalling, services.now()
        affected = recalling.affected(version_id, days=days, now=now)
        if not dry_run:
            made = recalling.recall(
                version_id, days=days, reason=reason, say_now=say_now, withdraw=not keep, by=userid, now=now
            )
    if as_json:
        emit(_plain(affected, made, withdrawn=made is not None and not keep))
        return
    _show(affected, days)
    if made is None:
        show(words("recall.only_shown"))
    else:
        told = words("recall.done", recall_id=made.recall_id, count=len(made.notices))
        show(told + words("recall.kept" if keep else "recall.withdrawn"))


def _show(affected: Affected, days: int) -> None:
    drafts, names = affected.drafts, labels("recall_states")
    version = affected.version
    counts = {"drafts": len(drafts), "sent": sum(d.sent for d in drafts), "members": len(affected.members)}
    show(words("recall.reaches", title=version.title, version=version.version, days=days, **counts))
    rows = [(d.draft_id, d.userid, names["sent" if d.sent else "unsent"], d.question) for d in drafts[:MOST_SHOWN]]
    if rows:
        show_table(list(labels("recall_columns").values()), rows)
    if len(drafts) > MOST_SHOWN:
        show(words("recall.more", count=len(drafts) - MOST_SHOWN))


def _plain(affected: Affected, made: Recall | None, *, withdrawn: bool) -> dict[str, Any]:
    return {
        "version_id": affected.version.version_id,
        "recall_id": made.recall_id if made else None,
        "withdrawn": withdrawn,
        "drafts": [{"draft_id": d.draft_id, "userid": d.userid, "sent": d.sent} for d in affected.drafts],
        "members": list(affected.members),
        "told": [notice.userid for notice in made.notices] if made else [],
    }
