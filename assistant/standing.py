"""Whether what a draft rests on still holds, so that a draft of yesterday is not sent on withdrawn facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from assistant.clock import business_day
from assistant.records.drafts import DraftRecord
from assistant.records.tables import recalls
from knowledge.documents import DocumentVersion, Stage
from knowledge.stores.database import Database
from knowledge.stores.rows import version_of
from knowledge.stores.tables import versions


class Lapse(StrEnum):
    """Why a version can carry a draft no longer."""

    WITHDRAWN = "withdrawn"
    RECALLED = "recalled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LapsedEvidence:
    """A version that a draft cites and that holds no longer."""

    version: DocumentVersion
    why: Lapse


def lapsed_evidence(database: Database, draft: DraftRecord, *, now: datetime) -> LapsedEvidence | None:
    """The first cited version that was recalled since the draft was made, or that is not in force any more.

    A draft made for another day than its own is judged on that day.
    """
    cited = sorted({item.version_id for item in draft.evidence})
    if not cited:
        return None
    own_day = draft.on_day == business_day(draft.created_at)
    with database.reading() as conn:
        found = [version_of(row) for row in conn.execute(select(versions).where(versions.c.version_id.in_(cited)))]
        recalled = _recalled_since(conn, cited, draft.created_at)
    for version in sorted(found, key=lambda version: version.version_id):
        stage = version.stage_on(business_day(now) if own_day else draft.on_day)
        if stage in _LAPSES:
            return LapsedEvidence(version, _LAPSES[stage])
        if version.version_id in recalled:
            return LapsedEvidence(version, Lapse.RECALLED)
    return None


_LAPSES = {
    Stage.WITHDRAWN: Lapse.WITHDRAWN,
    Stage.SUPERSEDED: Lapse.SUPERSEDED,
    Stage.EXPIRED: Lapse.EXPIRED,
}


def _recalled_since(conn: Connection, cited: list[str], since: datetime) -> set[str]:
    query = select(recalls.c.version_id).where(recalls.c.version_id.in_(cited), recalls.c.recalled_at >= since)
    return set(conn.execute(query).scalars())
