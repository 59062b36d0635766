"""What follows the answer about a product: what must be said of it and was not said yet, and the closing question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.drafting.brief import Brief, Length, Sentence
from assistant.drafting.facts import LOANS, clean, gate_type
from assistant.drafting.likeness import coverage
from assistant.drafting.phrasing import Phrasing
from knowledge.content import Move
from knowledge.documents import Passage
from knowledge.products import ProductKind, ProductSheet

SAID = 0.7
SAID_WITH_ITS_FIGURES = 0.45
MOST_MUST_SAY = {Length.SHORT: 1, Length.MEDIUM: 2, Length.LONG: 3}
FIGURE = re.compile(r"\d+(?:\.\d+)?%?")
LOAN_CLOSINGS = {ProductKind.MORTGAGE: "mortgage", ProductKind.CARD_INSTALMENT: "instalment"}
TYPE_CLOSINGS = {"deposit": "deposit", "insurance": "insurance", "gold": "gold"}
MATTER_CLOSINGS = ("redemption", "fees", "risk")


def still_to_say(sheet: ProductSheet, passages: Sequence[Passage], length: Length, said: str) -> list[Sentence]:
    """The sheet's mandatory sentences without the clauses that the answer has just said."""
    sentences = []
    for text in sheet.must_say[: MOST_MUST_SAY[length]]:
        left = "；".join(filter(None, (_unsaid(part, said) for part in re.split(r"[；。]", clean(text)))))
        if left:
            sentences.append(Sentence(Move.CAUTION, left + "。", _grounds(text, passages)))
    return sentences


def _unsaid(part: str, said: str) -> str:
    if coverage(part, said) >= SAID:
        return ""
    return "，".join(clause for clause in part.split("，") if clause and not _is_said(clause, said))


def _is_said(clause: str, said: str) -> bool:
    """Whether `said` holds the clause's figures and about half of its words."""
    figures = FIGURE.findall(clause)
    return bool(figures) and all(f in said for f in figures) and coverage(clause, said) >= SAID_WITH_ITS_FIGURES


def _grounds(text: str, passages: Sequence[Passage]) -> tuple[str, ...]:
    """The passage that holds `text` verbatim, else the first: the sheet itself."""
    holding = [p.passage_id for p in passages if clean(text) in p.text]
    return tuple((holding or [p.passage_id for p in passages])[:1])


def closing_question(brief: Brief, sheet: ProductSheet, phrasing: Phrasing) -> str:
    """One question that leads on from what was asked."""
    if sheet.product_kind in LOANS:
        return phrasing.phrase("next_step", LOAN_CLOSINGS.get(sheet.product_kind, "loan"))
    kind = gate_type(sheet)
    asked = brief.understanding.attributes[:1]
    if kind != "insurance" and asked and asked[0] in MATTER_CLOSINGS:
        return phrasing.phrase("next_step", asked[0])
    if kind == "deposit" and brief.understanding.amount and brief.understanding.term:
        return phrasing.phrase("next_step", "deposit_worked_out")
    return phrasing.phrase("next_step", TYPE_CLOSINGS.get(kind, "product"))
