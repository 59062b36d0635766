"""Domain words: what else people call a thing, and typing slips put right, before a question is searched for.

Both are data that curators can edit: data/synonyms.toml and data/terms.txt.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path

from knowledge.retrieval.pinyin import Spelling
from knowledge.retrieval.text import fold, grammar_characters, is_chinese, question_terms, tokens

_DATA = Path(__file__).with_name("data")
_AS_WRITTEN = 0.8  # what the word of leaflets and rules weighs when the question says it otherwise
_AS_SAID = 0.3  # what the ways of saying it weigh
_CORRECTED = 0.7  # what a word put right weighs
_REMEMBERED = 256


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    """Every word with the words of its groups, the written one first."""
    with (_DATA / "synonyms.toml").open("rb") as file:
        sections = tomllib.load(file)
    found: dict[str, tuple[str, ...]] = {}
    for section in sections.values():
        for written, said in section.items():
            group = tuple(dict.fromkeys(map(fold, (written, *said))))
            for word in group:
                found[word] = (*found.get(word, ()), *group)
    return found


@cache
def _written() -> frozenset[str]:
    with (_DATA / "synonyms.toml").open("rb") as file:
        return frozenset(fold(written) for section in tomllib.load(file).values() for written in section)


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(_groups(), key=len, reverse=True))))


@cache
def _spelling() -> Spelling:
    terms = (_DATA / "terms.txt").read_text(encoding="utf-8").split()
    known = [word for word in (*terms, *_groups()) if 2 <= len(word) <= 6 and is_chinese(word)]
    return Spelling(word for word in known if not grammar_characters() & set(word) or word in terms)


@lru_cache(maxsize=_REMEMBERED)
def corrected(question: str) -> str:
    """The question, folded, with banking words in place of pinyin and of slips that sound like them."""
    return _spelling().corrected(question)


def other_words(text: str) -> dict[str, float]:
    """What else the things named in `text` are called, and what each weighs beside a word that stands there."""
    folded = fold(text)
    found: dict[str, float] = {}
    for match in _pattern().finditer(folded):
        for word in _groups()[match.group()]:
            if word not in folded:
                weight = _AS_WRITTEN if word in _written() else _AS_SAID
                found[word] = max(weight, found.get(word, 0.0))
    return found


def words_with_others(folded: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every word of the lists that stands in a folded text, with all words for the same."""
    return [(match.group(), _groups()[match.group()]) for match in _pattern().finditer(folded)]


def searched_terms(question: str, *, at_most: int) -> dict[str, float]:
    """Terms to search for with their weight: the question's own, and for less what else its things are called."""
    weights = question_terms(question, at_most=at_most)
    right = corrected(question)
    if right != fold(question):
        for term, weight in question_terms(right, at_most=max(0, at_most - len(weights))).items():
            weights.setdefault(term, weight * _CORRECTED)
    extra: dict[str, float] = {}
    for word, weight in other_words(right).items():
        for term in tokens(word):
            if len(term) > 1 and term not in weights:
                extra[term] = max(extra.get(term, 0.0), weight)
    heaviest = sorted(extra, key=lambda term: -extra[term])[: max(0, at_most - len(weights))]
    return weights | {term: extra[term] for term in heaviest}
