"""The bank's product lines: whatever members are registered for, and whatever knowledge is addressed to."""

from __future__ import annotations

from sqlalchemy import Text, cast, select

from assistant.records.tables import staff
from knowledge.stores.database import Database
from knowledge.stores.tables import versions

LONGEST_LINE = 64


def lines_in_use(database: Database) -> tuple[str, ...]:
    """Every product line that a member or a version of any status carries, in alphabetical order."""
    found: set[str] = set()
    with database.reading() as conn:
        for column in (staff.c.lines, versions.c.lines):
            for row in conn.execute(select(column).where(cast(column, Text) != "[]")):
                found.update(row[0])
    return tuple(sorted(found))


def lines_said(text: str) -> tuple[str, ...]:
    """Lines typed in one field, parted by spaces, commas or 、; each once, in their order, cut to what is stored."""
    for mark in "，、,；;":
        text = text.replace(mark, " ")
    return tuple(dict.fromkeys(line[:LONGEST_LINE] for line in text.split()))
