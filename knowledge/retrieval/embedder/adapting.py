"""Adapt the embedder to what a bank knows: its titles, its texts and its known questions.

A title and the text under it, a known question and its passage, two known questions of one passage: each pair should
be near. A tenth of the passages is kept aside; the adapted vectors are taken only when they find those better.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from knowledge.documents import Passage
from knowledge.retrieval.embedder.contrastive import Pair, Recipe, teach
from knowledge.retrieval.embedder.static_model import Matrix, StaticModel, normalised
from knowledge.retrieval.text import fold

RECIPE = Recipe(rounds=5, rate=3e-3, sharpness=0.07)
FEWEST = 50  # passages; with fewer there is nothing to learn
MOST = 20_000  # passages looked at, spread evenly
MOST_PAIRS = 10_000  # in one round
_ASIDE = 10
_SENTENCES = 4
_SENTENCE = re.compile(r"[^。！？；\n!?;]{5,}")


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What became of it. `before` and `after`: share of the passages kept aside that are found first (0 to 1)."""

    model: StaticModel
    taken: bool
    before: float
    after: float
    pairs: int
    aside: int


@dataclass(frozen=True, slots=True)
class _Known:
    """The tokens of one passage: its title, its text, first sentences, known questions."""

    name: str
    title: list[int]
    text: list[int]
    sentences: tuple[list[int], ...]
    asked: tuple[list[int], ...]

    def pairs(self, chance: random.Random) -> list[Pair]:
        found = [Pair(self.title, self.text, self.name)]
        found += [Pair(sentence, self.title, self.name) for sentence in self.sentences]
        for question in self.asked:
            found.append(Pair(question, self.text, self.name))
            other = self.asked[chance.randrange(len(self.asked))] if chance.random() < 0.5 else self.title
            found.append(Pair(question, other, self.name))
        return found


def adapt(model: StaticModel, passages: Sequence[Passage], *, recipe: Recipe = RECIPE) -> Adaptation:
    """Learn from passages; the same passages give the same vectors. The model itself is not changed."""
    known = [one for one in _read(model, passages) if one.title and one.text]
    if len(known) < FEWEST:
        return Adaptation(model, False, 0.0, 0.0, 0, 0)
    aside = [one for one in known if _is_aside(one.name)]
    seen = [one for one in known if not _is_aside(one.name)]
    before = _found_first(model.matrix, aside, known)
    trial = teach(model.matrix, lambda chance: _drawn(seen, chance), recipe)
    after = _found_first(trial, aside, known)
    pairs = sum(len(one.pairs(random.Random(0))) for one in known)
    if after <= before:
        return Adaptation(model, False, before, after, pairs, len(aside))
    table = teach(model.matrix, lambda chance: _drawn(known, chance), recipe)
    return Adaptation(StaticModel(model.tokenizer, table), True, before, after, pairs, len(aside))


def _drawn(known: Sequence[_Known], chance: random.Random) -> list[Pair]:
    pairs = [pair for one in known for pair in one.pairs(chance)]
    return pairs if len(pairs) <= MOST_PAIRS else chance.sample(pairs, MOST_PAIRS)


def _read(model: StaticModel, passages: Sequence[Passage]) -> list[_Known]:
    chosen = sorted(passages, key=lambda passage: passage.passage_id)
    chosen = chosen[:: max(1, -(-len(chosen) // MOST))]
    texts: list[str] = []
    for passage in chosen:
        sentences = _SENTENCE.findall(passage.text)[:_SENTENCES]
        texts += [passage.title, passage.text, *sentences, *passage.known_questions]
    tokens = iter(model.token_ids([fold(text) for text in texts]))
    found = []
    for passage in chosen:
        title, text = next(tokens), next(tokens)
        parts = tuple(next(tokens) for _ in _SENTENCE.findall(passage.text)[:_SENTENCES])
        asked = tuple(next(tokens) for _ in passage.known_questions)
        found.append(_Known(passage.passage_id, title, text, parts, asked))
    return found


def _is_aside(name: str) -> bool:
    return blake2b(name.encode(), digest_size=2).digest()[0] % _ASIDE == 0


def _found_first(matrix: Matrix, aside: Sequence[_Known], known: Sequence[_Known]) -> float:
    """How many of the texts kept aside are nearest to their own title among all titles; questions likewise."""
    if not aside:
        return 0.0
    place = {one.name: row for row, one in enumerate(known)}
    titles = _sums(matrix, [one.title for one in known])
    asked = [(tokens, one.name) for one in aside for tokens in (one.text, *one.asked) if tokens]
    nearest = (_sums(matrix, [tokens for tokens, _ in asked]) @ titles.T).argmax(axis=1)
    return float(np.mean([nearest[row] == place[name] for row, (_, name) in enumerate(asked)]))


def _sums(matrix: Matrix, texts: Sequence[Sequence[int]]) -> Matrix:
    rows = [matrix[list(tokens)].sum(axis=0, dtype=np.float32) for tokens in texts]
    return normalised(np.stack(rows))
