"""Questions that found nothing, and writing their answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from assistant.errors import TextNotAllowed
from assistant.gaps import LONGEST_ANSWER, LONGEST_QUESTION, GapGroup
from assistant.records.errors import RecordNotFound
from connectors.console.audience import names_of
from connectors.console.gate_view import NOTHING_YET, GateView, gate_view
from connectors.console.rendering import go, render
from connectors.console.viewing import Curator, CurrentViewer, Viewer

if TYPE_CHECKING:
    from connectors.console.console import Console

MOST_SHOWN = 100
SOME_QUESTIONS = 4
DAYS = (7, 30, 90, 365)
ALL_DAYS = 3660  # a group that is opened is looked for among all of them
Days = Annotated[int, Query(ge=1, le=ALL_DAYS)]
Text = Annotated[str, Form(max_length=20_000)]


@dataclass(frozen=True, slots=True)
class GapsPage:
    """What gaps.html shows: groups, each question's asker by name, and how many questions wait in all."""

    groups: tuple[GapGroup, ...]
    count: int
    names: dict[str, str]
    now: datetime
    days: int
    choices: tuple[int, ...]
    some: int


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What gap_form.html shows: one group, and what was written so far; `chosen` are ticket ids."""

    group: GapGroup
    names: dict[str, str]
    now: datetime
    chosen: frozenset[str]
    question: str
    answer: str
    known_questions: str
    gate: GateView
    sending_refused: bool
    longest_question: int
    longest_answer: int


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()
    _looking(router, console)
    _answering(router, console)
    return router


def _looking(router: APIRouter, console: Console) -> None:
    @router.get("/gaps")
    def listed(request: Request, viewer: CurrentViewer, days: Days = 30) -> Response:
        services = console.services
        groups = services.middle_office.gaps.groups(days=days, now=services.now())
        shown = tuple(groups[:MOST_SHOWN])
        names = names_of(services.records.staff, [asked.userid for group in shown for asked in group.questions])
        page = GapsPage(
            shown,
            sum(group.count for group in groups),
            names,
            services.now(),
            days,
            tuple(sorted({*DAYS, days})),
            SOME_QUESTIONS,
        )
        return render(request, "gaps.html", page, viewer)

    @router.get("/gaps/{group_id}")
    def write(request: Request, viewer: Curator, group_id: str) -> Response:
        group = _group(console, group_id)
        waiting = frozenset(asked.ticket_id for asked in group.questions if asked.status != "written")
        return _form(request, console, viewer, group, chosen=waiting, question=group.title)


def _answering(router: APIRouter, console: Console) -> None:
    @router.post("/gaps/gate")
    def gate(request: Request, viewer: Curator, answer: Text = "") -> Response:
        return render(request, "gate.html", _judged(console, answer), viewer)

    @router.post("/gaps/{group_id}")
    def answer_group(
        request: Request,
        viewer: Curator,
        group_id: str,
        question: Text = "",
        answer: Text = "",
        known_questions: Text = "",
        ticket: Annotated[list[str] | None, Form()] = None,
        then: Annotated[str, Form(max_length=10)] = "",
        send_now: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        services, office = console.services, console.services.middle_office
        try:
            version = office.gaps.write_answer(
                ticket or [],
                question=question,
                answer=answer,
                known_questions=[line for line in known_questions.splitlines() if line.strip()],
                send_now=bool(send_now),
                by=viewer.userid,
                now=services.now(),
            )
        except TextNotAllowed:
            group = _group(console, group_id)
            return _form(
                request,
                console,
                viewer,
                group,
                chosen=frozenset(ticket or []),
                question=question,
                answer=answer,
                known_questions=known_questions,
                refused=True,
            )
        if then == "submit":
            office.curating.submit(version.version_id, by=viewer.userid, now=services.now())
        said = "answer_sent" if send_now else "submitted" if then == "submit" else "answer_saved"
        return go(request, f"/documents/{version.document_id}", said=said)


def _group(console: Console, group_id: str) -> GapGroup:
    services = console.services
    for group in services.middle_office.gaps.groups(days=ALL_DAYS, now=services.now()):
        if group.group_id == group_id:
            return group
    raise RecordNotFound(group_id=group_id)


def _form(
    request: Request,
    console: Console,
    viewer: Viewer,
    group: GapGroup,
    *,
    chosen: frozenset[str],
    question: str,
    answer: str = "",
    known_questions: str = "",
    refused: bool = False,
) -> Response:
    services = console.services
    page = AnswerForm(
        group=group,
        names=names_of(services.records.staff, [asked.userid for asked in group.questions]),
        now=services.now(),
        chosen=chosen,
        question=question,
        answer=answer,
        known_questions=known_questions,
        gate=_judged(console, answer),
        sending_refused=refused,
        longest_question=LONGEST_QUESTION,
        longest_answer=LONGEST_ANSWER,
    )
    return render(request, "gap_form.html", page, viewer, 422 if refused else 200)


def _judged(console: Console, answer: str) -> GateView:
    if not answer.strip():
        return NOTHING_YET
    services = console.services
    return gate_view(answer, services.middle_office.gaps.review(answer, on=services.today()))
