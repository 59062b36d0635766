"""Trigger words that were hidden: spread out, spelled in letters, by sound, in parts or in pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from assistant.compliance.normalise import Normalised, plain_copy, rewrite

# What may stand inside a spread-out word: never a comma, a full stop, a colon, a line end, a letter or a digit.
SEPARATOR = r"(?:[^\w,、。.!?;:\n()\[\]{}<>《》「」『』“”\"‘’%&@]|[_.](?=\S)|x(?=[\u4e00-\u9fff]))"
LATIN = re.compile(r"[a-z]")
HAN = re.compile(r"[\u4e00-\u9fff]")
ZHUYIN_TABLE = """
bao=ㄅㄠ ben=ㄅㄣ xi=ㄒㄧ wen=ㄨㄣ zhuan=ㄓㄨㄢ ling=ㄌㄧㄥ feng=ㄈㄥ xian=ㄒㄧㄢ
gao=ㄍㄠ shou=ㄕㄡ yi=ㄧ di=ㄉㄧ fan=ㄈㄢ li=ㄌㄧ pei=ㄆㄟ wu=ㄨ
hong=ㄏㄨㄥ dou=ㄉㄡ miao=ㄇㄧㄠ dao=ㄉㄠ zhang=ㄓㄤ tie=ㄊㄧㄝ gang=ㄍㄤ dui=ㄉㄨㄟ
"""
ZHUYIN = dict(pair.split("=") for pair in ZHUYIN_TABLE.split())


class HiddenCharacter(BaseModel):
    """How one character is hidden; `not_after` and `not_before` are neighbours that make it an ordinary word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pinyin: str = ""
    like: str = ""
    split: tuple[str, ...] = ()
    emoji: str = ""
    not_after: str = ""
    not_before: str = ""


class CharacterTables(BaseModel):
    """The file rules/characters.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    traditional: str
    characters: dict[str, HiddenCharacter]
    terms: tuple[str, ...]
    abbreviations: dict[str, str] = {}
    pictures: dict[str, str] = {}

    @cached_property
    def simplification(self) -> dict[str, str]:
        """Traditional to simplified, one character each."""
        return {pair[0]: pair[1] for pair in self.traditional.split() if len(pair) == 2 and pair[0] != pair[1]}


@dataclass(frozen=True)
class Unmasker:
    """Rewrites hidden trigger words in a plain copy; compile once, use often."""

    tables: CharacterTables
    terms: re.Pattern[str]
    names: tuple[str, ...]
    abbreviations: re.Pattern[str]
    pictures: re.Pattern[str]

    @classmethod
    def load(cls, path: Path) -> Unmasker:
        """Read rules/characters.yaml."""
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls.compile(CharacterTables.model_validate(content))

    @classmethod
    def compile(cls, tables: CharacterTables) -> Unmasker:
        """Build the expressions for all terms at once."""
        names = tuple(sorted(tables.terms, key=lambda term: -len(term)))
        parts = [f"(?P<t{i}>{_hidden_term(name, tables)})" for i, name in enumerate(names)]
        firsts = "".join(sorted({c for name in names for c in _first_characters(name[0], tables)}))
        return cls(
            tables,
            re.compile(f"(?=[{re.escape(firsts)}])(?:{'|'.join(parts)})"),
            names,
            _any_of(tables.abbreviations, r"(?<![a-z0-9])(?:{})(?![a-z0-9])"),
            _any_of(tables.pictures, "(?:{})"),
        )

    def copy(self, original: str) -> Normalised:
        """The text as rules read it, with its way back to the original."""
        return self.unmask(self.without_pictures(plain_copy(original, self.tables.simplification)))

    def without_pictures(self, copy: Normalised) -> Normalised:
        """Pictures that stand for a word become the word, after hidden words with pictures inside were put together."""
        joined = self._rewrite_terms(copy)
        return rewrite(
            joined,
            [(m.start(), m.end(), self.tables.pictures[m[0]], "picture") for m in self.pictures.finditer(joined.text)],
        )

    def unmask(self, copy: Normalised) -> Normalised:
        """Hidden terms and abbreviations become plain."""
        copy = self._rewrite_terms(copy)
        return rewrite(
            copy,
            [
                (m.start(), m.end(), self.tables.abbreviations[m[0]], "abbreviation")
                for m in self.abbreviations.finditer(copy.text)
            ],
        )

    def _rewrite_terms(self, copy: Normalised) -> Normalised:
        edits: list[tuple[int, int, str, str]] = []
        at = 0
        while match := self.terms.search(copy.text, at):
            term = self.names[int((match.lastgroup or "t0")[1:])]
            kind = self._kind(copy.text, match.start(), match.end(), term)
            if kind:
                edits.append((match.start(), match.end(), term, kind))
            at = match.end() if kind or match[0] == term else match.start() + 1
        return rewrite(copy, edits) if edits else copy

    def _kind(self, text: str, start: int, end: int, term: str) -> str:
        """Which trick hid the term, or "" when this is an ordinary text."""
        found = text[start:end]
        if found == term:
            return ""
        before, after = text[start - 1 : start], text[end : end + 1]
        first, last = self.tables.characters.get(term[0]), self.tables.characters.get(term[-1])
        if first and before and before in first.not_after:
            return ""
        if last and after and after in last.not_before:
            return ""
        if LATIN.search(found):
            glued = (LATIN.match(found) and LATIN.match(before)) or (LATIN.match(found[-1]) and LATIN.match(after))
            return "" if glued else "pinyin"
        bare = re.sub(r"[\W_x]", "", found)
        if bare == term:
            return "" if self._is_two_words(text, start, end) else "separators"
        return "characters" if len(bare) != len(term) else "homophones"

    @staticmethod
    def _is_two_words(text: str, start: int, end: int) -> bool:
        """One plain space between two halves that both hang on other words is no trick."""
        found = text[start:end]
        if "".join(found.split()) != re.sub(r"\W", "", found):
            return False
        gaps = len(found.split()) - 1
        hangs = bool(HAN.match(text[start - 1 : start])) and bool(HAN.match(text[end : end + 1]))
        return gaps == 1 and hangs


def _any_of(words: dict[str, str], frame: str) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True)) or r"(?!)"
    return re.compile(frame.format(alternatives))


def _first_characters(character: str, tables: CharacterTables) -> set[str]:
    hidden = tables.characters.get(character, HiddenCharacter())
    firsts = {character, *hidden.like, *hidden.emoji, *(part[0] for part in hidden.split), *hidden.pinyin[:1]}
    return firsts | {ZHUYIN[hidden.pinyin][0]} if hidden.pinyin in ZHUYIN else firsts


def _hidden_character(character: str, tables: CharacterTables) -> str:
    hidden = tables.characters.get(character)
    if hidden is None:
        return re.escape(character)
    ways = [f"[{re.escape(character + hidden.like + hidden.emoji)}]"]
    ways += [r"\s?".join(map(re.escape, part)) for part in hidden.split]
    if hidden.pinyin:
        ways.append(hidden.pinyin + "[1-5]?")
    if hidden.pinyin in ZHUYIN:
        ways.append(ZHUYIN[hidden.pinyin] + "[ˇˊˋ˙]?")
    return "(?:" + "|".join(ways) + ")"


def _hidden_term(term: str, tables: CharacterTables) -> str:
    return (SEPARATOR + "{0,3}").join(_hidden_character(character, tables) for character in term)
