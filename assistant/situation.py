"""Settles on one situation: cues in the words, weighed with what their nearest neighbours are about."""

from __future__ import annotations

from assistant.drafting.brief import Materials
from assistant.drafting.choosing import wording_match
from assistant.drafting.likeness import likeness
from assistant.understanding import STRONG_CUE, Understanding, situations

VOTES = 4
VOTE_WEIGHT = 4.0
NEAR_TURN_WEIGHT = 2.0
LEAST = 0.8
NEAR = 0.3
NEAR_A_FEELING = 0.55


def settle_situation(understanding: Understanding, materials: Materials, hint: str | None) -> str | None:
    """The likeliest situation, None when neither words nor neighbours point anywhere.

    Strong cues of refusal, complaint, grief and improper requests are never outvoted by neighbours.
    """
    scores = dict(understanding.situations)
    for code in ("grief", "complaint", "opt_out", "off_limits"):
        if scores.get(code, 0.0) >= STRONG_CUE:
            return code
    for entry, _ in materials.known_questions[:VOTES]:
        near = wording_match(understanding.words, entry)
        if near < _enough(entry.situation, understanding):
            continue
        scores[entry.situation] = scores.get(entry.situation, 0.0) + VOTE_WEIGHT * near**2
    for transcript, _ in materials.transcripts[:VOTES]:
        spoken = [turn.text for turn in transcript.turns if turn.role == "customer"]
        near = max((likeness(understanding.words, text) for text in spoken), default=0.0)
        if near < _enough(transcript.situation, understanding):
            continue
        scores[transcript.situation] = scores.get(transcript.situation, 0.0) + NEAR_TURN_WEIGHT * near**2
    if hint:
        scores[hint] = scores.get(hint, 0.0) + 0.5
    best = max(scores, key=lambda code: scores[code], default=None)
    return best if best is not None and scores[best] >= LEAST else hint


def _enough(situation: str, understanding: Understanding) -> float:
    """How near a neighbour must be to vote; nearer for a feeling that the words themselves do not show."""
    shown = situation in dict(understanding.situations)
    return NEAR if shown or not situations()[situation].acknowledge else NEAR_A_FEELING
