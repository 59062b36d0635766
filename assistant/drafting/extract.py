"""Answers from plain documents: the sentences that speak to the question, word for word."""

from __future__ import annotations

import re

from assistant.drafting.brief import Brief, Draft, DraftKind, Length, Sentence
from assistant.drafting.likeness import bigrams
from assistant.wording import Messages
from knowledge.content import Move
from knowledge.documents import DocumentKind, Passage

DRAFTER = "composer"
PROMPT = "extract@1"
SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]?")
ENOUGH_SHARED = 0.25
MOST_CHARACTERS = 220


def _quotable(brief: Brief) -> list[Passage]:
    """Plain passages that may be quoted; articles of law go to the RM, not into a customer's chat."""
    to_customer = brief.kind is DraftKind.REPLY
    return [p for p in brief.materials.plain if not (to_customer and p.kind is DocumentKind.REGULATION)]


def extract(brief: Brief, messages: Messages) -> Draft | None:
    """The most telling sentences of the best plain passages; None when none shares enough with the question."""
    asked = bigrams(brief.words)
    best: list[tuple[float, int, str, Passage]] = []
    for rank, passage in enumerate(_quotable(brief)[:4]):
        about = bigrams(f"{passage.title}{passage.source.heading}")
        for match in SENTENCE.finditer(passage.text):
            text = match.group().strip()
            shared = len(asked & (bigrams(text) | about)) / max(1, len(asked))
            if len(text) >= 6 and asked & bigrams(text):
                best.append((shared - 0.05 * rank, -rank, text, passage))
    best.sort(key=lambda item: (-item[0], -item[1]))
    if not best or best[0][0] < ENOUGH_SHARED:
        return None
    most = {Length.SHORT: 1, Length.MEDIUM: 2, Length.LONG: 4}[brief.length]
    chosen: list[tuple[str, Passage]] = []
    used = 0
    for score, _, text, passage in best:
        if len(chosen) < most and used + len(text) <= MOST_CHARACTERS and score >= 0.6 * best[0][0]:
            chosen.append((text, passage))
            used += len(text)
    if not chosen:
        chosen = [(best[0][2][:MOST_CHARACTERS], best[0][3])]
    sentences = [Sentence(Move.ANSWER, messages("extract_opening", title=chosen[0][1].title))]
    sentences += [Sentence(Move.ANSWER, text, (passage.passage_id,)) for text, passage in chosen]
    sentences[0] = Sentence(Move.ANSWER, sentences[0].text, (chosen[0][1].passage_id,))
    return Draft(tuple(sentences), DRAFTER, PROMPT, promotes=False)
