"""How characters sound: slips between words that sound alike (利西) and pinyin (lixi, jcj) put right.

Readings are toneless, one a character and two for those that people read both ways (行, 长), the commoner first;
data/pinyin.txt was made once from pypinyin's table (MIT) for the characters of GB 2312. zh and z, ch and c, sh and s,
-ng and -n count as one, as people hear them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import rjieba

from knowledge.retrieval.text import fold

_TABLE = Path(__file__).with_name("data") / "pinyin.txt"
_TOKEN = re.compile(r"[a-z]+|\s+|.", re.DOTALL)
_UNIT = re.compile(r"(\d)\s*(tian|nian|ge\s*yue|yue|qi)(?![a-z])")
_UNITS = {"tian": "天", "nian": "年", "geyue": "个月", "yue": "月", "qi": "期"}
_LONGEST_RUN = 40
_LONG = 4  # characters: a word of so many is meant also when the one wrong character makes another word (连接)
_SHORTEST_SPELLING = 4  # letters: shorter ones are as well English or an abbreviation


@dataclass(frozen=True, slots=True)
class _Heard:
    """One character or syllable of a text, with where it stands and how it may sound."""

    start: int
    end: int
    text: str
    sounds: frozenset[str]
    latin: bool


@dataclass(frozen=True, slots=True)
class _Loose:
    """Where the characters stand that are in no dictionary word of two or more, and where words begin and end."""

    characters: frozenset[int]
    borders: frozenset[int]


@cache
def _readings() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        syllable, characters = line.split()
        for character in characters:
            found[character] = (*found.get(character, ()), syllable)
    return found


@cache
def _syllables() -> frozenset[str]:
    return frozenset(syllable for syllables in _readings().values() for syllable in syllables)


@cache
def sounds(character: str) -> frozenset[str]:
    """How a character may sound, as heard; a letter, a figure or an unknown character sounds like itself."""
    return frozenset(map(_as_heard, _readings().get(character, (character,))))


def _as_heard(syllable: str) -> str:
    return re.sub(r"ng$", "n", re.sub(r"^([zcs])h", r"\1", syllable)) if len(syllable) > 1 else syllable


def initials(word: str) -> str:
    """First letters of the commonest reading of each character, letters and figures as they are: 稳盈90 is wy90."""
    readings = _readings()
    return "".join(readings[c][0][0] if c in readings else c for c in word)


def spelled(run: str) -> tuple[str, ...]:
    """A run of letters cut into syllables, the longest first; empty when it is not pinyin throughout."""
    if len(run) > _LONGEST_RUN:
        return ()
    ways: list[tuple[str, ...] | None] = [()] + [None] * len(run)
    for end in range(1, len(run) + 1):
        for start in range(max(0, end - 6), end):
            before = ways[start]
            if before is not None and run[start:end] in _syllables():
                way = (*before, run[start:end])
                if ways[end] is None or len(way) <= len(ways[end] or ()):
                    ways[end] = way
    return ways[-1] or ()


class Spelling:
    """Known words, found in a text by their sound."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_first: dict[str, list[str]] = {}
        for word in dict.fromkeys(words):
            for sound in sounds(word[0]):
                self._by_first.setdefault(sound, []).append(word)
        for found in self._by_first.values():
            found.sort(key=len, reverse=True)

    def corrected(self, text: str) -> str:
        """`text`, folded, with known words in place of what sounds like them and is no word itself.

        A stretch in characters has to share one with the word, and what differs has to be left over when the text is
        cut into dictionary words; a stretch in letters has to be spelled in full.
        """
        folded = _UNIT.sub(lambda m: m[1] + _UNITS[re.sub(r"\s", "", m[2])], fold(text))
        heard = _heard(folded)
        loose = _loose(folded)
        pieces, done, at = [], 0, 0
        while at < len(heard):
            word = self._word_at(heard, at, loose)
            if word is None:
                at += 1
                continue
            span = heard[at : at + len(word)]
            pieces += [folded[done : span[0].start], word]
            done, at = span[-1].end, at + len(word)
        return "".join((*pieces, folded[done:]))

    def _word_at(self, heard: list[_Heard], at: int, loose: _Loose) -> str | None:
        best: tuple[int, int, str] | None = None
        for word in {word for sound in heard[at].sounds for word in self._by_first.get(sound, ())}:
            span = heard[at : at + len(word)]
            if len(span) < len(word) or not all(h.sounds & sounds(c) for h, c in zip(span, word, strict=True)):
                continue
            exact = sum(h.text == c for h, c in zip(span, word, strict=True))
            if (exact == len(word) or _may_be_meant(span, word, loose)) and not _cut_figure(heard, at, at + len(word)):
                best = max(best or (0, 0, ""), (len(word), exact, word))
        return best[2] if best else None


def _may_be_meant(span: list[_Heard], word: str, loose: _Loose) -> bool:
    if any(h.latin and len(h.text) > 1 for h in span):
        return sum(len(h.text) for h in span) >= _SHORTEST_SPELLING
    wrong = [h.start for h, c in zip(span, word, strict=True) if h.text != c]
    whole = span[0].start in loose.borders and span[-1].end in loose.borders
    long_but_one = len(word) >= _LONG and len(wrong) == 1
    return whole and len(wrong) < len(word) and (long_but_one or loose.characters.issuperset(wrong))


def _cut_figure(heard: list[_Heard], start: int, end: int) -> bool:
    def joined(first: int, second: int) -> bool:
        return first >= 0 and second < len(heard) and heard[first].text.isdigit() and heard[second].text.isdigit()

    return joined(start - 1, start) or joined(end - 1, end)


def _heard(folded: str) -> list[_Heard]:
    found = []
    for match in _TOKEN.finditer(folded):
        text = match.group()
        if text.isspace():
            continue
        start, syllables = match.start(), spelled(text) if text.isascii() and text.isalpha() else ()
        for syllable in syllables:
            found.append(_Heard(start, start + len(syllable), syllable, frozenset({_as_heard(syllable)}), True))
            start += len(syllable)
        if not syllables:
            found.append(_Heard(start, match.end(), text, sounds(text), False))
    return found


def _loose(folded: str) -> _Loose:
    characters: set[int] = set()
    borders, at = {0}, 0
    for word in rjieba.cut(folded, False):
        inside = range(at, at + len(word))
        at += len(word)
        if len(word) == 1 or not rjieba.has_word(word):
            characters.update(inside)
            borders.update(inside)
        borders.add(at)
    return _Loose(frozenset(characters), frozenset(borders))
