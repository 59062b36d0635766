"""How sure retrieval is that what it found answers the question; below a threshold it abstains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

from knowledge.documents import Passage
from knowledge.retrieval.text import informative_terms, tokens

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
    terms = informative_terms(question)
    weights = {term: _rarity(frequency(term), total) for term in terms}
    whole = sum(weights.values())
    if not whole or not passages:
        return 0.0
    return max(sum(weights[term] for term in terms & _said(passage)) / whole for passage in passages[:_READ])


def _rarity(frequency: int, total: int) -> float:
    return log(1 + (total - frequency + 0.5) / (frequency + 0.5)) if total > frequency else 0.1


def _said(passage: Passage) -> set[str]:
    return set(tokens(" ".join((passage.title, *passage.known_questions, passage.text[:_ENOUGH]))))
