"""How sure retrieval is that what it found answers the question; below a threshold it abstains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import log

from knowledge.documents import Passage
from knowledge.retrieval.synonyms import corrected, words_with_others
from knowledge.retrieval.text import fold, folded_tokens, informative_terms, is_chinese

_READ = 3  # passages looked at
_ENOUGH = 6000  # characters of a passage looked at
# Of questions of bank customers on a bank's FAQ 4 in 100 fall below it, of laypeople's legal questions 95 in 100.
THRESHOLD = 0.25


def coverage(question: str, passages: Sequence[Passage], frequency: Callable[[str], int], total: int) -> float:
    """Share of what the question is about that the best of the first passages says, 0 to 1.

    Terms weigh by rarity; one that stands nowhere in the knowledge weighs most, for nothing can answer it.
    Args:
        frequency: in how many of all `total` entries a term stands.
    """
    right = corrected(question)
    terms = informative_terms(right)
    weights = {term: _rarity(frequency(term), total) for term in terms}
    whole = sum(weights.values())
    if not whole or not passages:
        return 0.0
    alike = _other_wordings(right, terms)
    return max(sum(weights[term] for term in _said(passage, terms, alike)) / whole for passage in passages[:_READ])


def _other_wordings(question: str, terms: set[str]) -> list[tuple[frozenset[str], tuple[str, ...]]]:
    """Terms of the question that belong to one word, with the other words for the same."""
    return [(frozenset(term for term in terms if term in word), group) for word, group in words_with_others(question)]


def _rarity(frequency: int, total: int) -> float:
    return log(1 + (total - frequency + 0.5) / (frequency + 0.5)) if total > frequency else 0.1


def _said(passage: Passage, terms: set[str], alike: Sequence[tuple[frozenset[str], tuple[str, ...]]]) -> set[str]:
    """Which of these terms stand in the passage, or are part of a word that it says otherwise."""
    folded = _folded(passage.title, passage.known_questions, passage.text[:_ENOUGH])
    said = {term for term in terms if is_chinese(term) and term in folded}
    for parts, group in alike:
        if any(word in folded for word in group):
            said |= parts
    others = {term for term in terms if not is_chinese(term)}  # 90 does not stand in 1900: these have to be cut out
    return said | (others & set(folded_tokens(folded))) if others else said


@lru_cache(maxsize=1024)
def _folded(title: str, known_questions: tuple[str, ...], text: str) -> str:
    return fold(" ".join((title, *known_questions, text)))
