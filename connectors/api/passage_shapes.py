"""Passages, their changes, searches and explanations as the API shows them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Self

from pydantic import ConfigDict, Field

from connectors.api.shapes import In, Out, Questions, Words
from knowledge.comparing import Change, PassageChange
from knowledge.documents import DocumentKind, Evidence, Passage, SearchResult
from knowledge.retrieval.explanation import Candidate, Explanation
from knowledge.stores.editing import PassageRevision

PASSAGE_EXAMPLE: dict[str, Any] = {
    "passage_id": "leaflet@v2#p1",
    "version_id": "leaflet@v2",
    "document_id": "leaflet",
    "version": 2,
    "kind": "product",
    "title": "稳盈90天产品说明",
    "text": "起购金额：1万元",
    "known_questions": ["稳盈90天多少钱起买"],
    "counter_questions": [],
    "product_code": "WY90",
    "source": {"file": "稳盈90天.docx", "page": 1, "sheet": None, "cells": "A2:B2", "heading": "产品要素", "start": 10,
               "end": 18, "table": 1},
}  # fmt: skip


class SourceOut(Out):
    """Where a passage stands in its file; offsets are code points in the extracted text, end exclusive."""

    file: str
    page: int | None
    sheet: str | None
    cells: str | None
    heading: str
    start: int
    end: int
    table: int | None


class PassageOut(Out):
    """One passage, the unit that is retrieved and cited."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [PASSAGE_EXAMPLE]})
    passage_id: str
    version_id: str
    document_id: str
    version: int
    kind: DocumentKind
    title: str
    text: str
    known_questions: list[str]
    counter_questions: list[str]
    product_code: str | None
    source: SourceOut

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """From the stored passage."""
        return cls.model_validate({name: value for name, value in asdict(passage).items() if name in cls.model_fields})


class PassagesOut(Out):
    """Passages in reading order."""

    passages: list[PassageOut]


class PassageIn(In):
    """A new passage of a draft."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"text": "赎回到账：T+1 个工作日。"}]}
    )
    text: Words
    known_questions: Questions = ()
    counter_questions: Questions = ()


class PassageEdit(PassageIn):
    """A passage reworded; `expected` is the text that the editor saw, so that nobody's change is overwritten."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"text": "起购金额：5万元", "expected": "起购金额：1万元"}]},
    )
    expected: Words


class RevisionOut(Out):
    """One change of a passage by a person; `before` or `after` null: added or removed."""

    passage_id: str
    edited_by: str
    edited_at: datetime
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @classmethod
    def of(cls, revision: PassageRevision) -> Self:
        """From the stored change."""
        return cls.model_validate(asdict(revision))


class RevisionsOut(Out):
    """Changes, oldest first."""

    revisions: list[RevisionOut]


class MarkOut(Out):
    """A stretch of text that stayed, came or went."""

    change: Change
    text: str


class PassageChangeOut(Out):
    """One passage in both versions."""

    change: Change
    before: PassageOut | None
    after: PassageOut | None
    marks: list[MarkOut]

    @classmethod
    def of(cls, change: PassageChange) -> Self:
        """From the comparison."""
        return cls(
            change=change.change,
            before=PassageOut.of(change.before) if change.before else None,
            after=PassageOut.of(change.after) if change.after else None,
            marks=[MarkOut(change=mark.change, text=mark.text) for mark in change.marks],
        )


class DetailChangeOut(Out):
    """A field of the version that differs."""

    field: str = Field(examples=["effective_from"])
    before: str
    after: str


class DiffOut(Out):
    """What changed from `before` to `after` (version ids)."""

    before: str = Field(examples=["leaflet@v1"])
    after: str = Field(examples=["leaflet@v2"])
    details: list[DetailChangeOut]
    passages: list[PassageChangeOut]


class FoundSource(Out):
    """Where a found passage stands."""

    file: str
    page: int | None
    sheet: str | None
    cells: str | None
    heading: str


class FoundPassage(Out):
    """A passage with its score, and the score of each stage; larger is better."""

    passage_id: str
    document_id: str
    title: str
    version: int
    kind: DocumentKind
    text: str
    score: float
    scores: dict[str, float]
    source: FoundSource

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """As `wainao search --json` prints it."""
        passage = evidence.passage
        return cls(
            passage_id=passage.passage_id,
            document_id=passage.document_id,
            title=passage.title,
            version=passage.version,
            kind=passage.kind,
            text=passage.text,
            score=round(evidence.score, 6),
            scores={stage: round(score, 6) for stage, score in evidence.scores.items()},
            source=FoundSource(**{name: getattr(passage.source, name) for name in FoundSource.model_fields}),
        )


class SearchOut(Out):
    """What retrieval finds, best first; `abstained`: nothing is good enough to answer from, though listed."""

    query: str = Field(examples=["稳盈90天能提前赎回吗"])
    on: date
    product: str | None = Field(examples=["WY90"])
    passages: list[FoundPassage]
    abstained: bool

    @classmethod
    def of(cls, query: str, on: date, found: SearchResult) -> Self:
        """As `wainao search --json` prints it."""
        passages = [FoundPassage.of(evidence) for evidence in found.evidence]
        return cls(query=query, on=on, product=found.product_code, passages=passages, abstained=found.abstained)


class StageOut(Out):
    """What one stage gave; `rank` null: it adds to the score and does not rank."""

    score: float
    rank: int | None


class ReasonOut(Out):
    """Why a passage was filtered out, or what lowered it."""

    refusal: str = Field(examples=["expired"])
    detail: str = Field(examples=["2026-03-01"])


class CandidateOut(Out):
    """A passage that was looked at."""

    passage: PassageOut
    rank: int
    score: float
    stages: dict[str, StageOut]
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """From the explanation."""
        return cls(
            passage=PassageOut.of(candidate.passage),
            rank=candidate.rank,
            score=round(candidate.score, 6),
            stages={n: StageOut(score=round(s.score, 6), rank=s.rank) for n, s in candidate.stages.items()},
            reasons=[ReasonOut(refusal=reason.refusal.value, detail=reason.detail) for reason in candidate.reasons],
        )


class ExplainOut(Out):
    """A search laid open: every candidate's stages, and what was filtered out and why."""

    query: str
    on: date
    product: str | None
    candidates: list[str]
    names_unknown_product: bool
    confidence: float
    threshold: float
    abstained: bool
    found: list[CandidateOut]
    filtered: list[CandidateOut]

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """From retrieval's own explanation."""
        return cls(
            query=explanation.question,
            on=explanation.on,
            product=explanation.product_code,
            candidates=list(explanation.candidates),
            names_unknown_product=explanation.names_unknown_product,
            confidence=explanation.confidence,
            threshold=explanation.threshold,
            abstained=explanation.abstained,
            found=[CandidateOut.of(candidate) for candidate in explanation.found],
            filtered=[CandidateOut.of(candidate) for candidate in explanation.filtered],
        )
