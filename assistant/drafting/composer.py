"""The offline composer: plans the moves of a reply and words each from approved material.

The plan follows the situation: what hurts is acknowledged first, the question is answered at once, one reason or figure
follows, then what must be said, and one question or step closes. Wording comes from known questions, winning turns,
product sheets and the phrase grammar; figures come from sheets and known questions only, each tied to its passage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.drafting.brief import Brief, Draft, DraftKind, Length, Sentence, Tone
from assistant.drafting.choosing import (
    MANUAL_SITUATIONS,
    choose_known_questions,
    near_transcripts,
    transcripts_for,
    wording_match,
)
from assistant.drafting.likeness import likeness
from assistant.drafting.phrasing import Phrasing
from assistant.drafting.product_reply import comparison, product_sentences, suitability_sentences, suitable_sentences
from assistant.drafting.product_rest import closing_question, still_to_say
from assistant.understanding import STRONG_CUE, situations
from assistant.wording import load_toml
from knowledge.content import KnownQuestion, Move, Transcript
from knowledge.documents import Passage
from knowledge.products import ProductSheet

DRAFTER = "composer"
SAME_SENTENCE = 0.55
GREETING = "greeting"
CONVERSATIONAL = {"no_reply", "think_about", "first_contact", "payroll_keep", "maturity_renew"}
OUTRIGHT = 0.5
NEAR_ENOUGH_TO_GO_FIRST = 0.3
NEAR_ENOUGH_TO_TALK = 0.2
FACTUAL_WORRIES = {"want_guarantee"}
FEELINGS = {"risk", "rate"}
JUDGEMENT = re.compile(r"划算|合适|还是|要不要|值不值|哪个好|有必要")
OUTRIGHT_WITH_ATTRIBUTE = 0.75
ON_THE_SHEET = {"rate", "minimum", "fees", "term"}
CHARACTERS = {Length.SHORT: 75, Length.MEDIUM: 150, Length.LONG: 320}
MOVES = {
    Length.SHORT: ("answer", "must_say", "close"),
    Length.MEDIUM: ("acknowledge", "answer", "reason", "must_say", "close"),
    Length.LONG: ("acknowledge", "answer", "reason", "evidence", "caution", "must_say", "close"),
}


@dataclass(frozen=True, slots=True)
class OfflineComposer:
    """Drafts replies and answers without a language model. Deterministic: equal briefs give equal drafts."""

    def draft(self, brief: Brief) -> tuple[Draft, ...]:
        """One draft, or none when the material carries no answer."""
        phrasing = Phrasing(brief.seed, brief.variant, brief.said)
        sentences, sheet = self._plan(brief, phrasing)
        if not sentences:
            return ()
        return (
            Draft(
                sentences=tuple(sentences),
                drafter=DRAFTER,
                prompt_id=phrasing.reference,
                sheet=sheet,
                promotes=None if brief.situation is None or situations()[brief.situation].selling else False,
            ),
        )

    def _plan(self, brief: Brief, phrasing: Phrasing) -> tuple[list[Sentence], ProductSheet | None]:
        if brief.kind is DraftKind.FRIEND_REQUEST:
            return _friend_request(brief, phrasing), None
        if brief.materials.sheets and (barred := suitability_sentences(brief, phrasing)):
            return barred, brief.materials.sheets[0][0]
        outright = _known_question_is_nearer(brief)
        if len(brief.materials.sheets) > 1 and not outright and (compared := comparison(brief, phrasing)):
            return [*_greeting(brief, phrasing), *compared], brief.materials.sheets[0][0]
        if _asks_for_a_product(brief) and not outright:
            return self._product_reply(brief, phrasing), brief.materials.sheets[0][0]
        if brief.situation == "suitability" and (suitable := suitable_sentences(brief, phrasing)):
            return suitable, None
        return self._situation_reply(brief, phrasing), _sheet_mentioned(brief)

    def _product_reply(self, brief: Brief, phrasing: Phrasing) -> list[Sentence]:
        sheet, passages = brief.materials.sheets[0]
        answer = product_sentences(brief, sheet, passages, phrasing)
        moves: dict[str, list[Sentence]] = {
            "acknowledge": _acknowledge(brief, phrasing),
            "answer": answer,
            "must_say": still_to_say(sheet, passages, brief.length, "".join(s.text for s in answer)),
            "close": [Sentence(Move.NEXT_STEP, closing_question(brief, sheet, phrasing))],
        }
        return _laid_out(moves, brief, keep_answer=True)

    def _situation_reply(self, brief: Brief, phrasing: Phrasing) -> list[Sentence]:
        chosen = choose_known_questions(brief)
        turns = transcripts_for(brief)
        said_before = _from_transcripts(brief, turns, phrasing) if brief.situation in MANUAL_SITUATIONS or turns else {}
        plans = [_from_known_question(brief, entry, passage, turns, phrasing) for entry, passage in chosen]
        if said_before and _carries_alone(brief, bool(chosen)):
            far = brief.situation in CONVERSATIONAL and (
                not chosen or wording_match(brief.words, chosen[0][0]) < NEAR_ENOUGH_TO_GO_FIRST
            )
            plans.insert(0 if far else 1, said_before)
        plans += [_warier(plan) for plan in plans[:1]]
        return _laid_out(plans[brief.variant % len(plans)], brief) if plans else []


def _carries_alone(brief: Brief, answered: bool) -> bool:
    """Whether winning turns alone make a reply: always for a feeling, else only as another version of an answer."""
    if brief.situation is None:
        return False
    situation = situations()[brief.situation]
    return answered or situation.acknowledge or not situation.selling or brief.situation in CONVERSATIONAL


def _warier(plan: dict[str, list[Sentence]]) -> dict[str, list[Sentence]]:
    """The same answer with its limits in place of its reason."""
    return {**plan, "reason": plan.get("caution") or plan.get("reason", []), "caution": []}


def _asks_for_a_product(brief: Brief) -> bool:
    if not brief.materials.sheets or (brief.situation and not situations()[brief.situation].selling):
        return False
    matter = set(brief.understanding.attributes)
    shown = brief.situation in dict(brief.understanding.situations) and brief.situation != "product_ask"
    talk = not matter or brief.situation in CONVERSATIONAL
    enough = 0.0 if brief.situation in CONVERSATIONAL else NEAR_ENOUGH_TO_TALK
    if talk and shown and choose_known_questions(brief) and _nearness(brief) >= enough:
        return False
    emotional = shown and situations()[brief.situation or "product_ask"].acknowledge
    if not emotional or not brief.materials.known_questions:
        return True
    return bool(matter) if brief.situation in FACTUAL_WORRIES else bool(matter - FEELINGS)


def _known_question_is_nearer(brief: Brief) -> bool:
    """Whether a known question answers outright what is asked about a named product."""
    chosen = choose_known_questions(brief)
    if not chosen:
        return False
    entry, attributes = chosen[0][0], brief.understanding.attributes
    codes = {sheet.code for sheet, _ in brief.materials.sheets}
    if len(codes) > 1 and codes == set(entry.products) and not attributes:
        return True
    if entry.situation == brief.situation and JUDGEMENT.search(brief.words):
        return _nearness(brief) >= NEAR_ENOUGH_TO_GO_FIRST
    if len(codes) == 1 and set(attributes[:1]) & ON_THE_SHEET:
        return False  # a figure is read from the sheet, with its date
    if wording_match(brief.words, entry) >= OUTRIGHT_WITH_ATTRIBUTE:
        return True
    enough = OUTRIGHT_WITH_ATTRIBUTE if attributes else OUTRIGHT
    return bool(codes & set(entry.products)) and _nearness(brief) >= enough


def _nearness(brief: Brief) -> float:
    """How near the chosen known question comes when the names of products are left out, 0 without one."""
    chosen = choose_known_questions(brief)
    return wording_match(brief.words, chosen[0][0], without=_names(brief)) if chosen else 0.0


def _names(brief: Brief) -> tuple[str, ...]:
    """Names of the products meant, longest first: two questions are not alike because they name the same product."""
    return tuple(sorted({name for sheet, _ in brief.materials.sheets for name in sheet.names}, key=len, reverse=True))


def _sheet_mentioned(brief: Brief) -> ProductSheet | None:
    return brief.materials.sheets[0][0] if brief.materials.sheets else None


def _acknowledge(brief: Brief, phrasing: Phrasing) -> list[Sentence]:
    felt = _felt(brief, phrasing)
    if brief.tone is not Tone.POLITE:
        return felt
    [hello] = _greeting(brief, phrasing)
    thanks = felt[0].text if felt else phrasing.phrase("acknowledge", "polite_thanks")
    return [Sentence(GREETING, hello.text + thanks, felt[0].passage_ids if felt else ())]


def _greeting(brief: Brief, phrasing: Phrasing) -> list[Sentence]:
    """A word of greeting where the RM asked for a politer tone."""
    return [Sentence(GREETING, phrasing.phrase("acknowledge", "polite"))] if brief.tone is Tone.POLITE else []


def _felt(brief: Brief, phrasing: Phrasing) -> list[Sentence]:
    """The answer to what the customer feels; [] when the words show no feeling."""
    if brief.situation is None or not situations()[brief.situation].acknowledge:
        return []
    if dict(brief.understanding.situations).get(brief.situation, 0.0) < STRONG_CUE:
        return []
    options = _reusable(near_transcripts(brief), Move.ACKNOWLEDGE)
    general = load_toml("phrases.zh")["acknowledge"].get(brief.situation, [])
    text = phrasing.pick([*(say for say, _ in options), *general], "acknowledge")
    ids = tuple(passage.passage_id for say, passage in options if say == text)[:1]
    return [Sentence(Move.ACKNOWLEDGE, text, ids)] if text else []


def _wants_acknowledging(brief: Brief, entry: KnownQuestion) -> bool:
    """Not when the answer begins by hearing the customer out, or is about something else than the feeling."""
    if brief.tone is Tone.POLITE:
        return True
    openings = tuple(load_toml("phrases.zh")["acknowledging"]["openings"])
    return entry.situation == brief.situation and not entry.answer.startswith(openings)


def _reusable(turns: Sequence[tuple[Transcript, Passage]], *moves: Move) -> list[tuple[str, Passage]]:
    return [(say, passage) for transcript, passage in turns for move in moves for say in transcript.reusable(move)]


def _from_known_question(
    brief: Brief,
    entry: KnownQuestion,
    passage: Passage,
    turns: Sequence[tuple[Transcript, Passage]],
    phrasing: Phrasing,
) -> dict[str, list[Sentence]]:
    ids = (passage.passage_id,)
    closings = [text for text in (entry.ask, entry.next_step) if text]
    closing = phrasing.pick(closings, "close") or phrasing.phrase("next_step", "generic")
    caution = [Sentence(Move.CAUTION, entry.caution, ids)] if entry.caution else []
    moves = {
        "acknowledge": _acknowledge(brief, phrasing) if _wants_acknowledging(brief, entry) else [],
        "answer": [Sentence(Move.ANSWER, entry.answer, ids)],
        "reason": [Sentence(Move.REASON, entry.reason, ids)] if entry.reason else [],
        "caution": caution,
        "close": [Sentence(Move.NEXT_STEP, closing, ids)],
    }
    if brief.length is Length.MEDIUM and not entry.reason:
        moves["reason"] = caution
    if brief.length is Length.LONG:
        moves["evidence"] = [
            Sentence(Move.EVIDENCE, say, (found.passage_id,)) for say, found in _reusable(turns, Move.REASON)[:1]
        ]
    return moves


def _from_transcripts(
    brief: Brief, turns: Sequence[tuple[Transcript, Passage]], phrasing: Phrasing
) -> dict[str, list[Sentence]]:
    situation = brief.situation or ""

    def one(slot: str, *moves: Move) -> list[Sentence]:
        options = _reusable(turns, *moves)
        text = phrasing.pick([say for say, _ in options], slot)
        ids = tuple(passage.passage_id for say, passage in options if say == text)[:1]
        return [Sentence(moves[0], text, ids)] if text else []

    fallback = phrasing.phrase("fallback_answer", situation, writer=brief.writer.name or "客户经理")
    answer = one("answer", Move.ANSWER) or ([Sentence(Move.ANSWER, fallback)] if fallback else [])
    reason = one("reason", Move.REASON)
    closing = one("close", Move.ASK, Move.NEXT_STEP)
    if not closing and situations()[situation].selling:
        closing = [Sentence(Move.NEXT_STEP, phrasing.phrase("next_step", "generic"))]
    if not answer and not reason:
        return {}
    return {
        "acknowledge": _acknowledge(brief, phrasing),
        "answer": answer or reason,
        "reason": reason if answer else [],
        "close": closing,
    }


def _laid_out(moves: dict[str, list[Sentence]], brief: Brief, *, keep_answer: bool = False) -> list[Sentence]:
    """The moves of this length in order, without repeating a thought, inside the length's measure."""
    wanted = MOVES[brief.length]
    if brief.tone is Tone.POLITE and "acknowledge" not in wanted:
        wanted = ("acknowledge", *wanted)
    laid = list(_without_repeats(sentence for move in wanted for sentence in moves.get(move, [])))
    mandatory = {GREETING, Move.ANSWER, Move.NEXT_STEP} | ({Move.CAUTION} if keep_answer else set())
    while len(laid) > 1 and sum(len(s.text) for s in laid) > CHARACTERS[brief.length]:
        droppable = [s for s in laid if s.move not in mandatory]
        if not droppable:
            break
        laid.remove(droppable[-1])
    return laid


def _without_repeats(sentences: Iterable[Sentence]) -> Iterable[Sentence]:
    seen: list[str] = []
    for sentence in sentences:
        if sentence.text and not any(likeness(sentence.text, text) > SAME_SENTENCE for text in seen):
            seen.append(sentence.text)
            yield sentence


def _friend_request(brief: Brief, phrasing: Phrasing) -> list[Sentence]:
    text = phrasing.phrase("friend_request", writer=brief.writer.name or "客户经理", branch=brief.writer.branch or "")
    return [Sentence(Move.ANSWER, text)]
