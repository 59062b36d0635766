"""Folding and cutting of Chinese text: the one way for index and question alike.

Chinese has no spaces, and word segmenters cut the same phrase differently in a question and in a leaflet. So the
terms are single characters and pairs of neighbouring characters; letters and figures stay whole, with their unit.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002fa1f"
_CJK_RUN = re.compile(f"[{_CJK}]+")
# A figure or a code, whole: 1.45%, 2026-03-01, wm-0203; then the unit or class letter that makes it 90天 or a类.
_WORD = re.compile(rf"(?P<word>[a-z0-9]+(?:[.\-_/:][a-z0-9]+)*%?)(?P<unit>个?[{_CJK}])?")
_PARTS = re.compile(r"[a-z]+|\d+(?:\.\d+)?%?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_LONGEST_WORD = 48


def _words_of(name: str) -> list[str]:
    return Path(__file__).with_name(name).read_text(encoding="utf-8").split()


@cache
def _folding_table() -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in _words_of("traditional.txt")}


def encodable(text: str) -> str:
    """The text as UTF-8 can hold it: halves of characters, as damaged files and phones send them, are replaced."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def fold(text: str) -> str:
    """One form for full-width, traditional, upper-case and look-alike (radical) writing; to search, never to quote."""
    table = _folding_table()
    return unicodedata.normalize("NFKC", text.translate(table)).lower().translate(table)


def is_chinese(term: str) -> bool:
    """Whether a term is made of Chinese characters only; such a term stands in a folded text as it is."""
    return _CJK_RUN.fullmatch(term) is not None


def tokens(text: str) -> list[str]:
    """Terms of `text`, repeated as often as they occur: 单字, 双字, and whole figures, codes and words.

    A figure stands alone and with its unit (`90`, `90天`), a code whole and in parts (`wm-0203`, `wm`, `0203`).
    No term contains white space.
    """
    return folded_tokens(fold(text))


def folded_tokens(folded: str) -> list[str]:
    """As `tokens`, for text that went through `fold` already."""
    found: list[str] = []
    for match in _CJK_RUN.finditer(folded):
        run = match.group()
        found.extend(run)
        found.extend(map(str.__add__, run, run[1:]))
    if folded.isascii() or not _is_pure_cjk(folded):
        for match in _WORD.finditer(_THOUSANDS.sub("", folded)):
            found.extend(_word_terms(match["word"], match["unit"]))
    return found


def _is_pure_cjk(folded: str) -> bool:
    return _PARTS.search(folded) is None


def _word_terms(word: str, unit: str | None) -> list[str]:
    if len(word) > _LONGEST_WORD:
        return [word[:_LONGEST_WORD]]
    terms = [word]
    parts = _PARTS.findall(word)
    if len(parts) > 1:
        terms.extend(parts)
    if unit:
        terms.append(word + unit)
    return terms


_GRAMMAR_WEIGHT = 0.3


@cache
def grammar_characters() -> frozenset[str]:
    """Characters of grammar rather than subject."""
    return frozenset("".join(_words_of("grammar_characters.txt")))


def question_terms(text: str, *, at_most: int) -> dict[str, float]:
    """Terms to search for with their weight: how often each occurs, less for one made of grammar only.

    Args:
        at_most: longer texts keep this many terms, figures and words of subject first.
    """
    grammar = grammar_characters()
    weights = {
        term: count * (_GRAMMAR_WEIGHT if grammar.issuperset(term) else 1.0)
        for term, count in Counter(tokens(text)).items()
    }
    if len(weights) <= at_most:
        return weights
    heaviest = sorted(weights, key=lambda term: (len(term) == 1, grammar.issuperset(term), -weights[term]))
    return {term: weights[term] for term in heaviest[:at_most]}


@cache
def _idle_pattern() -> re.Pattern[str]:
    """Words that carry no subject: a question made only of these says nothing that could be looked up."""
    words = sorted(_words_of("idle_words.txt"), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)))


def informative_terms(text: str) -> set[str]:
    """Pairs, figures and codes of `text` without idle words; single characters only where nothing else is left."""
    folded = fold(text)
    kept = _idle_pattern().sub(" ", folded)
    terms = {term for term in folded_tokens(kept) if len(term) > 1 or term.isdigit()}
    return terms or set(folded_tokens(kept))
