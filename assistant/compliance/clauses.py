"""Sentences and clauses of a normalised text, and whether a passage in them is really claimed.

A trigger word that is negated, refused, warned against, quoted to be rejected, or told as history claims nothing.
The words that show this are data: rules/polarity.yaml.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

SENTENCE_END = re.compile(r"(?:[。!?;…\n]|\.{3,}|(?<!\d)\.(?!\d))+[”」』\"’)]*")
CLAUSE_END = re.compile(r"[,:—]+(?!\d{3})|,(?=\d{3}(?!\d{0,2}元))")
LONGEST_SENTENCE = 240
QUOTES = re.compile(r"[“「『\"‘《][^”」』\"’》\n]{1,60}[”」』\"’》]")


class Polarity(StrEnum):
    """How a passage is meant."""

    CLAIMED = "claimed"
    NEGATED = "negated"
    REJECTED = "rejected"
    WARNED = "warned"
    ASKED = "asked"
    PAST = "past"


class PolarityWords(BaseModel):
    """The file rules/polarity.yaml: regular expressions over normalised text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    negation: tuple[str, ...]
    no_negation: tuple[str, ...]
    double_negation: tuple[str, ...]
    rejection_after: tuple[str, ...]
    mention: tuple[str, ...]
    rejection: tuple[str, ...]
    warning: tuple[str, ...]
    claim_again: tuple[str, ...]
    asked: tuple[str, ...]
    wanted: tuple[str, ...]
    past: tuple[str, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]` of the normalised copy."""

    start: int
    end: int


def sentences(text: str) -> list[Piece]:
    """Split at sentence ends; the end mark belongs to its sentence. A sentence without end is cut at a clause."""
    pieces: list[Piece] = []
    for piece in _split(text, SENTENCE_END, 0, len(text)):
        pieces.extend(_cut(text, piece))
    return pieces


def clauses(text: str, sentence: Piece) -> list[Piece]:
    """Split a sentence at commas and colons (not at 、, which joins a list)."""
    return _split(text, CLAUSE_END, sentence.start, sentence.end)


def _cut(text: str, piece: Piece) -> list[Piece]:
    pieces = []
    start = piece.start
    while piece.end - start > LONGEST_SENTENCE:
        comma = text.rfind(",", start, start + LONGEST_SENTENCE)
        end = comma + 1 if comma > start else start + LONGEST_SENTENCE
        pieces.append(Piece(start, end))
        start = end
    return [*pieces, Piece(start, piece.end)]


def _split(text: str, mark: re.Pattern[str], start: int, end: int) -> list[Piece]:
    pieces = []
    at = start
    for found in mark.finditer(text, start, end):
        pieces.append(Piece(at, found.end()))
        at = found.end()
    if at < end:
        pieces.append(Piece(at, end))
    return pieces


def piece_at(pieces: list[Piece], position: int) -> int:
    """Index of the piece that holds `position`; the last one for a position behind the end."""
    return min(bisect_right(pieces, position, key=lambda piece: piece.end), len(pieces) - 1)


@dataclass(frozen=True)
class Layout:
    """A normalised text with its sentences, cut once and looked up often."""

    text: str
    sentences: list[Piece]
    _clauses: dict[int, list[Piece]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Layout:
        """Cut `text` into sentences."""
        return cls(text, sentences(text) or [Piece(0, 0)])

    def sentence_at(self, position: int) -> Piece:
        """The sentence that holds `position`."""
        return self.sentences[piece_at(self.sentences, position)]

    def after(self, position: int) -> str:
        """The words of the sentence after the one that holds `position`, or ""."""
        number = piece_at(self.sentences, position) + 1
        return self.words(self.sentences[number]) if number < len(self.sentences) else ""

    def clause_at(self, position: int) -> Piece:
        """The clause that holds `position`."""
        sentence = self.sentence_at(position)
        parts = self._clauses.get(sentence.start)
        if parts is None:
            parts = self._clauses[sentence.start] = clauses(self.text, sentence)
        return parts[piece_at(parts, position)] if parts else Piece(0, 0)

    def words(self, piece: Piece) -> str:
        """What stands in a piece."""
        return self.text[piece.start : piece.end]


class PolarityReader:
    """Tells how a passage is meant; compile once."""

    def __init__(self, words: PolarityWords) -> None:
        self._words = {name: _alternation(patterns) for name, patterns in words.model_dump().items()}
        self._negated = re.compile(f"(?:{self._words['negation'].pattern})[^,;:。!?\n]{{0,14}}$")

    @classmethod
    def load(cls, path: Path) -> PolarityReader:
        """Read rules/polarity.yaml."""
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(PolarityWords.model_validate(content))

    def polarity(self, layout: Layout, start: int, end: int) -> Polarity:
        """How `layout.text[start:end]` is meant in its sentence."""
        text = layout.text
        sentence, clause = layout.sentence_at(start), layout.clause_at(start)
        before = self._words["no_negation"].sub(lambda m: "　" * len(m[0]), text[clause.start : start])
        after = text[end : layout.clause_at(max(start, end - 1)).end]
        if self._negated.search(before) and not self._words["double_negation"].search(before):
            return Polarity.NEGATED
        if self._words["rejection_after"].match(after):
            return Polarity.REJECTED
        if self._words["claim_again"].search(text[sentence.start : start]):
            return Polarity.CLAIMED
        return self._in_context(layout, sentence, start, end)

    def _in_context(self, layout: Layout, sentence: Piece, start: int, end: int) -> Polarity:
        """What the sentence and the next one make of a passage that its own clause neither denies nor rejects."""
        text, following = layout.text, layout.after(start)
        clause = layout.clause_at(start)
        whole = text[sentence.start : sentence.end]
        if self._words["warning"].search(whole) or self._words["warning"].search(following[:30]):
            return Polarity.WARNED
        if self._mentioned(text, sentence, start, end) and self._words["rejection"].search(
            text[sentence.start : start] + "　" + text[end : sentence.end] + following
        ):
            return Polarity.REJECTED
        asked = text[clause.start : start]
        if self._words["asked"].search(text[sentence.start : start][-24:]) and not self._words["wanted"].search(asked):
            return Polarity.ASKED
        if self._words["past"].search(text[sentence.start : start]) and self._words["ended"].search(whole):
            return Polarity.PAST
        return Polarity.CLAIMED

    def _mentioned(self, text: str, sentence: Piece, start: int, end: int) -> bool:
        """Whether the words are spoken about rather than used: inside quotation marks, or after a mark of mention."""
        quoted = any(m.start() < start and end < m.end() for m in QUOTES.finditer(text, sentence.start, sentence.end))
        return quoted or self._words["mention"].search(text[sentence.start : sentence.end]) is not None


def _alternation(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns) or r"(?!)")
