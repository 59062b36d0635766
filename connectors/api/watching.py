"""What needs attention: gaps, conflicts, what expires, what is never used; and recalls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field, StringConstraints

from assistant.gaps import GapGroup
from assistant.recalling import Affected
from assistant.records.recalls import Recall
from connectors.api.door import Curator, Reader
from connectors.api.shapes import Day, Ident, In, Limit, Out, Questions, VersionOut, Words
from connectors.services import Services

Days = Annotated[int, Field(ge=1, le=3650)]
Said = Annotated[Words, StringConstraints(min_length=1)]


class AskedOut(Out):
    """Somebody's question, personal data masked."""

    ticket_id: str
    userid: str
    question: str
    asked_at: datetime
    status: str


class GapOut(Out):
    """Questions that mean the same and have no knowledge; `due_at` null: nobody waits any more."""

    group_id: str
    title: str = Field(examples=["稳盈90天能不能质押"])
    count: int
    questions: list[AskedOut]
    due_at: datetime | None

    @classmethod
    def of(cls, group: GapGroup) -> Self:
        """From the grouping."""
        return cls.model_validate(asdict(group))


class GapsOut(Out):
    """Groups: those with an open question first, the largest first."""

    gaps: list[GapOut]


class AnswerIn(In):
    """The answer to some tickets; it becomes a draft of a known question."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "ticket_ids": ["t1"],
                    "question": "稳盈90天能不能质押",
                    "answer": "这款产品目前不支持质押。",
                    "known_questions": ["稳盈90天可以做质押贷款吗"],
                    "send_now": False,
                }
            ]
        },
    )
    ticket_ids: Annotated[tuple[Ident, ...], Field(min_length=1, max_length=500)]
    question: Said
    answer: Said
    known_questions: Questions = ()
    send_now: bool = False


class StatementOut(Out):
    """What one passage says."""

    passage_id: str
    version_id: str
    title: str
    value: str
    quote: str


class ConflictOut(Out):
    """Statements that cannot all be true."""

    subject: str
    attribute: str
    statements: list[StatementOut]


class ConflictsOut(Out):
    """Conflicts among what is in force on `on`."""

    on: date
    conflicts: list[ConflictOut]


class ExpiringOut(Out):
    """A version that ends soon, and how often it was cited lately."""

    version: VersionOut
    days_left: int
    cited: int


class ExpiringListOut(Out):
    """The most cited first."""

    expiring: list[ExpiringOut]


class UnusedOut(Out):
    """A version that nobody's question ever found."""

    version: VersionOut
    days_in_force: int


class UnusedListOut(Out):
    """Versions in force that were never retrieved."""

    never_used: list[UnusedOut]


class AffectedDraftOut(Out):
    """A draft that rests on a version; `sent`: it may have reached a customer."""

    draft_id: str
    userid: str
    created_at: datetime
    question: str
    decision: str
    sent: bool
    quote: str


class AffectedOut(Out):
    """Whom a recall would tell, and about which drafts."""

    version: VersionOut
    drafts: list[AffectedDraftOut]
    members: list[str]

    @classmethod
    def of(cls, affected: Affected, on: date) -> Self:
        """From the preview."""
        drafts = [AffectedDraftOut.model_validate(asdict(draft)) for draft in affected.drafts]
        return cls(version=VersionOut.of(affected.version, on), drafts=drafts, members=list(affected.members))


