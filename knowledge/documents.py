"""Documents, versions, passages and who may see them, as plain values without storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class DocumentKind(StrEnum):
    """What a document is; decides how it is cut into passages."""

    PRODUCT = "product"
    REGULATION = "regulation"
    TRANSCRIPT = "transcript"
    PLAYBOOK = "playbook"
    FAQ = "faq"
    OTHER = "other"


class VersionStatus(StrEnum):
    """Where a version stands in its life; only APPROVED ones are ever retrieved, and only inside their dates."""

    DRAFT = "draft"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an asker may read: whole-bank knowledge always, branch knowledge for the branches named here."""

    branches: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def admits(self, branches: frozenset[str], roles: frozenset[str]) -> bool:
        """Whether knowledge addressed to `branches` and `roles` (empty: everybody) may be read in this scope."""
        return (not branches or bool(branches & self.branches)) and (not roles or bool(roles & self.roles))


WHOLE_BANK = Scope()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a passage stands in its file; offsets are code points in the extracted text, end exclusive."""

    file: str = ""
    page: int | None = None
    sheet: str | None = None
    cells: str | None = None
    heading: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class PassageText:
    """One piece of a document as the chunker leaves it, before it has ids."""

    text: str
    source: Source = Source()
    known_questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One wording of a document, e.g. a product leaflet.

    `effective_until` is exclusive; None: until replaced. `branches` and `roles` empty: whole bank.
    `payload` is the typed content (product sheet, transcript, playbook, FAQ entry) as JSON-ready data, or None.
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

    def in_force_on(self, day: date) -> bool:
        """Whether a reply written on `day` may quote this version."""
        return (
            self.status is VersionStatus.APPROVED
            and self.effective_from <= day
            and (self.effective_until is None or day < self.effective_until)
        )


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
