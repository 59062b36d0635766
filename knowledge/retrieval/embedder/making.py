"""Make the embedder that is shipped: `python -m knowledge.retrieval.embedder.making --out FOLDER [--texts FILE...]`.

Taught on what stands in `material/` (groups of sentences that mean the same, written for this) and on the known
questions of the sample bank. `--texts` are further texts from which only words are counted: regulations, JSON lines
with a `text`. The same inputs and seed give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from string import Template

from knowledge.content import KnownQuestion
from knowledge.retrieval.embedder.contrastive import Pair, Recipe, teach
from knowledge.retrieval.embedder.static_model import StaticModel
from knowledge.retrieval.embedder.vocabulary import (
    Vocabulary,
    counted,
    first_vectors,
    rarity_in,
    tokenizer_of,
    vocabulary,
)
from knowledge.retrieval.text import fold

MATERIAL = Path(__file__).with_name("material")
RECIPE = Recipe(rounds=12, rate=1e-2, sharpness=0.1)
SIZE, DIMENSION = 20_000, 256
_NEIGHBOURS = 16  # groups of one topic that are told apart in one batch
Groups = Sequence[Sequence[str]]


def written_groups(folder: Path = MATERIAL) -> list[list[str]]:
    """Groups of sentences that mean the same, in the order in which they were written: neighbours are alike."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
            lines = [line.strip() for line in paragraph.splitlines() if line.strip() and not line.startswith("#")]
            if len(lines) > 1:
                found.append(lines)
    return found


def sample_groups() -> tuple[list[list[str]], list[str]]:
    """Known questions of the sample bank with their answers."""
    from knowledge.ingestion.yaml_files import load_yaml
    from knowledge.sample_bank import SAMPLES

    groups, answers = [], []
    for path in sorted((SAMPLES / "faq").glob("*.yaml")):
        for entry in load_yaml(path.read_text(encoding="utf-8")):
            known = KnownQuestion.model_validate(entry)
            groups.append([known.question, *known.known_questions])
            answers.append(" ".join(filter(None, (known.answer, known.reason))))
    return groups, answers


def make(
    general: Counter[str],
    *,
    size: int = SIZE,
    dimension: int = DIMENSION,
    recipe: Recipe = RECIPE,
    on_round: Callable[[int, float], None] = lambda number, loss: None,
) -> tuple[StaticModel, Vocabulary]:
    """The taught model and its words. `general`: words counted elsewhere."""
    samples, answers = sample_groups()
    groups = [*samples, *written_groups()]
    own = counted([*(line for group in groups for line in group), *answers])
    words = vocabulary(general, own, size=size)
    tokenizer = tokenizer_of(words)
    folded = [[fold(line) for line in group] for group in groups]
    rarity = rarity_in(tokenizer, [line for group in folded for line in group])
    model = StaticModel(tokenizer, first_vectors(words, rarity, dimension=dimension, seed=recipe.seed))
    tokens = [model.token_ids(group) for group in folded]
    told = model.token_ids([fold(answer) for answer in answers])
    rounds = _Rounds(tokens, told)
    return StaticModel(tokenizer, teach(model.matrix, rounds.draw, recipe, on_round=on_round, shuffled=True)), words


class _Rounds:
    """Pairs of one round: by turns all mixed up, and with groups of one topic side by side."""

    def __init__(self, groups: Sequence[Sequence[list[int]]], answers: Sequence[list[int]]) -> None:
        self._groups, self._answers, self._number = groups, answers, 0

    def draw(self, chance: random.Random) -> list[Pair]:
        self._number += 1
        if self._number % 2 == 0:
            return [pair for block in self._blocks(chance) for pair in self._mixed(block, chance)]
        return self._mixed(range(len(self._groups)), chance)

    def _blocks(self, chance: random.Random) -> list[range]:
        start = chance.randrange(_NEIGHBOURS)
        edges = [0, *range(start or _NEIGHBOURS, len(self._groups), _NEIGHBOURS), len(self._groups)]
        blocks = [range(first, last) for first, last in pairwise(edges)]
        chance.shuffle(blocks)
        return blocks

    def _mixed(self, numbers: Iterable[int], chance: random.Random) -> list[Pair]:
        found = []
        for number in numbers:
            group, name = self._groups[number], str(number)
            for place, line in enumerate(group):
                other = chance.randrange(len(group) - 1)
                found.append(Pair(line, group[other + (other >= place)], name))
            if number < len(self._answers):
                found.append(Pair(group[chance.randrange(len(group))], self._answers[number], name))
        chance.shuffle(found)
        return found


def texts_of(paths: Iterable[Path]) -> Iterator[str]:
    """Lines of text files; `text` of JSON lines."""
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield str(json.loads(line).get("text", "")) if path.suffix == ".jsonl" else line


def main() -> None:
    """Make the model and say how long it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("model"))
    parser.add_argument("--texts", nargs="*", type=Path, default=[])
    args = parser.parse_args()
    started = time.perf_counter()
    general = counted(texts_of(args.texts))
    model, words = make(general, on_round=lambda number, loss: _tell(f"round {number}: loss {loss:.3f}"))
    groups = written_groups()
    card = Template(Path(__file__).with_name("card.md").read_text(encoding="utf-8")).substitute(
        words=len(words.counts),
        dimension=model.dimension,
        groups=len(groups),
        lines=sum(map(len, groups)),
        counted=", ".join(path.name for path in args.texts) or "none",
        fingerprint=model.fingerprint,
    )
    model.save(args.out, card)
    _tell(f"{model.matrix.shape[0]} words, {model.fingerprint}, {time.perf_counter() - started:.0f} s: {args.out}")


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
