"""From a question to a gated draft: the one road that every door uses.

understand -> retrieve -> draft -> gate. Retrieval filters by scope and day before anything else; the gate is code over
the final text. "No approved source" and "blocked" are replies, not errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from assistant.compliance.findings import Finding, Review, Subject, Verdict
from assistant.compliance.gate import ComplianceGate
from assistant.copywriting import CopyWriter
from assistant.drafting.brief import (
    Brief,
    CustomerFacts,
    Draft,
    Drafter,
    DraftKind,
    Length,
    Materials,
    Tone,
    Writer,
)
from assistant.drafting.composer import OfflineComposer
from assistant.drafting.extract import extract
from assistant.drafting.facts import gate_type
from assistant.drafting.guidance import playbook_guidance, rule_guidance
from assistant.drafting.likeness import coverage, likeness
from assistant.drafting.phrasing import Phrasing
from assistant.errors import ModelUnavailable
from assistant.library import Library, Sheet
from assistant.situation import settle_situation
from assistant.understanding import STRONG_CUE, Understanding, situations, understand
from assistant.wording import Messages
from knowledge.documents import DocumentKind, Evidence, Passage, Scope, SearchResult

KNOWN = frozenset({DocumentKind.FAQ})
TURNS = frozenset({DocumentKind.TRANSCRIPT})
PLAYBOOKS = frozenset({DocumentKind.PLAYBOOK})
RULES = frozenset({DocumentKind.REGULATION})
TOPICS = frozenset({DocumentKind.OTHER})
REPLIES = frozenset({DraftKind.REPLY, DraftKind.ANSWER})
POSTS = frozenset({DraftKind.MOMENTS, DraftKind.GROUP})
NO_MODEL = frozenset({"complaint", "grief", "fraud_worry", "opt_out"})  # fixed, careful wording only
COMPARING = ("区别", "哪个", "哪款", "比较", "对比", "不同", "差别", "还是")
TRIES_AFTER_A_BLOCK = 2
QUOTE_CHARACTERS = 80
KNOWN_WANTED = 10
PLAIN_MARGIN = 1.5
SAME_QUESTION = 0.6


class Retriever(Protocol):
    """The one retrieval function."""

    def search(
        self, question: str, *, scope: Scope, on: date, top_k: int = 10, kinds: frozenset[DocumentKind] | None = None
    ) -> SearchResult: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom, about whom. `product_hint`: the code of the product the talk was about before."""

    words: str
    writer: Writer
    scope: Scope
    on: date
    kind: DraftKind = DraftKind.REPLY
    customer: CustomerFacts = field(default_factory=CustomerFacts)
    length: Length = Length.MEDIUM
    tone: Tone = Tone.NATURAL
    variant: int = 0
    said: frozenset[str] = frozenset()
    previous: str = ""
    product_hint: str | None = None
    situation_hint: str | None = None
    about_playbook: bool = False
    about_rules: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that a draft rests on, as shown to the RM; `quote` is cut from the passage."""

    document_id: str
    title: str
    version: int
    passage_id: str
    version_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class GatedDraft:
    """A draft with the gate's answer; `text` is what may be sent, None when blocked."""

    draft: Draft
    review: Review
    citations: tuple[Citation, ...]

    @property
    def text(self) -> str | None:
        return self.review.text or None


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of one question. `gated` is empty when no approved source carries an answer (verdict unknown)."""

    question: Question
    kind: DraftKind
    understanding: Understanding
    situation: str | None
    gated: tuple[GatedDraft, ...]
    evidence: tuple[Evidence, ...]
    product_code: str | None = None
    holding_reply: str | None = None
    question_back: str | None = None
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def best(self) -> GatedDraft | None:
        """The draft to show first."""
        return self.gated[0] if self.gated else None

    @property
    def records_a_refusal(self) -> bool:
        """Whether the customer's own words refuse marketing, plainly and for the first time."""
        return _refuses_plainly(self.understanding) and not self.question.customer.opted_out

    @property
    def verdict(self) -> Verdict:
        """Of the first draft; unknown without one."""
        return self.best.review.verdict if self.best else Verdict.UNKNOWN

    @property
    def text(self) -> str | None:
        """The first draft as it may be sent."""
        return self.best.text if self.best else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the gate found in the first draft."""
        return self.best.review.findings if self.best else ()


@dataclass(frozen=True)
class AnswerQuestion:
    """The pipeline; stateless, safe in many threads."""

    retriever: Retriever
    library: Library
    gate: ComplianceGate
    messages: Messages
    composer: Drafter = field(default_factory=OfflineComposer)
    copywriter: Drafter = field(default_factory=CopyWriter)
    model: Drafter | None = None
    top_k: int = 8

    def __call__(self, question: Question) -> Reply:
        """Draft an answer to `question` as of `question.on`."""
        understanding = understand(question.words)
        found = self._search(question, question.words, None, self.top_k)
        materials = self._materials(question, understanding, found)
        situation = settle_situation(understanding, materials, question.situation_hint)
        brief = self._brief(question, understanding, materials, situation)
        if situation and not _about(materials, situation):
            brief = replace(brief, materials=self._widened(question, materials, situation))
        if question.customer.opted_out and question.kind is not DraftKind.CHECK and situation != "opt_out":
            brief = replace(brief, situation="opt_out")
        notes: list[str] = []
        drafts = self._drafts(question, brief, found, notes)
        gated = tuple(self._gated(brief, draft) for draft in drafts)
        gated = self._retried(brief, gated)
        notes += self._notes(brief)
        return Reply(
            question=question,
            kind=question.kind,
            understanding=understanding,
            situation=brief.situation,
            gated=gated,
            evidence=found.evidence,
            product_code=materials.sheets[0][0].code if len(materials.sheets) == 1 else found.product_code,
            holding_reply=None if gated else Phrasing(brief.seed, brief.variant).phrase("holding_reply"),
            question_back=_question_back(found, materials, brief),
            notes=tuple(notes),
        )

    def review_text(self, text: str, question: Question) -> Review:
        """The gate over somebody's own text; figures are judged from the words alone."""
        subject = Subject(
            kind="moments" if "朋友圈" in question.previous else "reply",
            customer_level=question.customer.level,
            customer_age=question.customer.age,
            opted_out=question.customer.opted_out,
        )
        return self.gate.review(text, subject, on=question.on)

    def _search(
        self, question: Question, words: str, kinds: frozenset[DocumentKind] | None, top_k: int
    ) -> SearchResult:
        return self.retriever.search(words, scope=question.scope, on=question.on, top_k=top_k, kinds=kinds)

    def _materials(self, question: Question, understanding: Understanding, found: SearchResult) -> Materials:
        evidence = list(found.evidence)
        wanted = [(KNOWN, KNOWN_WANTED)]
        if question.kind in POSTS:
            wanted.append((TOPICS, 6))
        elif question.kind in REPLIES:
            wanted.append((TURNS, 8))
        if question.about_playbook:
            wanted.append((PLAYBOOKS, 8))
        if question.about_rules:
            wanted.append((RULES, 4))
        for kinds, count in wanted:
            words = question.words
            if kinds is PLAYBOOKS:
                words = " ".join(filter(None, (words, question.customer.stage, question.customer.segment)))
            evidence += self._search(question, words, kinds, count).evidence
        unique = {e.passage.passage_id: e for e in reversed(evidence)}
        ordered = [unique[pid] for pid in dict.fromkeys(e.passage.passage_id for e in evidence)]
        return self.library.materials(
            ordered,
            sheets=self._sheets(question, understanding, found),
            suitable=self._suitable(question),
            product_names=self.library.product_names(question.on),
        )

    def _widened(self, question: Question, materials: Materials, situation: str) -> Materials:
        """Material on the situation itself, when the words alone found too little."""
        words = f"{question.words} {situations()[situation].title}"
        found = [e for kinds in (KNOWN, TURNS) for e in self._search(question, words, kinds, KNOWN_WANTED).evidence]
        more = self.library.materials(found)
        return replace(
            materials,
            known_questions=materials.known_questions + more.known_questions,
            transcripts=materials.transcripts + more.transcripts,
            evidence=materials.evidence + more.evidence,
        )

    def _sheets(self, question: Question, understanding: Understanding, found: SearchResult) -> tuple[Sheet, ...]:
        codes: tuple[str, ...] = (found.product_code,) if found.product_code else ()
        if not codes and len(found.candidates) == 2 and any(word in understanding.words for word in COMPARING):
            codes = found.candidates
        if not codes and question.product_hint:
            codes = (question.product_hint,)
        if not codes and understanding.asks_deposit_interest and not found.candidates:
            return self.library.deposits_for(understanding.term or "", scope=question.scope, on=question.on)[:1]
        opened = (self.library.sheet(code, scope=question.scope, on=question.on) for code in codes)
        return tuple(sheet for sheet in opened if sheet)

    def _suitable(self, question: Question) -> tuple[Sheet, ...]:
        level = question.customer.level
        if level is None or level in ("NONE", "EXPIRED"):
            return ()
        return tuple(self.library.sheets_up_to(level, scope=question.scope, on=question.on))

    def _brief(
        self, question: Question, understanding: Understanding, materials: Materials, situation: str | None
    ) -> Brief:
        return Brief(
            kind=question.kind,
            understanding=understanding,
            situation=situation,
            materials=materials,
            on=question.on,
            writer=question.writer,
            customer=question.customer,
            length=question.length,
            tone=question.tone,
            variant=question.variant,
            seed=f"{question.writer.userid}:{question.customer.customer_id}:{question.words}",
            said=question.said,
            previous=question.previous,
        )

    def _drafts(self, question: Question, brief: Brief, found: SearchResult, notes: list[str]) -> tuple[Draft, ...]:
        if question.about_playbook and (guided := playbook_guidance(brief, self.messages)):
            return (guided,)
        if question.about_rules and (guided := rule_guidance(brief, self.messages)):
            return (guided,)
        wins = brief.kind in REPLIES and _plain_document_wins(found, brief.materials, brief.words)
        if wins and (extracted := extract(brief, self.messages)):
            return (extracted,)
        if found.abstained and not self._firm(brief, found) and brief.kind in REPLIES:
            return ()
        if self.model is not None and not brief.customer.opted_out and brief.situation not in NO_MODEL:
            try:
                return self.model.draft(brief)
            except ModelUnavailable:
                notes.append(self.messages("llm_down"))
        if brief.kind in POSTS:
            return self.copywriter.draft(brief)
        drafts = self.composer.draft(brief)
        if not drafts and (extracted := extract(brief, self.messages)):
            return (extracted,)
        return drafts

    @staticmethod
    def _firm(brief: Brief, found: SearchResult) -> bool:
        """Whether a reply can stand although retrieval is unsure: the words leave no doubt what they are about."""
        if brief.materials.sheets:
            return True
        if brief.situation is None or found.names_unknown_product:
            return False
        situation = situations()[brief.situation]
        sure = dict(brief.understanding.situations).get(brief.situation, 0.0) >= STRONG_CUE
        return sure or not situation.selling or brief.situation == "suitability"

    def _gated(self, brief: Brief, draft: Draft) -> GatedDraft:
        passages = _passages(brief.materials)
        used = [passages[pid] for pid in draft.passage_ids if pid in passages]
        review = self.gate.review(
            draft.text,
            _subject(brief, draft),
            on=brief.on,
            evidence=[*(_searchable(passage) for passage in used), brief.customer.spoken()],
            known_names=_product_names(brief.materials),
        )
        return GatedDraft(draft, review, tuple(_citation(passage, review.text) for passage in used))

    def _retried(self, brief: Brief, gated: tuple[GatedDraft, ...]) -> tuple[GatedDraft, ...]:
        """Other wordings for a blocked first draft; the blocked one stays when none passes."""
        if not gated or gated[0].text is not None:
            return gated
        passing = tuple(item for item in gated if item.text is not None)
        if passing:
            return passing
        for step in range(1, TRIES_AFTER_A_BLOCK + 1):
            other = replace(brief, variant=brief.variant + step)
            again = tuple(self._gated(other, draft) for draft in self.composer.draft(other))
            if again and again[0].text is not None:
                return again
        return gated

    def _notes(self, brief: Brief) -> list[str]:
        notes = []
        sheet = brief.materials.sheets[0][0] if brief.materials.sheets else None
        if sheet and sheet.risk_level and brief.customer.level is None and brief.kind in REPLIES:
            notes.append(self.messages("level_unknown"))
        if _refuses_plainly(brief.understanding) and brief.kind in REPLIES and not brief.customer.opted_out:
            known = brief.customer.customer_id is not None
            notes.append(
                self.messages("opt_out_kept" if known else "opt_out_unrecorded", alias=brief.customer.alias or "")
            )
        if brief.customer.age is not None and brief.customer.age >= 65:
            notes.append(self.messages("elderly"))
        return notes


