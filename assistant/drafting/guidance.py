"""Advice to the RM: a playbook for 「下一步怎么跟」, an article for 「能不能说…」."""

from __future__ import annotations

from assistant.drafting.brief import Brief, Draft, Length, Sentence
from assistant.drafting.likeness import bigrams
from assistant.wording import Messages
from knowledge.content import Move, PlaybookHeader
from knowledge.documents import DocumentKind

DRAFTER = "composer"
PROMPT = "playbook@1"
FEWEST_SHARED = 3
PLACEHOLDERS = ("〔姓名〕", "〔客户经理〕", "〔经理姓名〕")


def rule_guidance(brief: Brief, messages: Messages) -> Draft | None:
    """What the nearest articles say, with their source; None when retrieval found no regulation."""
    found = [e.passage for e in brief.materials.evidence if e.passage.kind is DocumentKind.REGULATION]
    if not found:
        return None
    asked = bigrams(brief.words)
    if max(len(asked & bigrams(f"{p.title}{p.source.heading}{p.text}")) for p in found) < FEWEST_SHARED:
        return None
    chosen = found[:1] if brief.length is not Length.LONG else found[:2]
    sentences = []
    for number, passage in enumerate(chosen):
        heading = passage.source.heading.split("/")[-1].strip()
        text = passage.text.removeprefix(heading).strip()
        line = messages("rule_article", title=passage.title, heading=heading, text=text)
        sentences.append(Sentence(Move.ANSWER, ("\n" if number else "") + line, (passage.passage_id,)))
    return Draft(tuple(sentences), DRAFTER, "rule@1", promotes=False)


def _fit(brief: Brief, header: PlaybookHeader) -> float:
    """How well a playbook fits: the customer's stage and segment first, then the words."""
    customer = brief.customer
    shared = max(len(bigrams(brief.words) & bigrams(text)) for text in (header.title, *header.questions))
    stage = 3.0 if customer.stage == header.stage or header.stage in brief.words else 0.0
    segment = 4.0 if customer.segment == header.segment or header.segment in brief.words else 0.0
    return shared + stage + segment + (2.0 if brief.situation in header.situations else 0.0)


def playbook_guidance(brief: Brief, messages: Messages) -> Draft | None:
    """The playbook that fits best, as advice to the RM; None when it has no words to offer."""
    if not brief.materials.playbooks:
        return None
    _, sections, passage = max(brief.materials.playbooks, key=lambda item: _fit(brief, item[0]))
    lines = [line.removeprefix("- ").strip() for line in sections.get("先说什么", "").splitlines() if line.strip()]
    if not lines:
        return None
    words = lines[brief.variant % len(lines)]
    for placeholder in PLACEHOLDERS:
        words = words.replace(placeholder, brief.writer.name or "客户经理")
    ids = (passage.passage_id,)
    sentences = [Sentence(Move.ANSWER, messages("playbook_opening", words=words), ids)]
    for key, heading in (
        ("playbook_why", "为什么"),
        ("playbook_wait", "等多久"),
        ("playbook_stop", "什么时候停"),
        ("playbook_avoid", "不要做"),
    ):
        if text := sections.get(heading, "").strip():
            flat = "；".join(line.removeprefix("- ").strip().rstrip("。") for line in text.splitlines() if line.strip())
            sentences.append(Sentence(Move.REASON, f"\n{messages(key, text=flat)}。", ids))
    return Draft(tuple(sentences), DRAFTER, PROMPT, promotes=False)
