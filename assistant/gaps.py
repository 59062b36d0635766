"""Questions that found nothing, grouped by likeness, and the way from an answer to a known question.

An answer becomes a draft version of a known question; when a second person has approved it, everybody who asked is
told, once. It may also go to them at once, if the gate lets it pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from assistant.clock import business_day
from assistant.compliance.findings import Review, Subject
from assistant.compliance.gate import ComplianceGate
from assistant.errors import TextNotAllowed, TicketNotOpen
from assistant.grouping import likeness_groups
from assistant.masking import mask
from assistant.outgoing import Splitter
from assistant.records.records import Records
from assistant.records.tickets import Ticket
from assistant.ticketing import send_answer
from assistant.understanding import understand
from assistant.wording import Messages
from knowledge.content import KnownQuestion
from knowledge.curation import may_curate
from knowledge.documents import DocumentKind, DocumentVersion, PassageText, VersionStatus
from knowledge.errors import CuratorNotAllowed, DetailsInvalid, DocumentNotFound
from knowledge.ingestion.reading import ReadDocument, labelled, typed_payload
from knowledge.ingestion.wording import words
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.products import ProductNames
from knowledge.stores.repository import KnowledgeStore

LONGEST_QUESTION = 200
LONGEST_ANSWER = 2000
MOST_KNOWN_QUESTIONS = 50
MOST_GROUPED = 2000  # the newest; likeness is a square of their number
ANY_SITUATION = "product_ask"
BEING_WRITTEN = frozenset({VersionStatus.DRAFT, VersionStatus.IN_REVIEW})
UNSENT, SENT, WRITTEN = "open", "answered", "written"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that found nothing. `status`: open, written (an answer awaits approval) or answered."""

    ticket_id: str
    userid: str
    question: str
    asked_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Questions that ask the same, the newest first; `due_at` of the most urgent open one, None when none is open."""

    group_id: str
    title: str
    count: int
    questions: tuple[Asked, ...]
    due_at: datetime | None


@dataclass(frozen=True)
class Gaps:
    """Gaps of one database. `by` is a curator's or compliance officer's userid; instants are aware."""

    records: Records
    store: KnowledgeStore
    gate: ComplianceGate
    embedder: Embedder
    split: Splitter

    def groups(self, *, days: int, now: datetime) -> list[GapGroup]:
        """Open questions of any age and those of the last `days` answered to one member only.

        Groups with an open question come first, of these the largest, then the most urgent.
        """
        tickets = self.records.tickets.without_knowledge(_earlier(now, days))[-MOST_GROUPED:]
        groups = likeness_groups([ticket.question_masked for ticket in tickets], self.embedder)
        found = [_group([tickets[at] for at in members]) for members in groups]
        last = datetime.max.replace(tzinfo=now.tzinfo)
        return sorted(found, key=lambda g: (g.due_at is None, -g.count, g.due_at or last, g.group_id))

    def review(self, answer: str, *, on: date) -> Review:
        """The gate's judgement of an answer as RMs may pass it on."""
        return self.gate.review(answer.strip(), Subject(kind="reply"), on=on)

    def write_answer(
        self,
        ticket_ids: Sequence[str],
        *,
        question: str,
        answer: str,
        known_questions: Sequence[str],
        send_now: bool,
        by: str,
        now: datetime,
    ) -> DocumentVersion:
        """Write the answer to some tickets as a draft of a known question, with how people asked it.

        `send_now`: whoever asked gets it at once too; else when the version is approved. The same answer twice is one.
        Raises: CuratorNotAllowed, RecordNotFound, TicketNotOpen, DetailsInvalid (`question`, `answer`, `ticket_ids`),
            TextNotAllowed when the answer is to go out and the gate does not let it pass.
        """
        self._curator(by)
        asked = self._tickets(ticket_ids)
        said = mask(_said(answer, "answer", LONGEST_ANSWER))
        if send_now:
            review = self.review(said, on=business_day(now))
            if review.blocked:
                raise TextNotAllowed.by(review)
        ways = [*known_questions, *(ticket.question_masked for ticket in asked)]
        document = self._document(mask(_said(question, "question", LONGEST_QUESTION)), said, ways, asked, now)
        askers = {ticket.userid: self.records.staff.get(ticket.userid) for ticket in asked}
        with self.records.database.writing() as conn:
            version = self._add(conn, document, by=by, now=now)
            self.records.tickets.became(conn, [ticket.ticket_id for ticket in asked], version.version_id)
            for ticket in asked if send_now else ():
                if ticket.status == UNSENT:
                    asker = askers[ticket.userid]
                    send_answer(self.records, conn, ticket, asker, said, by=by, split=self.split, now=now)
            body = {"tickets": [ticket.ticket_id for ticket in asked], "sent": send_now}
            self.records.audit.append(
                conn, actor=by, event="gap_answered", subject=version.version_id, body=body, now=now
            )
        return version

    def approved(self, conn: Connection, version: DocumentVersion, by: str, now: datetime) -> None:
        """Tell everybody who waits for this version, in the transaction of its approval."""
        data = (version.payload or {}).get("data")
        answer = data.get("answer") if isinstance(data, dict) else None
        if not answer:
            return
        for ticket in self.records.tickets.open_of_version(conn, version.version_id):
            asker = self.records.staff.get(ticket.userid)
            send_answer(self.records, conn, ticket, asker, str(answer), by=by, split=self.split, now=now)

    def _add(self, conn: Connection, document: ReadDocument, *, by: str, now: datetime) -> DocumentVersion:
        return self.store.add_version(
            document.document_id,
            document.kind,
            document.title,
            document.passages,
            effective_from=business_day(now),
            content_hash=document.content_hash,
            uploaded_by=by,
            payload=document.payload,
            product_code=document.product_code,
            now=now,
            conn=conn,
        )

    def _document(
        self, question: str, answer: str, ways: Sequence[str], asked: Sequence[Ticket], now: datetime
    ) -> ReadDocument:
        """The known question as the reader of FAQ files would make it."""
        tickets = "\n".join(sorted(ticket.ticket_id for ticket in asked))
        number = hashlib.sha256(tickets.encode()).hexdigest()[:12]
        code = self._product(question, business_day(now))
        known = KnownQuestion(
            id=f"gap-{number}",
            question=question,
            situation=understand(question).situation or ANY_SITUATION,
            known_questions=_ways(question, ways),
            answer=answer,
            products=(code,) if code else (),
            source=Messages.load()("gap_source"),
            effective_from=business_day(now),
        )
        label = words("known_question")
        text = labelled([(label["question"], known.question), (label["answer"], known.answer)])
        return ReadDocument(
            document_id=f"faq-{known.id}",
            kind=DocumentKind.FAQ,
            title=known.question,
            passages=(PassageText(text, known_questions=known.known_questions),),
            payload=typed_payload("known_question", known),
            product_code=code,
            effective_from=known.effective_from,
        )

    def _product(self, question: str, on: date) -> str | None:
        held = self.store.products()
        in_force = [sheet for sheet, first, until in held if first <= on and (until is None or on < until)]
        return ProductNames(in_force).resolve(question).code

    def _tickets(self, ticket_ids: Sequence[str]) -> list[Ticket]:
        found = [self.records.tickets.get(ticket_id) for ticket_id in dict.fromkeys(ticket_ids)]
        if not found:
            raise DetailsInvalid(field="ticket_ids", reason="missing")
        for ticket in found:
            if ticket.status not in (UNSENT, SENT) or self._has_answer(ticket):
                raise TicketNotOpen(ticket_id=ticket.ticket_id)
        return found

    def _has_answer(self, ticket: Ticket) -> bool:
        """Whether knowledge already holds, or is about to hold, its answer."""
        if ticket.version_id is None:
            return False
        try:
            return self.store.version(ticket.version_id).status is not VersionStatus.WITHDRAWN
        except DocumentNotFound:
            return False

    def _curator(self, userid: str) -> None:
        member = self.records.staff.get(userid)
        if member is None or not member.active or not may_curate(member.role):
            raise CuratorNotAllowed(by=userid)


