"""Asks for a draft and keeps it: reads the wish, runs the pipeline, stores draft, evidence and audit as one."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from assistant.answering import AnswerQuestion, GatedDraft, Question, Reply
from assistant.clock import business_day
from assistant.compliance.findings import Finding, Review, Verdict
from assistant.drafting.brief import CustomerFacts, DraftKind, Writer
from assistant.errors import StaffInactive, StaffUnknown
from assistant.masking import mask
from assistant.outgoing import text_hash
from assistant.reading import MAX_QUESTION_CHARACTERS, Command, Want, customer_hints, read
from assistant.records.customers import Customer
from assistant.records.drafts import DraftEvidence, DraftRecord
from assistant.records.records import Records
from assistant.records.staff import Branch, StaffMember
from assistant.records.tickets import Ticket
from knowledge.documents import WHOLE_BANK, Scope
from knowledge.retrieval.rewriting import rewrite

ASSESSMENT_VALID = timedelta(days=365)
CLI_USER = "cli"
KEPT_SHARE = 0.4
KINDS = {
    Want.REPLY: DraftKind.REPLY,
    Want.MOMENTS: DraftKind.MOMENTS,
    Want.GROUP: DraftKind.GROUP,
    Want.FRIEND_REQUEST: DraftKind.FRIEND_REQUEST,
    Want.CHECK: DraftKind.CHECK,
    Want.PLAYBOOK: DraftKind.ANSWER,
    Want.RULE: DraftKind.ANSWER,
}


@dataclass(frozen=True, slots=True)
class AskRequest:
    """One wish as typed. Level and age given here go before what the words and the records say."""

    text: str
    userid: str | None = None
    customer_level: str | None = None
    customer_age: int | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored draft as the doors show it; attributes as in the contract of `wainao ask`."""

    draft_id: str
    kind: str
    text: str | None
    alternatives: tuple[Mapping[str, Any], ...]
    verdict: str
    findings: tuple[Finding, ...]
    citations: tuple[Mapping[str, Any], ...]
    drafter: str
    ticket_id: str | None
    holding_reply: str | None
    question_back: str | None
    elapsed_ms: float
    notes: tuple[str, ...] = ()
    suggestion: str = ""
    checked_text: str = ""

    def as_json(self) -> dict[str, Any]:
        """The contract's object."""
        return {
            "draft_id": self.draft_id,
            "kind": self.kind,
            "text": self.text,
            "alternatives": [dict(item) for item in self.alternatives],
            "verdict": self.verdict,
            "findings": [finding_as_json(finding) for finding in self.findings],
            "citations": [dict(item) for item in self.citations],
            "drafter": self.drafter,
            "ticket_id": self.ticket_id,
            "holding_reply": self.holding_reply,
            "question_back": self.question_back,
            "elapsed_ms": self.elapsed_ms,
        }


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """A finding with the keys of the contracts."""
    return {
        "code": finding.code,
        "start": finding.start,
        "end": finding.end,
        "severity": finding.severity,
        "title": finding.title,
        "basis": finding.basis,
        "advice": finding.advice,
        "matched_as": finding.matched_as,
    }


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer with what has to be stored for it, not yet stored; `retrieved` are the versions that were found."""

    answer: Answer
    record: DraftRecord
    ticket: Ticket | None
    situation: str | None
    product_code: str | None
    refusing_customer: str | None = None
    retrieved: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asking:
    """Drafts for one database of records."""

    records: Records
    pipeline: AnswerQuestion
    ticket_due: timedelta
    code_version: str
    settings_fingerprint: str = ""
    clock_ms: Callable[[], float] = field(default=lambda: time.perf_counter() * 1000)
    new_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)

    def ask(self, request: AskRequest, *, now: datetime) -> Answer:
        """Draft and store. Raises: StaffUnknown, StaffInactive."""
        started = self.clock_ms()
        member = self._member(request.userid)
        command = read(request.text)
        question = self.question(command, request, member, on=request.on or business_day(now))
        prepared = self.prepare(command, question, request.text, now=now, started_ms=started)
        with self.records.database.writing() as conn:
            self.store(conn, prepared, now=now)
        return prepared.answer

    def question(self, command: Command, request: AskRequest, member: StaffMember | None, *, on: date) -> Question:
        """The pipeline's question for a wish, with what is known about writer and customer."""
        hints = customer_hints(request.text)
        known = self._customer(member, hints.alias)
        customer = _facts(known, on) if known else CustomerFacts(alias=hints.alias)
        customer = replace(
            customer,
            level=request.customer_level or hints.level or customer.level,
            age=request.customer_age if request.customer_age is not None else (hints.age or customer.age),
        )
        words = mask((command.rest or request.text)[:MAX_QUESTION_CHARACTERS])
        branches = self._branches(member)
        return Question(
            words=words,
            writer=_writer(member, branches),
            scope=_scope(member, branches),
            on=on,
            kind=KINDS.get(command.want, DraftKind.REPLY),
            customer=customer,
            previous=mask(request.text[:MAX_QUESTION_CHARACTERS]),
            about_playbook=command.want is Want.PLAYBOOK,
            about_rules=command.want is Want.RULE,
        )

    def in_context(self, words: str, turns: Sequence[str], *, scope: Scope, on: date) -> str:
        """A question that leans on the talk before it, written out; `turns` oldest first."""
        return rewrite(words, turns, self.pipeline.library.names(scope=scope, on=on)) if turns else words

    def scope_of(self, member: StaffMember | None) -> Scope:
        """What a member may read: whole-bank knowledge, and what is for the own branch or above, role or lines."""
        return _scope(member, self._branches(member))

    def _branches(self, member: StaffMember | None) -> list[Branch]:
        return self.records.staff.branches() if member and member.branch_id else []

    def prepare(
        self,
        command: Command,
        question: Question,
        text: str,
        *,
        now: datetime,
        started_ms: float,
        inbox_id: int | None = None,
        parent: str | None = None,
    ) -> Prepared:
        """Run the pipeline (or the check of somebody's text) and lay out what to store."""
        draft_id = f"d{self.new_id()[:12]}"
        if command.want is Want.CHECK:
            return self._prepare_check(command, question, draft_id, now=now, started_ms=started_ms, inbox_id=inbox_id)
        reply = self.pipeline(question)
        ticket = None
        if reply.best is None and reply.question_back is None:
            ticket = Ticket(
                ticket_id=f"t{self.new_id()[:10]}",
                question_masked=question.words,
                userid=question.writer.userid,
                opened_at=now,
                due_at=now + self.ticket_due,
                draft_id=draft_id,
            )
        answer = _answer(draft_id, reply, ticket, self.clock_ms() - started_ms)
        record = self._record(draft_id, reply, answer, text, now=now, inbox_id=inbox_id, parent=parent)
        refusing = question.customer.customer_id if reply.records_a_refusal else None
        found = tuple(item.passage.version_id for item in reply.evidence)
        return Prepared(answer, record, ticket, reply.situation, reply.product_code, refusing, found)

    def store(self, conn: Connection, prepared: Prepared, *, now: datetime) -> None:
        """Store draft, evidence, ticket and audit entry in the caller's transaction; the audit entry comes last."""
        self.records.drafts.save(conn, prepared.record)
        if prepared.ticket:
            self.records.tickets.open(conn, prepared.ticket)
        record = prepared.record
        cited = [item.version_id for item in record.evidence]
        self.records.uses.count(conn, retrieved=prepared.retrieved, cited=cited, on=business_day(now))
        if prepared.refusing_customer:
            # The draft says that marketing stops, so it does, at every door (消费者权益保护法 29).
            self.records.customers.set_opt_out(conn, prepared.refusing_customer, True, now=now)
            self.records.audit.append(
                conn,
                actor=record.userid,
                event="customer_opted_out",
                subject=prepared.refusing_customer,
                body={"draft_id": record.draft_id},
                now=now,
            )
        self.records.audit.append(
            conn,
            actor=record.userid,
            event="draft_made",
            subject=record.draft_id,
            body={
                "kind": record.kind,
                "verdict": record.verdict,
                "text_hash": record.text_hash,
                "evidence": [item.passage_id for item in record.evidence],
                "drafter": record.drafter,
                "prompt_id": record.prompt_id,
                "rule_pack": record.rule_pack,
                "ticket_id": record.ticket_id,
            },
            now=now,
        )

    def _prepare_check(
        self,
        command: Command,
        question: Question,
        draft_id: str,
        *,
        now: datetime,
        started_ms: float,
        inbox_id: int | None,
    ) -> Prepared:
        review = self.pipeline.review_text(command.rest, question)
        rewrite = review.text if review.verdict is Verdict.REVISED else review.suggestion
        if len(rewrite) < KEPT_SHARE * len(command.rest):
            rewrite = ""  # what is left says nothing
        answer = Answer(
            draft_id=draft_id,
            kind=str(DraftKind.CHECK),
            text=command.rest if review.verdict is Verdict.PASS else (rewrite or None),
            alternatives=(),
            verdict=str(review.verdict),
            findings=review.findings,
            citations=(),
            drafter="composer",
            ticket_id=None,
            holding_reply=None,
            question_back=None,
            elapsed_ms=round(self.clock_ms() - started_ms, 1),
            suggestion=rewrite,
            checked_text=command.rest,
        )
        record = DraftRecord(
            draft_id=draft_id,
            userid=question.writer.userid,
            kind=answer.kind,
            question_masked=mask(command.rest),
            text=answer.text,
            verdict=answer.verdict,
            drafter=answer.drafter,
            on_day=question.on,
            created_at=now,
            text_hash=text_hash(answer.text),
            inbox_id=inbox_id,
            findings=[finding_as_json(finding) for finding in review.findings],
            rule_pack=review.rule_pack,
            settings_fingerprint=self.settings_fingerprint,
            code_version=self.code_version,
            status="open",
        )
        return Prepared(answer, record, None, None, None)

    def _record(
        self,
        draft_id: str,
        reply: Reply,
        answer: Answer,
        text: str,
        *,
        now: datetime,
        inbox_id: int | None,
        parent: str | None,
    ) -> DraftRecord:
        question, best = reply.question, reply.best
        evidence = tuple(DraftEvidence(c.passage_id, c.version_id, c.quote) for c in _unique_citations(reply.gated))
        return DraftRecord(
            draft_id=draft_id,
            userid=question.writer.userid,
            kind=answer.kind,
            question_masked=mask(text),
            text=answer.text,
            verdict=answer.verdict,
            drafter=answer.drafter,
            on_day=question.on,
            created_at=now,
            text_hash=text_hash(answer.text),
            parent_draft_id=parent,
            inbox_id=inbox_id,
            customer_id=question.customer.customer_id,
            alternatives=list(answer.alternatives),
            findings=[finding_as_json(finding) for finding in answer.findings],
            prompt_id=best.draft.prompt_id if best else "",
            rule_pack=best.review.rule_pack if best else "",
            model=best.draft.model if best else "",
            settings_fingerprint=self.settings_fingerprint,
            code_version=self.code_version,
            ticket_id=answer.ticket_id,
            status="open",
            details={
                "situation": reply.situation,
                "product": reply.product_code,
                "length": str(question.length),
                "tone": str(question.tone),
                "variant": question.variant,
                "customer_level": question.customer.level,
                "customer_age": question.customer.age,
                "draft_before_gate": best.draft.text if best else None,
                "usage": dict(best.draft.usage) if best else {},
                "notes": list(reply.notes),
                "elapsed_ms": answer.elapsed_ms,
            },
            evidence=evidence,
        )

    def _member(self, userid: str | None) -> StaffMember | None:
        if userid is None:
            return None
        member = self.records.staff.get(userid)
        if member is None:
            raise StaffUnknown(userid=userid)
        if not member.active:
            raise StaffInactive(userid=userid)
        return member

    def _customer(self, member: StaffMember | None, alias: str | None) -> Customer | None:
        if member is None or alias is None:
            return None
        called = self.records.customers.called(member.userid, alias)
        return called[0] if len(called) == 1 else None


