"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer


def day(value: str) -> date:
    """A date written as 2026-01-31."""
    try:
        return date.fromisoformat(value)
    except ValueError as exc:
        raise typer.BadParameter("日期应写成 2026-01-31") from exc


def with_words(value: str) -> str:
    """A text in which something stands that can be read."""
    if not any(character.isalnum() for character in value):
        raise typer.BadParameter("请写上文字，例如 客户问：黄金还能买吗")
    return value


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
AsUser = Annotated[str | None, typer.Option("--as", metavar="USERID", help="Act as this member of staff.")]
OnDay = Annotated[date | None, typer.Option("--on", parser=day, metavar="DATE", help="Business day; default: today.")]
