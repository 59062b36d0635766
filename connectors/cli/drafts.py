"""Commands of the one road: ask for a draft, say what became of it, look at what retrieval finds."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.cli.door import Door
from connectors.cli.options import AsJson, AsUser, OnDay, with_words
from connectors.cli.output import emit, labels, remark, show, show_table, words

if TYPE_CHECKING:
    from assistant.asking import Answer
    from connectors.services import Services
    from knowledge.documents import Evidence, Scope, SearchResult


class Level(enum.StrEnum):
    """A customer's risk level; NONE: never assessed, EXPIRED: the assessment is out of date."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"
    C4 = "C4"
    C5 = "C5"
    NONE = "NONE"
    EXPIRED = "EXPIRED"


class Choice(enum.StrEnum):
    """What a member may do with a draft."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


def ask(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(parser=with_words, metavar="TEXT", help="What the RM would type.")],
    level: Annotated[Level | None, typer.Option("--customer-level", help="Risk level of the customer.")] = None,
    age: Annotated[int | None, typer.Option("--customer-age", min=0, max=120)] = None,
    userid: AsUser = None,
    on: OnDay = None,
    as_json: AsJson = False,
) -> None:
    """Draft one compliant reply, post or answer, and keep it."""
    from assistant.asking import AskRequest

    door: Door = ctx.obj
    with door.open_services() as services:
        request = AskRequest(text, userid, level.value if level else None, age, on or services.today())
        answer = services.asking.ask(request, now=services.now())
    if as_json:
        emit(answer.as_json())
    else:
        _show_answer(answer)


def _show_answer(answer: Answer) -> None:
    if answer.text:
        show(answer.text)
    for number, other in enumerate(answer.alternatives, start=2):
        show("\n" + words("ask.alternative", number=number) + "\n" + str(other["text"]))
    verdicts, severities = labels("verdicts"), labels("severities")
    remark("\n" + words("ask.head", draft_id=answer.draft_id, verdict=verdicts[answer.verdict]))
    if answer.ticket_id:
        remark(words("ask.ticket", ticket_id=answer.ticket_id))
    if answer.holding_reply:
        remark(words("ask.holding", text=answer.holding_reply))
    if answer.question_back:
        remark(answer.question_back)
    for citation in answer.citations:
        remark(words("ask.citation", title=citation["title"], version=citation["version"], quote=citation["quote"]))
    for finding in answer.findings:
        severity = severities[finding.severity]
        remark(
            words(
                "ask.finding", severity=severity, title=finding.title, basis=finding.basis, advice=finding.advice or ""
            )
        )
    if answer.suggestion and answer.suggestion != answer.text:
        remark(words("ask.suggestion", text=answer.suggestion))
    for note in answer.notes:
        remark(note)


def decide(
    ctx: typer.Context,
    draft_id: Annotated[str, typer.Argument(metavar="DRAFT_ID")],
    decision: Annotated[Choice, typer.Argument()],
    text: Annotated[str | None, typer.Option("--text", metavar="FINAL", help="What was really sent (edited).")] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Why, e.g. too_long.")] = None,
    userid: AsUser = None,
    as_json: AsJson = False,
) -> None:
    """Keep what the RM did with a draft, as from the chat."""
    if text is not None and decision is not Choice.EDITED:
        raise typer.BadParameter("--text 只和 edited 一起用")
    door: Door = ctx.obj
    with door.open_services() as services:
        if userid is not None:
            member_scope(services, userid)
        decided = services.deciding.decide(
            draft_id, decision.value, now=services.now(), how="cli", userid=userid, final_text=text, reason=reason
        )
    if as_json:
        emit(decided.as_json())
        return
    show(words(f"decide.{decision.value}", draft_id=draft_id))
    categories = labels("edit_categories")
    for edit in decided.edits:
        show(words("decide.edit", category=categories[edit.category], before=edit.before, after=edit.after))
    for finding in decided.findings:
        remark(words("decide.finding", title=finding.title))


def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(parser=with_words, metavar="TEXT", help="A question in people's words.")],
    on: OnDay = None,
    userid: AsUser = None,
    top: Annotated[int, typer.Option("--top", min=1, max=100, help="How many passages.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show what retrieval finds, with the scores of each stage."""
    from knowledge.documents import WHOLE_BANK

    door: Door = ctx.obj
    with door.open_services() as services:
        day = on or services.today()
        scope = member_scope(services, userid) if userid else WHOLE_BANK
        found = services.retriever.search(text, scope=scope, on=day, top_k=top)
    if as_json:
        passages = [_passage_json(evidence) for evidence in found.evidence]
        product, day_json = found.product_code, day.isoformat()
        emit({"query": text, "on": day_json, "product": product, "passages": passages, "abstained": found.abstained})
    else:
        _show_found(found)


def member_scope(services: Services, userid: str) -> Scope:
    """What this member may read. Raises: StaffUnknown, StaffInactive."""
    from assistant.errors import StaffInactive, StaffUnknown

    member = services.records.staff.get(userid)
    if member is None:
        raise StaffUnknown(userid=userid)
    if not member.active:
        raise StaffInactive(userid=userid)
    return services.asking.scope_of(member)


def _passage_json(evidence: Evidence) -> dict[str, Any]:
    passage, source = evidence.passage, evidence.passage.source
    return {
        "passage_id": passage.passage_id,
        "document_id": passage.document_id,
        "title": passage.title,
        "version": passage.version,
        "kind": passage.kind.value,
        "text": passage.text,
        "score": round(evidence.score, 6),
        "scores": {stage: round(score, 6) for stage, score in evidence.scores.items()},
        "source": {
            "file": source.file,
            "page": source.page,
            "sheet": source.sheet,
            "cells": source.cells,
            "heading": source.heading,
        },
    }


def _show_found(found: SearchResult) -> None:
    kinds = labels("kinds")
    stages = sorted({stage for evidence in found.evidence for stage in evidence.scores})
    names = labels("stages")
    headers = [*labels("search_columns").values(), *(names.get(stage, stage) for stage in stages)]
    rows = []
    for evidence in found.evidence:
        passage = evidence.passage
        scores = [f"{evidence.scores[stage]:.3f}" if stage in evidence.scores else "" for stage in stages]
        place = f"{passage.passage_id}\n{passage.title}"
        words_of_it = passage.text[:80].replace("\n", " ")
        rows.append([f"{evidence.score:.3f}", kinds[passage.kind.value], place, words_of_it, *scores])
    show_table(headers, rows)
    if found.product_code:
        remark(words("search.product", code=found.product_code))
    if found.candidates and not found.product_code:
        remark(words("search.candidates", codes="、".join(found.candidates)))
    if found.abstained:
        remark(words("search.abstained"))
