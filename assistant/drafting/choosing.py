"""Chooses, among what retrieval found, the known questions and winning turns that fit this question."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.drafting.brief import Brief
from assistant.drafting.likeness import coverage, likeness
from assistant.understanding import STRONG_CUE, situations
from knowledge.content import KnownQuestion, Transcript
from knowledge.documents import Passage

MANUAL_SITUATIONS = frozenset({"opt_out", "complaint", "grief", "is_robot", "fraud_worry", "small_talk", "not_needed"})
SAME_SITUATION_BONUS = 0.35
UNSURE_BONUS = 0.1
OTHER_SITUATION = 0.25
ABOUT_WHOM = frozenset({"elder_family"})  # says whose money it is, not what is asked
RANK_BONUS = 0.2
LEAST_ALIKE = 0.22
LEAST_ALIKE_WHEN_SURE = 0.08
LEAST_ALIKE_OF_A_FACT = 0.18
LEAST_ALIKE_WHEN_LOST = 0.35
ONE_ANSWER = frozenset({"gift_ask", "gold_buy", "rate_outlook", "no_reply", "think_about", "first_contact"})
RELATED_BONUS = 0.02
ENOUGH = 0.42
LONG_ENOUGH = 8
CLOSE_TO_BEST = 0.75
NEARLY_THE_SAME = 0.5
OTHER_PRODUCT = 0.3
ONE_PRODUCT = 0.15
BOTH_PRODUCTS = 0.3


def wording_match(words: str, entry: KnownQuestion, *, without: Sequence[str] = ()) -> float:
    """How near `words` come to one of the ways to ask `entry`, 0 to 1; counter-questions pull it down.

    Args:
        without: names left out on both sides.
    """
    words = _stripped(words, without)
    wordings = [_stripped(wording, without) for wording in (entry.question, *entry.known_questions)]
    best = max(max(likeness(words, wording), _contained(wording, words)) for wording in wordings)
    against = max((likeness(words, counter) for counter in entry.counter_questions), default=0.0)
    return best if against <= best else best - against


def _stripped(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = text.replace(name, "")
    return text


def _contained(wording: str, words: str) -> float:
    """How much of a wording stands in longer words; a wording of few characters says little."""
    return 0.8 * coverage(wording, words) * min(1.0, len(wording) / LONG_ENOUGH)


def choose_known_questions(brief: Brief) -> list[tuple[KnownQuestion, Passage]]:
    """Known questions that answer this one, best first; only near ties of the best: 「换一版」 keeps to the matter."""
    codes = {sheet.code for sheet, _ in brief.materials.sheets}
    second = {code for code, _ in brief.understanding.situations[1:3]}
    sure = dict(brief.understanding.situations).get(brief.situation or "", 0.0) >= STRONG_CUE
    scored: list[tuple[float, KnownQuestion, Passage]] = []
    for rank, (entry, passage) in enumerate(brief.materials.known_questions):
        alike = wording_match(brief.words, entry)
        if alike < _least_alike(brief, sure=sure and entry.situation == brief.situation):
            continue
        score = alike + RANK_BONUS / (1 + rank)
        if brief.situation is not None:
            if entry.situation == brief.situation:
                score += SAME_SITUATION_BONUS if sure else UNSURE_BONUS
            elif entry.situation in second:
                score += RELATED_BONUS
            elif brief.situation not in ABOUT_WHOM:
                score -= OTHER_SITUATION
        if len(codes) > 1 and codes == set(entry.products):
            score += BOTH_PRODUCTS
        elif codes and entry.products and not _speaks_of(codes, set(entry.products)):
            score -= OTHER_PRODUCT
        elif not codes and len(entry.products) == 1:
            score -= ONE_PRODUCT
        if any(name in entry.answer and name not in brief.words for name in brief.materials.product_names):
            score -= OTHER_PRODUCT
        scored.append((score, entry, passage))
    scored.sort(key=lambda item: -item[0])
    if not scored or scored[0][0] < ENOUGH:
        return []
    best = scored[0]
    return [(entry, passage) for score, entry, passage in scored if _tie(score, entry, best)][:3]


def _least_alike(brief: Brief, *, sure: bool) -> float:
    """How near a wording must come at least: the less the words say of their matter, the nearer."""
    if brief.situation is None:
        return LEAST_ALIKE_WHEN_LOST
    if not sure:
        return LEAST_ALIKE
    situation = situations()[brief.situation]
    one_answer = situation.acknowledge or not situation.selling or brief.situation in ONE_ANSWER
    return LEAST_ALIKE_WHEN_SURE if one_answer else LEAST_ALIKE_OF_A_FACT


def _speaks_of(codes: set[str], products: set[str]) -> bool:
    """Whether an answer about `products` fits a question about `codes`; of two that are compared it has both."""
    return codes <= products if len(codes) > 1 else bool(codes & products)


def _tie(score: float, entry: KnownQuestion, best: tuple[float, KnownQuestion, Passage]) -> bool:
    return entry is best[1] or (score >= CLOSE_TO_BEST * best[0] and entry.situation == best[1].situation)


def near_transcripts(brief: Brief) -> list[tuple[Transcript, Passage]]:
    """Of those, the conversations in which a customer said nearly the same."""
    return [
        (transcript, passage)
        for transcript, passage in transcripts_for(brief)
        if any(likeness(brief.words, turn.text) >= NEARLY_THE_SAME for turn in transcript.turns if turn.text)
    ]


def transcripts_for(brief: Brief) -> list[tuple[Transcript, Passage]]:
    """Winning conversations in the brief's situation, in the order retrieval found them."""
    mine = [item for item in brief.materials.transcripts if brief.situation == item[0].situation]
    return mine or [item for item in brief.materials.transcripts if brief.situation in item[0].also]
