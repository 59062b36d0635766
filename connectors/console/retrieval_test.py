"""The one retrieval function laid open: every stage's score, and why something was not found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response

from connectors.console.audience import Choice, branch_names
from connectors.console.rendering import render
from connectors.console.viewing import CurrentViewer
from knowledge.documents import WHOLE_BANK, DocumentKind, Scope
from knowledge.retrieval.admission import Reason
from knowledge.retrieval.explanation import Candidate, Explanation

if TYPE_CHECKING:
    from connectors.console.console import Console

TOP_K = 10
SHOWN = 20
LONGEST_QUESTION = 500
STAGES = ("text", "dense", "question", "product", "counter", "rerank")
Words = Annotated[str, Query(max_length=LONGEST_QUESTION)]
Short = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class StageBar:
    """One stage's score of a passage; `full` is the best of that stage, `rank` its place or None."""

    stage: str
    score: float
    full: float
    rank: int | None


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One passage: where it ranks, what each stage gave it, and what lowered it or kept it out."""

    candidate: Candidate
    bars: tuple[StageBar, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class TestPage:
    """What retrieval_test.html shows; `explanation` None before anything is asked."""

    __test__ = False

    question: str
    members: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    on: date
    top_k: int
    explanation: Explanation | None
    found: tuple[FoundRow, ...]
    filtered: tuple[FoundRow, ...]
    branches: dict[str, str]


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()

    @router.get("/retrieval-test")
    def show(
        request: Request,
        viewer: CurrentViewer,
        q: Words = "",
        member: Short = "",
        on: Short = "",
        kind: Annotated[list[str] | None, Query(max_length=20)] = None,
    ) -> Response:
        services = console.services
        day = _day(on) or services.today()
        kinds = frozenset(each for each in DocumentKind if each.value in (kind or []))
        explanation = None
        if q.strip():
            explanation = services.retriever.explain(
                q.strip(), scope=_scope_of(console, member), on=day, top_k=TOP_K, kinds=kinds or None
            )
        page = TestPage(
            question=q,
            members=_members(console, member),
            kinds=tuple(Choice(each.value, each.value, each in kinds) for each in DocumentKind),
            on=day,
            top_k=TOP_K,
            explanation=explanation,
            found=_rows(explanation.found[:SHOWN], explanation) if explanation else (),
            filtered=_rows(explanation.filtered, explanation) if explanation else (),
            branches=branch_names(services.records.staff),
        )
        return render(request, "retrieval_test.html", page, viewer)

    return router


def _scope_of(console: Console, userid: str) -> Scope:
    member = console.services.records.staff.get(userid) if userid else None
    return console.services.asking.scope_of(member) if member else WHOLE_BANK


def _members(console: Console, chosen: str) -> tuple[Choice, ...]:
    staff = [member for member in console.services.records.staff.all() if member.active]
    return tuple(
        Choice(member.userid, f"{member.name}（{member.userid}）", member.userid == chosen) for member in staff
    )


def _rows(candidates: tuple[Candidate, ...], explanation: Explanation) -> tuple[FoundRow, ...]:
    every = (*explanation.found, *explanation.filtered)
    full = {
        stage: max((abs(each.stages[stage].score) for each in every if stage in each.stages), default=0.0)
        for stage in STAGES
    }
    return tuple(
        FoundRow(
            each,
            tuple(
                StageBar(stage, each.stages[stage].score, full[stage] or 1.0, each.stages[stage].rank)
                for stage in STAGES
                if stage in each.stages and each.stages[stage].score
            ),
            each.reasons,
        )
        for each in candidates
    )


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        return None