def _plain_document_wins(found: SearchResult, materials: Materials, words: str) -> bool:
    """Whether a document without typed content answers far better than anything curated, or names this question."""
    plain = {passage.passage_id for passage in materials.plain}
    if not found.evidence:
        return False
    first = found.evidence[0].passage
    if first.passage_id in plain and any(likeness(words, asked) >= SAME_QUESTION for asked in first.known_questions):
        return True
    best = max((e.score for e in found.evidence if e.passage.passage_id in plain), default=0.0)
    others = max((e.score for e in found.evidence if e.passage.passage_id not in plain), default=0.0)
    return best > 0 and best >= PLAIN_MARGIN * others


def _refuses_plainly(understanding: Understanding) -> bool:
    return dict(understanding.situations).get("opt_out", 0.0) >= STRONG_CUE


def _about(materials: Materials, situation: str) -> bool:
    """Whether both known questions and winning turns on the situation were found."""
    asked = any(entry.situation == situation for entry, _ in materials.known_questions)
    return asked and any(transcript.situation == situation for transcript, _ in materials.transcripts)


def _subject(brief: Brief, draft: Draft) -> Subject:
    sheet = draft.sheet
    return Subject(
        kind="reply" if brief.kind in (DraftKind.ANSWER, DraftKind.CHECK) else str(brief.kind),
        product_type=gate_type(sheet),
        product_level=sheet.risk_level if sheet else None,
        customer_level=brief.customer.level,
        customer_age=brief.customer.age,
        context=brief.words,
        opted_out=brief.customer.opted_out,
        promotes=draft.promotes,
        sold_as=sheet.sold_as if sheet else "own",
        issuer=sheet.issuer if sheet else "",
    )


