"""Moments and group copy: three angles on one topic, from approved material, none of it an advertisement."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.drafting.brief import Brief, Draft, DraftKind, Sentence
from assistant.drafting.likeness import likeness
from assistant.drafting.phrasing import Phrasing, stable_number
from knowledge.content import Angle, KnownQuestion, MomentsTopic, Move
from knowledge.documents import Passage

ANGLES = 3
DRAFTER = "composer"
ENOUGH = 0.3


def _trigger_score(words: str, topic: MomentsTopic) -> float:
    """3 for a trigger that stands in the words, else the nearest likeness to a trigger or the topic, 0 to 1."""
    names = (topic.topic, *topic.triggers)
    if any(name in words for name in names):
        return 3.0 + max(len(name) for name in names if name in words) / 100
    return max(likeness(words, name) for name in names)


@dataclass(frozen=True, slots=True)
class CopyWriter:
    """Writes posts from approved topics; from known questions where no topic fits. Deterministic."""

    def draft(self, brief: Brief) -> tuple[Draft, ...]:
        """Up to three drafts, each another angle; empty when nothing approved fits the topic."""
        topics = sorted(brief.materials.topics, key=lambda item: -_trigger_score(brief.words, item[0]))
        if topics and _trigger_score(brief.words, topics[0][0]) >= ENOUGH:
            drafts = _from_topic(brief, *topics[0])
        else:
            drafts = _from_known_questions(brief)
        return tuple(drafts[:1] if brief.kind is DraftKind.GROUP else drafts)


def _from_topic(brief: Brief, topic: MomentsTopic, passage: Passage) -> list[Draft]:
    angles = list(topic.angles)
    if not angles:
        return []
    start = (stable_number(brief.writer.userid, topic.id) + brief.variant * ANGLES) % len(angles)
    chosen = [angles[(start + step) % len(angles)] for step in range(min(ANGLES, len(angles)))]
    return [_post(brief, angle, passage) for angle in chosen]


def _post(brief: Brief, angle: Angle, passage: Passage) -> Draft:
    ids = (passage.passage_id,)
    pieces = [Sentence(Move.ANSWER, angle.hook, ids), Sentence(Move.REASON, f"\n{angle.body}", ids)]
    if brief.kind is not DraftKind.GROUP:
        pieces.append(Sentence(Move.NEXT_STEP, f"\n{angle.invite}", ids))
    return Draft(tuple(pieces), DRAFTER, f"moments:{angle.angle}@1", promotes=False)


def _from_known_questions(brief: Brief) -> list[Draft]:
    fitting = [
        (entry, passage)
        for entry, passage in brief.materials.known_questions
        if max(likeness(brief.words, text) for text in (entry.question, *entry.known_questions)) >= ENOUGH
        or (brief.situation is not None and entry.situation == brief.situation)
    ]
    angles = ("what_it_means", "common_mistake", "question")
    return [
        _angle_on(brief, angle, *fitting[(brief.variant + position) % len(fitting)])
        for position, angle in enumerate(angles[: max(1, min(ANGLES, len(fitting)))])
        if fitting
    ]


def _angle_on(brief: Brief, angle: str, entry: KnownQuestion, passage: Passage) -> Draft:
    phrasing = Phrasing(f"{brief.writer.userid}:{angle}", brief.variant)
    ids = (passage.passage_id,)
    pieces = (
        Sentence(Move.ANSWER, phrasing.phrase("moments_hook", angle, question=entry.question), ids),
        Sentence(Move.REASON, f"\n{entry.reason or entry.answer}", ids),
        Sentence(Move.NEXT_STEP, "\n" + phrasing.phrase("moments_invite")),
    )
    return Draft(pieces, DRAFTER, phrasing.reference, promotes=False)