class RecallIn(In):
    """Which version, why, and what RMs are to say now. The same words about the same version are the same recall."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "version_id": "leaflet@v2",
                    "days": 7,
                    "reason": "赎回费写错了",
                    "say_now": "赎回规则以最新产品说明书为准，我帮您再核对一下。",
                    "withdraw": True,
                }
            ]
        },
    )
    version_id: Ident
    days: Days = 7
    reason: Said
    say_now: Said
    withdraw: bool = True


class NoticeOut(Out):
    """One member was told."""

    userid: str
    draft_ids: list[str]
    sent_draft_ids: list[str]
    notified_at: datetime


class RecallOut(Out):
    """A recall and who was told."""

    recall_id: str
    version_id: str
    document_id: str
    reason: str
    say_now: str
    days: int
    recalled_by: str
    recalled_at: datetime
    notices: list[NoticeOut]

    @classmethod
    def of(cls, recall: Recall) -> Self:
        """From the stored recall."""
        return cls.model_validate(asdict(recall))


class RecallsOut(Out):
    """Recalls, newest first."""

    recalls: list[RecallOut]


def routes(services: Callable[[], Services]) -> APIRouter:
    """The watching routes."""
    router = APIRouter()
    _gap_routes(router, services)
    _watch_routes(router, services)
    _recall_routes(router, services)
    return router


def _gap_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.get("/gaps", tags=["gaps"], summary="Questions that found nothing, grouped by likeness")
    def gaps(caller: Reader, days: Days = 30) -> GapsOut:
        built = services()
        return GapsOut(gaps=[GapOut.of(group) for group in built.middle_office.gaps.groups(days=days, now=built.now())])

    @router.post("/gaps/answers", tags=["gaps"], summary="Write the answer to a gap", status_code=201)
    def write_answer(caller: Curator, body: AnswerIn) -> VersionOut:
        built = services()
        version = built.middle_office.gaps.write_answer(
            body.ticket_ids,
            question=body.question,
            answer=body.answer,
            known_questions=body.known_questions,
            send_now=body.send_now,
            by=caller.userid,
            now=built.now(),
        )
        return VersionOut.of(version, built.today())


def _watch_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.get("/conflicts", tags=["watch"], summary="Passages in force that state different figures")
    def conflicts(caller: Reader, on: Day | None = None) -> ConflictsOut:
        built = services()
        day = on or built.today()
        found = built.middle_office.watching.conflicts(on=day)
        return ConflictsOut(on=day, conflicts=[ConflictOut.model_validate(asdict(conflict)) for conflict in found])

    @router.get("/watch/expiring", tags=["watch"], summary="What ends soon and is cited")
    def expiring(
        caller: Reader, on: Day | None = None, within_days: Days = 30, cited_days: Days = 30
    ) -> ExpiringListOut:
        built = services()
        day = on or built.today()
        found = built.middle_office.watching.expiring(on=day, within_days=within_days, cited_days=cited_days)
        rows = [ExpiringOut(version=VersionOut.of(x.version, day), days_left=x.days_left, cited=x.cited) for x in found]
        return ExpiringListOut(expiring=rows)

    @router.get("/watch/never-used", tags=["watch"], summary="What nobody's question ever found")
    def never_used(caller: Reader, on: Day | None = None, older_than_days: Days = 30) -> UnusedListOut:
        built = services()
        day = on or built.today()
        found = built.middle_office.watching.never_used(on=day, older_than_days=older_than_days)
        rows = [UnusedOut(version=VersionOut.of(x.version, day), days_in_force=x.days_in_force) for x in found]
        return UnusedListOut(never_used=rows)


def _recall_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.get("/recalls/preview", tags=["recalls"], summary="Whom a recall would tell, and about which drafts")
    def preview(caller: Reader, version_id: Annotated[Ident, Query()], days: Days = 7) -> AffectedOut:
        built = services()
        affected = built.middle_office.recalling.affected(version_id, days=days, now=built.now())
        return AffectedOut.of(affected, built.today())

    @router.post("/recalls", tags=["recalls"], summary="Recall a version and tell who used it", status_code=201)
    def recall(caller: Curator, body: RecallIn) -> RecallOut:
        built = services()
        done = built.middle_office.recalling.recall(**dict(body), by=caller.userid, now=built.now())
        return RecallOut.of(done)

    @router.get("/recalls", tags=["recalls"], summary="The newest recalls")
    def list_recalls(caller: Reader, limit: Limit = 50) -> RecallsOut:
        found = services().middle_office.recalling.recent(limit)
        return RecallsOut(recalls=[RecallOut.of(recall) for recall in found])

    @router.get("/recalls/{recall_id}", tags=["recalls"], summary="One recall and who was told")
    def show_recall(caller: Reader, recall_id: Annotated[Ident, Path()]) -> RecallOut:
        return RecallOut.of(services().middle_office.recalling.get(recall_id))
