"""Documents, versions, passages and who may see them, as plain values without storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class DocumentKind(StrEnum):
    """What a document is; decides how it is cut into passages."""

    PRODUCT = "product"
    REGULATION = "regulation"
    TRANSCRIPT = "transcript"
    PLAYBOOK = "playbook"
    FAQ = "faq"
    OTHER = "other"


class VersionStatus(StrEnum):
    """What was decided about a version; only APPROVED ones are ever retrieved, and only inside their dates."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Stage(StrEnum):
    """Where a version stands in its life on one day: the status, and for an approved one its dates."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Addressed(Protocol):
    """Knowledge with an audience; an empty set means everybody."""

    @property
    def branches(self) -> frozenset[str]: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def lines(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What an asker may read: whole-bank knowledge always, and what is addressed to one of these.

    `branches` are the asker's own branch and those above it, so knowledge of a branch reaches its sub-branches;
    `lines` are product lines.
    """

    branches: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()

    def admits(self, item: Addressed) -> bool:
        """Whether knowledge with this audience may be read in this scope: every limit that it sets must be met."""
        return (
            (not item.branches or bool(item.branches & self.branches))
            and (not item.roles or bool(item.roles & self.roles))
            and (not item.lines or bool(item.lines & self.lines))
        )


WHOLE_BANK = Scope()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a passage stands in its file; offsets are code points in the extracted text, end exclusive.

    `cells` are addresses like `B3:D3`: of the sheet, or of table number `table` (from 1 within the file).
    """

    file: str = ""
    page: int | None = None
    sheet: str | None = None
    cells: str | None = None
    heading: str = ""
    start: int = 0
    end: int = 0
    table: int | None = None


@dataclass(frozen=True, slots=True)
class PassageText:
    """One piece of a document as the chunker leaves it, before it has ids.

    `known_questions` are other ways to ask what it answers; `counter_questions` look alike but it answers them not.
    """

    text: str
    source: Source = Source()
    known_questions: tuple[str, ...] = ()
    counter_questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One wording of a document, e.g. a product leaflet.

    `effective_until` is exclusive; None: until replaced. `branches`, `roles` and `lines` empty: whole bank.
    `payload` is the typed content (product sheet, transcript, playbook, FAQ entry) as JSON-ready data, or None.
    `editors` changed passages after the upload; like the uploader they may not approve. `file_hash` names the upload
    that it was read from; `derived_from` the version it was copied from; `superseded_by` the one that ended it.
    `note` is what the reviewer wrote when sending it back, or the reason of a withdrawal.
    """

    version_id: str
    document_id: str
    version: int
    kind: DocumentKind
    title: str
    status: VersionStatus
    effective_from: date
    effective_until: date | None = None
    content_hash: str = ""
    file: str = ""
    uploaded_by: str = ""
    approved_by: str | None = None
    branches: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    payload: dict[str, object] | None = None
    lines: frozenset[str] = frozenset()
    product_code: str | None = None
    uploaded_at: datetime | None = None
    submitted_by: str | None = None
    submitted_at: datetime | None = None
    approved_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    editors: tuple[str, ...] = ()
    file_hash: str = ""
    derived_from: str | None = None
    superseded_by: str | None = None
    note: str = ""

    def in_force_on(self, day: date) -> bool:
        """Whether a reply written on `day` may quote this version."""
        return self.stage_on(day) is Stage.IN_FORCE

    def stage_on(self, day: date) -> Stage:
        """Where it stands on a business day. One replaced on its own first day is superseded from the start."""
        if self.status is not VersionStatus.APPROVED:
            return Stage(self.status.value)
        if self.effective_until is not None and self.effective_until <= max(day, self.effective_from):
            return Stage.SUPERSEDED if self.superseded_by else Stage.EXPIRED
        return Stage.IN_FORCE if self.effective_from <= day else Stage.SCHEDULED


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one version, the unit that is retrieved and cited."""

    passage_id: str
    version_id: str
    document_id: str
    version: int
    kind: DocumentKind
    title: str
    text: str
    known_questions: tuple[str, ...] = ()
    product_code: str | None = None
    effective_from: date = date.min
    effective_until: date | None = None
    branches: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    source: Source = Source()
    lines: frozenset[str] = frozenset()
    counter_questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage found for a question. `scores` holds each stage's score by name; larger is better in all of them."""

    passage: Passage
    score: float
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What retrieval found for one question, best first.

    `product_code` is the product the question names, if exactly one; `candidates` are the products between which
    the question leaves open. `abstained` means: nothing found is good enough to answer from, though evidence is
    listed; `names_unknown_product`: because the question names a product that the bank does not have.
    """

    evidence: tuple[Evidence, ...]
    product_code: str | None = None
    candidates: tuple[str, ...] = ()
    abstained: bool = False
    names_unknown_product: bool = False
