"""Which words have a vector, and the tokenizer that finds them in a text.

Words are counted in texts that may be used for this; every frequent character has a vector as well, so a word that
was never seen is read character by character. A text is cut where the product of the words' frequencies is largest.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import rjieba
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from knowledge.retrieval.embedder.static_model import Matrix
from knowledge.retrieval.text import fold

UNKNOWN = "<unk>"
_RUN = re.compile(r"[\u3400-\u9fff]+|[a-z]+|[0-9]")
_PIECES = r"[\u3400-\u9fff]+|[a-z]+|[0-9]"
_LONGEST_WORD = 6
_CHARACTERS = 6_000
_UNSEEN = -30.0


@dataclass(frozen=True)
class Vocabulary:
    """Words with how often they were counted, most frequent characters first."""

    counts: dict[str, float]

    @property
    def words(self) -> list[str]:
        """In the order of the table's rows, after the unknown token."""
        return list(self.counts)


def counted(texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(_words(text))
    return found


def vocabulary(general: Counter[str], own: Counter[str], *, size: int, own_weight: int = 50) -> Vocabulary:
    """The most frequent characters and words of both; a word of `own` counts `own_weight` times."""
    total: Counter[str] = Counter(general)
    for word, count in own.items():
        total[word] += count * own_weight
    characters: Counter[str] = Counter()
    for word, count in total.items():
        for character in word:
            characters[character] += count
    ordered = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    longer = [word for word, _ in ordered if 1 < len(word) <= _LONGEST_WORD]
    single = [c for c, _ in sorted(characters.items(), key=lambda item: (-item[1], item[0]))[:_CHARACTERS]]
    kept = [*single, *longer[: max(0, size - len(single))]]
    return Vocabulary({word: float(total.get(word, 0)) for word in kept})


def tokenizer_of(words: Vocabulary) -> Tokenizer:
    """Cuts a text into these words; width and case of letters are levelled, traditional characters are not."""
    total = sum(words.counts.values())
    scored = [
        (word, math.log((count + (0.5 if len(word) > 1 else 0.1)) / total)) for word, count in words.counts.items()
    ]
    made = Tokenizer(models.Unigram([(UNKNOWN, _UNSEEN), *scored], unk_id=0, byte_fallback=False))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECES), behavior="removed", invert=True)
    return made


def first_vectors(words: Vocabulary, rarity: dict[str, float], *, dimension: int, seed: int) -> Matrix:
    """Vectors before anything is taught: a word is near its characters, and a common word weighs little.

    `rarity` is 0 (everywhere) to 1 (hardly ever); words that are not in it count as rare.
    """
    names = [UNKNOWN, *words.words]
    chance = np.random.RandomState(seed)
    table = chance.normal(0, 1 / math.sqrt(dimension), (len(names), dimension)).astype(np.float32)
    place = {name: row for row, name in enumerate(names) if len(name) == 1}
    for row, name in enumerate(names):
        parts = [place[character] for character in name if character in place] if row and len(name) > 1 else []
        if parts:
            table[row] = 0.6 * table[row] + 0.8 * table[parts].mean(axis=0) * math.sqrt(len(parts))
    weights = np.array([0.3 + 0.7 * rarity.get(name, 1.0) for name in names], dtype=np.float32)
    weights[0] = 0.0
    levelled: Matrix = table * weights[:, None]
    return levelled


def rarity_in(tokenizer: Tokenizer, texts: list[str]) -> dict[str, float]:
    """How rare each token is among texts, 0 to 1, on a logarithmic scale."""
    held: Counter[str] = Counter()
    for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
        held.update(set(encoding.tokens))
    most = 8.0
    return {word: min(most, math.log((len(texts) + 1) / (count + 1))) / most for word, count in held.items()}


def _words(text: str) -> Iterator[str]:
    for found in _RUN.finditer(fold(text)):
        run = found.group()
        if "\u3400" <= run[0] <= "\u9fff":
            yield from rjieba.cut(run)
        else:
            yield run
