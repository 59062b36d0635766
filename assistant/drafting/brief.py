"""What a drafter is given and what it gives back; the offline composer and the language model share both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from assistant.understanding import Understanding
from knowledge.content import KnownQuestion, MomentsTopic, PlaybookHeader, Transcript
from knowledge.documents import Evidence, Passage
from knowledge.products import ProductSheet


class DraftKind(StrEnum):
    """What is written; the first four go to customers, the others to the RM."""

    REPLY = "reply"
    MOMENTS = "moments"
    GROUP = "group"
    FRIEND_REQUEST = "friend_request"
    CHECK = "check"
    ANSWER = "answer"


class Length(StrEnum):
    """How much is said: about 60, 120 and 220 characters."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


class Tone(StrEnum):
    """How it is said."""

    NATURAL = "natural"
    POLITE = "polite"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What is known about the customer. `level`: C1-C5, NONE, EXPIRED; None: not known. `age` in years."""

    customer_id: str | None = None
    level: str | None = None
    age: int | None = None
    alias: str | None = None
    opted_out: bool = False
    stage: str | None = None
    segment: str | None = None

    def spoken(self) -> str:
        """What the bank's records say about the customer, as words a draft may rest on."""
        parts = []
        if self.level and self.level.startswith("C"):
            parts.append(f"客户风险等级{self.level}，对应R{self.level[1]}及以下")
        if self.age is not None:
            parts.append(f"客户年龄{self.age}岁")
        return "；".join(parts)


@dataclass(frozen=True, slots=True)
class Writer:
    """The RM in whose name the draft is written."""

    userid: str
    name: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Materials:
    """Typed contents behind the evidence, best first; each with the passage that grounds it.

    `sheets` are the products the words name (one, or two to compare); `suitable` sheets within the customer's level;
    `product_names` the names of all products in force; `plain` passages of documents without typed content.
    """

    known_questions: tuple[tuple[KnownQuestion, Passage], ...] = ()
    transcripts: tuple[tuple[Transcript, Passage], ...] = ()
    playbooks: tuple[tuple[PlaybookHeader, Mapping[str, str], Passage], ...] = ()
    topics: tuple[tuple[MomentsTopic, Passage], ...] = ()
    sheets: tuple[tuple[ProductSheet, tuple[Passage, ...]], ...] = ()
    suitable: tuple[tuple[ProductSheet, tuple[Passage, ...]], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    plain: tuple[Passage, ...] = ()
    product_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Brief:
    """One order to a drafter.

    `variant` counts 「换一版」 from 0; `seed` makes the choice of wording repeatable and personal;
    `said` are sentences that this conversation has already used; `previous` is the draft to be changed, if any.
    """

    kind: DraftKind
    understanding: Understanding
    situation: str | None
    materials: Materials
    on: date
    writer: Writer
    customer: CustomerFacts = CustomerFacts()
    length: Length = Length.MEDIUM
    tone: Tone = Tone.NATURAL
    variant: int = 0
    seed: str = ""
    said: frozenset[str] = frozenset()
    previous: str = ""

    @property
    def words(self) -> str:
        """The customer's words, or the topic."""
        return self.understanding.words


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of a draft with the passages that ground it."""

    move: str
    text: str
    passage_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A text as a drafter leaves it, before the gate."""

    sentences: tuple[Sentence, ...]
    drafter: str
    prompt_id: str
    sheet: ProductSheet | None = None
    promotes: bool | None = None
    question_back: str | None = None
    notes: tuple[str, ...] = ()
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole text; a sentence that starts a paragraph carries its own line break."""
        return "".join(sentence.text for sentence in self.sentences).strip()

    @property
    def passage_ids(self) -> tuple[str, ...]:
        """Passages used, in order of first use."""
        return tuple(dict.fromkeys(pid for sentence in self.sentences for pid in sentence.passage_ids))


class Drafter(Protocol):
    """Writes from a brief. Raises: assistant.errors.ModelUnavailable when it cannot in time."""

    def draft(self, brief: Brief) -> tuple[Draft, ...]:
        """Drafts, best first; empty when the material does not carry an answer."""
        ...
