"""How often each version is found and cited, counted by business day with every draft."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, func, select
from sqlalchemy.dialects import postgresql, sqlite

from knowledge.stores.database import Database
from knowledge.stores.tables import version_uses


@dataclass(frozen=True, slots=True)
class Used:
    """In how many drafts a version was found, and in how many cited."""

    retrieved: int
    cited: int


@dataclass(frozen=True)
class Uses:
    """Counts, one row a version and day."""

    database: Database

    def count(self, conn: Connection, *, retrieved: Iterable[str], cited: Iterable[str], on: date) -> None:
        """Add one draft's versions in the caller's transaction; what is cited was found."""
        quoted = frozenset(cited)
        # Sorted: two transactions that count the same versions take their rows in the same order.
        rows = [
            {"version_id": version_id, "day": on, "retrieved": 1, "cited": int(version_id in quoted)}
            for version_id in sorted(quoted.union(retrieved))
        ]
        if rows:
            conn.execute(_adding(conn.dialect.name), rows)

    def since(self, day: date) -> dict[str, Used]:
        """What was used on that day or later, by version; without those that were not."""
        columns = version_uses.c
        query = select(columns.version_id, func.sum(columns.retrieved), func.sum(columns.cited))
        with self.database.reading() as conn:
            rows = conn.execute(query.where(columns.day >= day).group_by(columns.version_id)).all()
        return {version_id: Used(int(retrieved), int(cited)) for version_id, retrieved, cited in rows}


@cache
def _adding(dialect: str) -> Insert:
    statement: Any = (sqlite if dialect == "sqlite" else postgresql).insert(version_uses)
    sums = {name: version_uses.c[name] + statement.excluded[name] for name in ("retrieved", "cited")}
    added: Insert = statement.on_conflict_do_update(index_elements=["version_id", "day"], set_=sums)
    return added.inline()