def _scope(member: StaffMember | None, branches: Sequence[Branch]) -> Scope:
    if member is None:
        return WHOLE_BANK
    parents = {branch.branch_id: branch.parent for branch in branches}
    line: list[str] = []
    branch: str | None = member.branch_id
    while branch is not None and branch not in line:
        line.append(branch)
        branch = parents.get(branch)
    return Scope(frozenset(line), frozenset({member.role}), frozenset(member.lines))


def _writer(member: StaffMember | None, branches: Sequence[Branch]) -> Writer:
    if member is None:
        return Writer(CLI_USER)
    names = {branch.branch_id: branch.name for branch in branches}
    return Writer(member.userid, member.name, names.get(member.branch_id or "", ""))


def _facts(customer: Customer, on: date) -> CustomerFacts:
    level = customer.level or "NONE"
    if customer.level and (customer.assessed_on is None or on - customer.assessed_on > ASSESSMENT_VALID):
        level = "EXPIRED"
    return CustomerFacts(
        customer.customer_id, level, customer.age, customer.alias, customer.opt_out, customer.stage, customer.segment
    )


def _unique_citations(gated: tuple[GatedDraft, ...]) -> list[Any]:
    found = {citation.passage_id: citation for item in gated for citation in item.citations}
    return list(found.values())


def _citation_json(item: GatedDraft) -> list[dict[str, Any]]:
    return [
        {
            "document_id": c.document_id,
            "title": c.title,
            "version": c.version,
            "passage_id": c.passage_id,
            "quote": c.quote,
        }
        for c in item.citations
    ]


def _answer(draft_id: str, reply: Reply, ticket: Ticket | None, elapsed_ms: float) -> Answer:
    best = reply.best
    review: Review | None = best.review if best else None
    return Answer(
        draft_id=draft_id,
        kind=str(reply.kind),
        text=reply.text,
        alternatives=tuple(
            {"text": item.text, "verdict": str(item.review.verdict), "citations": _citation_json(item)}
            for item in reply.gated[1:]
            if item.text is not None
        ),
        verdict=str(reply.verdict),
        findings=reply.findings,
        citations=tuple(_citation_json(best)) if best else (),
        drafter=best.draft.drafter if best else "composer",
        ticket_id=ticket.ticket_id if ticket else None,
        holding_reply=reply.holding_reply,
        question_back=reply.question_back,
        elapsed_ms=round(elapsed_ms, 1),
        notes=reply.notes,
        suggestion=review.suggestion if review else "",
    )