def _passages(materials: Materials) -> dict[str, Passage]:
    passages = {e.passage.passage_id: e.passage for e in materials.evidence}
    for _, sheet_passages in (*materials.sheets, *materials.suitable):
        passages.update({p.passage_id: p for p in sheet_passages})
    return passages


def _product_names(materials: Materials) -> tuple[str, ...]:
    return tuple(name for sheet, _ in (*materials.sheets, *materials.suitable) for name in sheet.names)


def _searchable(passage: Passage) -> str:
    return f"{passage.title}\n{passage.source.heading}\n{passage.text}"


def _citation(passage: Passage, text: str) -> Citation:
    """The passage with the line of it that the text draws on most."""
    lines = [line.strip() for line in passage.text.splitlines() if line.strip()] or [passage.text]
    shared = [coverage(line, text) + min(len(line), QUOTE_CHARACTERS) / 1000 for line in lines]
    quote = lines[max(range(len(lines)), key=shared.__getitem__)][:QUOTE_CHARACTERS]
    return Citation(passage.document_id, passage.title, passage.version, passage.passage_id, passage.version_id, quote)


def _question_back(found: SearchResult, materials: Materials, brief: Brief) -> str | None:
    if len(materials.sheets) >= 1 or len(found.candidates) < 2 or brief.kind not in REPLIES:
        return None
    names = []
    for evidence in found.evidence:
        if evidence.passage.product_code in found.candidates and evidence.passage.title not in names:
            names.append(evidence.passage.title)
    if len(names) < 2:
        return None
    return Phrasing(brief.seed, 0).phrase("question_back", "product", names="、".join(names[:4]))
