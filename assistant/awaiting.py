"""Numbers for the first page: what waits for somebody."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, select

from knowledge.documents import VersionStatus
from knowledge.stores.database import Database
from knowledge.stores.tables import versions

SOON_DAYS = 30


def count_expiring(database: Database, *, on: date, within_days: int = SOON_DAYS) -> int:
    """Versions in force whose last day comes within so many days and that nothing replaces yet."""
    until = versions.c.effective_until
    query = select(func.count()).where(
        versions.c.status == VersionStatus.APPROVED.value,
        versions.c.effective_from <= on,
        until > on,
        until <= on + timedelta(days=within_days),
        versions.c.superseded_by.is_(None),
    )
    with database.reading() as conn:
        return int(conn.execute(query).scalar_one())
