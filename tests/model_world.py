"""A tiny bank for tests of the model drafter: one known question, one deposit, one fund, and the pipeline over them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from assistant.answering import AnswerQuestion, Question
from assistant.compliance.gate import ComplianceGate
from assistant.drafting.brief import Brief, CustomerFacts, Drafter, DraftKind, Materials, Writer
from assistant.library import Library
from assistant.understanding import understand
from assistant.wording import Messages
from knowledge.content import KnownQuestion, Transcript
from knowledge.documents import (
    WHOLE_BANK,
    DocumentKind,
    DocumentVersion,
    Evidence,
    Passage,
    Scope,
    SearchResult,
    VersionStatus,
)
from knowledge.products import ProductSheet

TODAY = date(2026, 3, 2)
SINCE = date(2026, 1, 1)
WORDS = "定期没到期能取出来吗"
ANSWER = "定期存款可以提前支取，提前支取的部分按支取当天的活期利率计息。"
WRITER = Writer("rm001", "王小明", "城东支行")

KNOWN = KnownQuestion(
    id="FAQ-1", question=WORDS, situation="liquidity", answer=ANSWER, ask="这次大概要用多少？", effective_from=SINCE
)
DEPOSIT = ProductSheet.model_validate(
    {
        "code": "CK-1",
        "name": "安心定期存款",
        "product_kind": "deposit",
        "issuer": "示例银行",
        "sold_as": "own",
        "term": {"text": "1年"},
        "minimum": {"text": "50元起存"},
        "rates": [{"name": "1年期", "rate": "0.95%", "as_of": "2026-01-05"}],
        "redemption": {"text": "到期一次还本付息"},
        "must_say": ["利率以办理当天公布的为准。"],
        "effective_from": "2026-01-01",
    }
)
FUND = DEPOSIT.model_copy(update={"code": "F-4", "name": "进取成长混合", "risk_level": "R4", "must_say": ()})
TRANSCRIPT = Transcript.model_validate(
    {
        "id": "T-1",
        "title": "急用钱的客户",
        "situation": "liquidity",
        "stage": "service",
        "segment": "mass",
        "date": "2026-02-01",
        "turns": [
            {"role": "customer", "text": "我住花园路八号，急用钱。"},
            {
                "role": "relationship_manager",
                "says": [
                    {"move": "acknowledge", "text": "急用钱的时候最怕说不清。", "reusable": True},
                    {"move": "reason", "text": "您家老二的学费先顾上。"},
                ],
            },
        ],
        "outcome": "留下了",
        "why_it_worked": "先接住情绪",
    }
)


def passage(number: int, kind: DocumentKind, title: str, text: str, code: str | None = None) -> Passage:
    """A passage in force today."""
    return Passage(f"p{number}", f"v{number}", f"d{number}", 1, kind, title, text, product_code=code)


FAQ_PASSAGE = passage(1, DocumentKind.FAQ, "提前支取", f"{WORDS}\n{ANSWER}")
DEPOSIT_PASSAGE = passage(2, DocumentKind.PRODUCT, "安心定期存款", "1年期利率0.95%，截至2026-01-05。50元起存。", "CK-1")
FUND_PASSAGE = passage(3, DocumentKind.PRODUCT, "进取成长混合", "风险等级R4，最短持有90天。", "F-4")
TRANSCRIPT_PASSAGE = passage(4, DocumentKind.TRANSCRIPT, "急用钱的客户", "整段会话：花园路八号，老二的学费。")


def evidence(*passages: Passage) -> tuple[Evidence, ...]:
    """Found in this order."""
    return tuple(Evidence(found, 1.0 / rank) for rank, found in enumerate(passages, 1))


def brief(words: str = WORDS, *, sheets: bool = False, **changes: Any) -> Brief:
    """An order about early withdrawal; with `sheets` the deposit is named."""
    made = Brief(
        kind=DraftKind.REPLY,
        understanding=understand(words),
        situation="liquidity",
        materials=Materials(
            known_questions=((KNOWN, FAQ_PASSAGE),),
            transcripts=((TRANSCRIPT, TRANSCRIPT_PASSAGE),),
            sheets=((DEPOSIT, (DEPOSIT_PASSAGE,)),) if sheets else (),
            evidence=evidence(FAQ_PASSAGE, FUND_PASSAGE, TRANSCRIPT_PASSAGE),
        ),
        on=TODAY,
        writer=WRITER,
        customer=CustomerFacts("cust-77", "C3", 40, "花园路张姐"),
        seed="seed",
    )
    return replace(made, **changes)


class OneShelf:
    """Retriever and store of the tiny bank: every question finds the known question."""

    def search(
        self, question: str, *, scope: Scope, on: date, top_k: int = 10, kinds: frozenset[DocumentKind] | None = None
    ) -> SearchResult:
        return SearchResult(evidence(FAQ_PASSAGE) if kinds is None or DocumentKind.FAQ in kinds else ())

    def version(self, version_id: str) -> DocumentVersion:
        payload: dict[str, object] = {"content": "known_question", "data": KNOWN.model_dump(mode="json")}
        return DocumentVersion(
            version_id, "d1", 1, DocumentKind.FAQ, "提前支取", VersionStatus.APPROVED, SINCE, payload=payload
        )

    def passages_of(self, version_id: str) -> list[Passage]:
        return [FAQ_PASSAGE]

    def payloads(self, kind: DocumentKind, on: date) -> list[DocumentVersion]:
        return []

    def revision(self) -> int:
        return 1


@cache
def _gate() -> ComplianceGate:
    return ComplianceGate.load()


def pipeline(model: Drafter) -> AnswerQuestion:
    """The product's own road over the tiny bank."""
    shelf = OneShelf()
    return AnswerQuestion(retriever=shelf, library=Library(shelf), gate=_gate(), messages=Messages.load(), model=model)


def question(words: str = WORDS) -> Question:
    """As an RM asks it."""
    return Question(words, WRITER, WHOLE_BANK, TODAY)