def _group(tickets: Sequence[Ticket]) -> GapGroup:
    """Tickets as `likeness_groups` orders them: the most typical first."""
    due = [ticket.due_at for ticket in tickets if ticket.status == UNSENT]
    first = min(tickets, key=lambda ticket: (ticket.opened_at, ticket.ticket_id))
    newest = sorted(tickets, key=lambda ticket: (ticket.opened_at, ticket.ticket_id), reverse=True)
    return GapGroup(
        group_id="g" + hashlib.sha256(first.ticket_id.encode()).hexdigest()[:10],
        title=tickets[0].question_masked,
        count=len(tickets),
        questions=tuple(_asked(ticket) for ticket in newest),
        due_at=min(due, default=None),
    )


def _asked(ticket: Ticket) -> Asked:
    status = WRITTEN if ticket.status == UNSENT and ticket.version_id else ticket.status
    return Asked(ticket.ticket_id, ticket.userid, ticket.question_masked, ticket.opened_at, status)


def _ways(question: str, ways: Sequence[str]) -> tuple[str, ...]:
    """Other ways to ask, each once, masked, without what is too long to be asked again."""
    told = (mask(" ".join(way.split())) for way in ways)
    kept = dict.fromkeys(way for way in told if way and way != question and len(way) <= LONGEST_QUESTION)
    return tuple(kept)[:MOST_KNOWN_QUESTIONS]


def _said(text: str, field: str, longest: int) -> str:
    said = text.strip()
    if not said:
        raise DetailsInvalid(field=field, reason="missing")
    if len(said) > longest:
        raise DetailsInvalid(field=field, reason="too_long")
    return said


def _earlier(now: datetime, days: int) -> datetime:
    try:
        return now - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)
