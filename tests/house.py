"""The sample bank as a running house for tests: the real pipeline, and records in a database of the test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from assistant.answering import AnswerQuestion
from assistant.asking import Asking
from assistant.compliance.gate import ComplianceGate
from assistant.conversation import Incoming, Talk, Turn
from assistant.deciding import Deciding
from assistant.library import Library
from assistant.records.records import Records
from assistant.sample_people import load_sample_people
from assistant.wording import Messages
from knowledge.retrieval.embedding import load_embedder
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.retrieval.vectors import ExactVectors
from knowledge.sample_bank import load_sample_knowledge, read_bank
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
TODAY = date(2026, 11, 23)
TICKET_HOURS = 4


def fill(database: Database) -> None:
    """The sample bank's people and knowledge into an empty, migrated database."""
    load_sample_people(Records.of(database), read_bank(), now=NOW)
    load_sample_knowledge(KnowledgeStore(database))


@dataclass(frozen=True)
class Bank:
    """What may be shared by all tests: it only reads."""

    store: KnowledgeStore
    retriever: KnowledgeRetriever
    library: Library
    gate: ComplianceGate
    pipeline: AnswerQuestion

    @classmethod
    def open(cls, database: Database, folder: Path) -> Bank:
        """The pipeline over a filled database; the lexical index goes into `folder`."""
        store = KnowledgeStore(database)
        retriever = KnowledgeRetriever(store, folder=folder, embedder=load_embedder("hash"), vectors=ExactVectors())
        retriever.refresh()
        library, gate = Library(store), ComplianceGate.load()
        pipeline = AnswerQuestion(retriever=retriever, library=library, gate=gate, messages=Messages.load())
        return cls(store, retriever, library, gate, pipeline)


def one_part(text: str, *, keep: object = ()) -> list[str]:
    """The simplest splitter: nothing is cut."""
    return [text]


@dataclass
class Chat:
    """A member's phone: `says` sends a message through the conversation and keeps what it brings about."""

    records: Records
    talk: Talk
    userid: str = "rm003"
    now: datetime = NOW
    number: int = 0

    def says(self, text: str) -> list[str]:
        """Texts that come back, in order."""
        return self.sends(kind="text", text=text)

    def presses(self, action: str, draft_id: str) -> list[str]:
        """A button of the card."""
        return self.sends(kind="event", event="template_card_event", event_key=f"{action}:{draft_id}")

    def sends(self, **message: str) -> list[str]:
        """Any message; the texts that come back."""
        return [outgoing.text for outgoing in self.turn(**message).messages]

    def turn(self, **message: str) -> Turn:
        """Any message; the whole turn, kept."""
        self.now += timedelta(seconds=20)
        self.number += 1
        self.records.inbox.put("app", f"{self.userid}:{self.number}", self.userid, message, now=self.now)
        [stored] = self.records.inbox.claim(1, timedelta(minutes=1), now=self.now)
        incoming = Incoming(stored.id, self.userid, **message)
        member = self.records.staff.get(self.userid)
        assert member is not None
        turn = self.talk.turn(incoming, member, now=self.now)
        with self.records.database.writing() as conn:
            self.records.inbox.done(conn, stored, now=self.now)
            self.talk.keep(conn, incoming, turn, now=self.now)
        return turn

    @property
    def draft_id(self) -> str:
        """The draft that is open now."""
        conversation = self.records.conversations.get(self.userid)
        assert conversation is not None
        assert conversation.last_draft_id is not None
        return conversation.last_draft_id


def asking_of(bank: Bank, records: Records) -> Asking:
    """Drafts kept in `records`."""
    return Asking(records, bank.pipeline, timedelta(hours=TICKET_HOURS), "test")


def talk_of(bank: Bank, records: Records, *, cards: bool = False) -> Talk:
    """The conversation over `bank`, kept in `records`."""
    deciding = Deciding(records, bank.gate, bank.library.product_names)
    return Talk(asking_of(bank, records), deciding, Messages.load(), one_part, TICKET_HOURS, cards)
