"""What needs a curator's eye before somebody complains: expiring and cited, never used, contradicting each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, or_, select

from assistant.clock import business_day
from assistant.records.records import Records
from knowledge.conflicts import Conflict, ConflictFinder
from knowledge.documents import DocumentVersion, VersionStatus
from knowledge.stores.rows import version_of
from knowledge.stores.tables import version_uses, versions


@dataclass(frozen=True, slots=True)
class ExpiringDocument:
    """A version whose last day comes and that nothing follows; `cited`: in how many drafts of late."""

    version: DocumentVersion
    days_left: int
    cited: int


@dataclass(frozen=True, slots=True)
class UnusedDocument:
    """A version that retrieval has never found; `days_in_force` since it could first be found."""

    version: DocumentVersion
    days_in_force: int


@dataclass(frozen=True)
class Watching:
    """Reads only; days are business days."""

    records: Records
    finder: ConflictFinder

    def expiring(self, *, on: date, within_days: int = 30, cited_days: int = 30) -> list[ExpiringDocument]:
        """Versions in force on `on` that end within `within_days` with no successor; the most cited first."""
        until = versions.c.effective_until
        ending = (until.is_not(None), until <= _later(on, within_days), versions.c.superseded_by.is_(None))
        found = self._in_force(on, *ending)
        used = self.records.uses.since(_earlier(on, cited_days))
        rows = [
            ExpiringDocument(
                version,
                (version.effective_until - on).days if version.effective_until else 0,
                used[version.version_id].cited if version.version_id in used else 0,
            )
            for version in found
        ]
        return sorted(rows, key=lambda row: (-row.cited, row.days_left, row.version.version_id))

    def never_used(self, *, on: date, older_than_days: int = 30) -> list[UnusedDocument]:
        """Versions in force for longer than `older_than_days` that no draft ever found; the oldest first."""
        found = self._in_force(on, versions.c.version_id.not_in(select(version_uses.c.version_id)))
        rows = [UnusedDocument(version, (on - _findable_since(version)).days) for version in found]
        old = [row for row in rows if row.days_in_force >= older_than_days]
        return sorted(old, key=lambda row: (-row.days_in_force, row.version.version_id))

    def conflicts(self, *, on: date) -> list[Conflict]:
        """Passages in force on `on` that state different figures for the same product and attribute."""
        return self.finder.find(on=on)

    def _in_force(self, on: date, *which: ColumnElement[bool]) -> Sequence[DocumentVersion]:
        query = select(versions).where(
            versions.c.status == VersionStatus.APPROVED.value,
            versions.c.effective_from <= on,
            or_(versions.c.effective_until.is_(None), versions.c.effective_until > on),
            *which,
        )
        with self.records.database.reading() as conn:
            return [version_of(row) for row in conn.execute(query)]


def _findable_since(version: DocumentVersion) -> date:
    """From when on it could be found: approved, and in force."""
    approved = business_day(version.approved_at) if version.approved_at else version.effective_from
    return max(version.effective_from, approved)


def _later(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max


def _earlier(day: date, days: int) -> date:
    try:
        return day - timedelta(days=days)
    except OverflowError:
        return date.min
