"""Typed contents of the files that a middle office writes: transcripts, known questions, playbooks, moments topics.

Product sheets stand in `products.py`. Every model refuses unknown keys: a misspelt key is an error with its name.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

# Contents whose passages say exactly what the fields say: edited as fields, never passage by passage.
COMPOSED = frozenset({"known_question", "transcript", "moments_topic", "playbook"})


class Move(StrEnum):
    """What one piece of a message does in a conversation."""

    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    REASON = "reason"
    EVIDENCE = "evidence"
    CAUTION = "caution"
    ASK = "ask"
    NEXT_STEP = "next_step"
    CLOSE = "close"


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Say(_Content):
    """One move of an RM's message; `reusable`: it may be said to anybody in the same situation."""

    move: Move
    text: str
    reusable: bool = False


class Turn(_Content):
    """One message: a customer's has `text`, an RM's has `says`."""

    role: Literal["customer", "relationship_manager"]
    text: str = ""
    says: tuple[Say, ...] = ()

    @property
    def words(self) -> str:
        """The message as it was sent."""
        return self.text or "".join(say.text for say in self.says)


class CustomerSketch(_Content):
    """Who the customer was, without identity."""

    age_band: str | None = None
    level: str | None = None


class Transcript(_Content):
    """A winning conversation: turns, outcome and why it worked."""

    id: str
    title: str
    situation: str
    also: tuple[str, ...] = ()
    stage: str
    segment: str
    customer: CustomerSketch = CustomerSketch()
    channel: str = "wecom_chat"
    products: tuple[str, ...] = ()
    date: date
    turns: tuple[Turn, ...]
    outcome: str
    why_it_worked: str
    avoid: str = ""

    def reusable(self, move: Move) -> tuple[str, ...]:
        """The RM's pieces of one move that fit anybody in this situation, in order."""
        return tuple(say.text for turn in self.turns for say in turn.says if say.reusable and say.move is move)


class KnownQuestion(_Content):
    """A question with its approved answer, cut into moves, and the other ways people ask it."""

    id: str
    question: str
    situation: str
    known_questions: tuple[str, ...] = ()
    counter_questions: tuple[str, ...] = ()
    answer: str
    reason: str | None = None
    caution: str | None = None
    ask: str | None = None
    next_step: str | None = None
    products: tuple[str, ...] = ()
    source: str = ""
    effective_from: date
    effective_until: date | None = None


class PlaybookHeader(_Content):
    """Front matter of a playbook."""

    kind: Literal["playbook"] = "playbook"
    id: str
    title: str
    stage: str
    segment: str
    situations: tuple[str, ...] = ()
    channel: str
    questions: tuple[str, ...] = ()
    effective_from: date
    effective_until: date | None = None


class Playbook(_Content):
    """A playbook as it is stored: its front matter, and the text under each heading."""

    header: PlaybookHeader
    sections: dict[str, str]


class RegulationHeader(_Content):
    """Front matter of a regulation summary; `evidence` as in the rule packs: V read, S secondary, M unconfirmed."""

    kind: Literal["regulation"] = "regulation"
    title: str
    number: str = ""
    issuer: str = ""
    evidence: Literal["V", "S", "M"] = "M"
    effective_from: date
    effective_until: date | None = None
    questions: tuple[str, ...] = ()


class Angle(_Content):
    """One way to tell a moments topic."""

    angle: str
    hook: str
    body: str
    invite: str

    @property
    def text(self) -> str:
        """The post as it would be published, before disclosures."""
        return f"{self.hook}\n{self.body}\n{self.invite}"


class MomentsTopic(_Content):
    """Approved material for posts on one topic."""

    id: str
    topic: str
    triggers: tuple[str, ...]
    audience: str
    facts: tuple[str, ...]
    angles: tuple[Angle, ...]
    products: tuple[str, ...] = ()
