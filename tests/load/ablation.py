"""What each part of retrieval gives: every part turned off by itself, the rest as it is.

    python -m tests.load.ablation [--data FOLDER] [--sets cathay own ...] [--asked 300] [--json FILE]

Development questions only. Each part has a process of its own, because some parts have no switch in the product and are
taken out of its modules here. A figure is the difference of nDCG@10 to everything on, over the same questions; it
stands in brackets where the 95 % interval of the paired difference holds 0.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import app
from assistant.settings import Settings
from evals.metrics import ndcg
from evals.retrieval import read_set
from evals.running import run_task
from evals.statistics import paired
from evals.tasking import load_task
from knowledge.documents import WHOLE_BANK, Passage
from knowledge.retrieval import text
from knowledge.retrieval.embedder.adapting import adapt
from knowledge.retrieval.embedder.own import SHIPPED, OwnEmbedder
from knowledge.retrieval.embedder.static_model import StaticModel
from knowledge.retrieval.embedding import Embedder, HashEmbedder
from knowledge.retrieval.lexical import FieldWeights
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever, StageWeights
from knowledge.retrieval.source import PassageSource
from tests.load.peer_sets import sets_below

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 1, 1)
OWN = "own"
DEPTH = 10
SEED = 20260301
Scores = dict[str, float]  # a question's nDCG@10, by its id


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Part:
    """A row: what is turned off, or in two rows exchanged or added."""

    name: str
    weights: StageWeights | None = None
    embedder: Callable[[PassageSource], Embedder] | None = None
    take_out: Callable[[], None] = _nothing
    source: Callable[[PassageSource], PassageSource] = field(default=lambda source: source)
    only: frozenset[str] = frozenset()  # sets on which it can matter; none: all


def put(module: str, name: str, value: object) -> None:
    """Replace a name in a module of retrieval, for this process. Raises: AttributeError when it is not there."""
    found = importlib.import_module(f"knowledge.retrieval.{module}")
    getattr(found, name)
    setattr(found, name, value)


def _adapted(source: PassageSource) -> Embedder:
    return OwnEmbedder(adapt(StaticModel.load(SHIPPED), list(source.passages())).model)


@dataclass(frozen=True)
class Unasked:
    """A source whose passages have no known questions."""

    inner: PassageSource

    def passages(self) -> Iterator[Passage]:
        """All of them."""
        return (replace(passage, known_questions=()) for passage in self.inner.passages())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def _only_terms(wanted: Callable[[str], bool]) -> None:
    cut = text.folded_tokens

    def some(folded: str) -> list[str]:
        return [term for term in cut(folded) if wanted(term)]

    put("text", "folded_tokens", some)


def _without_folding() -> None:
    text._folding_table.cache_clear()
    put("text", "_folding_table", dict)


def _without_correction() -> None:
    put("synonyms", "corrected", text.fold)


def _without_synonyms() -> None:
    put("synonyms", "other_words", lambda question: {})


def _title_once() -> None:
    put("lexical", "_TITLE_COUNTS", 1)


def _without_title_field() -> None:
    put("lexical_index", "FieldWeights", partial(FieldWeights, title=0.0))


_ALL = StageWeights()
_SAMPLE_ONLY = frozenset({OWN})
_ASKED = frozenset({OWN, "cathay with known questions"})
PARTS = (
    Part("everything on"),
    Part("without vectors", replace(_ALL, text=1.0, dense=0.0)),
    Part("vectors without words", replace(_ALL, text=0.0, dense=1.0)),
    Part("hashed n-grams for our embedder", embedder=lambda source: HashEmbedder()),
    Part("embedder adapted to the set", embedder=_adapted),
    Part("without the title as a field", take_out=_without_title_field),
    Part("title counted once", take_out=_title_once),
    Part("without pairs", take_out=lambda: _only_terms(lambda term: len(term) != 2 or not text.is_chinese(term))),
    Part("without single characters", take_out=lambda: _only_terms(lambda term: len(term) > 1 or term.isascii())),
    Part("grammar weighs as subject", take_out=lambda: put("text", "_GRAMMAR_WEIGHT", 1.0)),
    Part("without folding traditional", take_out=_without_folding),
    Part("without synonyms", take_out=_without_synonyms),
    Part("without putting slips right", take_out=_without_correction),
    Part("without known questions", source=Unasked, only=_ASKED),
    Part("same question adds nothing", replace(_ALL, same_question=0.0), only=_ASKED),
    Part("without products", replace(_ALL, same_product=0.0, other_product=0.0), only=_SAMPLE_ONLY),
    Part("without counter-questions", replace(_ALL, counter_question=0.0), only=_SAMPLE_ONLY),
)


def one_part(part: Part, name: str, data: Path, asked: int) -> Scores:
    """nDCG@10 by question, in the process of that part."""
    part.take_out()
    return _on_samples(part) if name == OWN else _on_set(part, name, data, asked)


def _retriever(part: Part, source: PassageSource) -> KnowledgeRetriever:
    source = part.source(source)
    embedder = part.embedder(source) if part.embedder else OwnEmbedder.load()
    return KnowledgeRetriever(source, embedder=embedder, weights=part.weights)


def _on_set(part: Part, name: str, data: Path, asked: int) -> Scores:
    files = next(files for files in sets_below(data, asked, 1) if files.name == name)
    with tempfile.TemporaryDirectory() as folder:
        drawn = files.sampled(Path(folder))
        judged = read_set(drawn.corpus, drawn.queries, drawn.qrels, aliases=drawn.aliases)
    retriever = _retriever(part, PassagesInMemory(rows=judged.passages))
    found: Scores = {}
    for query, grades in judged.grades.items():
        result = retriever.search(judged.queries[query], scope=WHOLE_BANK, on=DAY, top_k=DEPTH)
        found[query] = ndcg([evidence.passage.passage_id for evidence in result.evidence], grades, at=DEPTH)
    return found


def _on_samples(part: Part) -> Scores:
    """Our own questions, through the harness."""
    with app.evaluated_house(Settings(), seed=SEED, with_phone=False) as house:
        run = run_task(replace(house, retriever=_retriever(part, house.store)), load_task("retrieval"), split="dev")
    scores = ((sample.case, score) for sample in run.samples for score in sample.scores)
    return {case: score.value for case, score in scores if score.metric == "ndcg@10"}


def in_process(number: int, name: str, data: Path, asked: int) -> Scores | str:
    """The same in a new process; a failure is its last line."""
    command = [sys.executable, "-m", "tests.load.ablation", "--one", str(number), name]
    done = subprocess.run(
        [*command, "--data", str(data), "--asked", str(asked)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1][:150]
    scores: Scores = json.loads(done.stdout.strip().splitlines()[-1])
    return scores


def cell(scores: Scores | str | None, full: Scores) -> str:
    """A difference for the table."""
    if scores is None:
        return ""
    if isinstance(scores, str):
        return scores
    names = sorted(full.keys() & scores.keys())
    found = paired([scores[name] - full[name] for name in names], names)
    value = f"{found.value:+.3f}".replace("-", "−")
    return value if found.low > 0 or found.high < 0 else f"({value})"


def table(results: Mapping[str, Sequence[Scores | str | None]]) -> str:
    """Markdown: a column a set, a row a part."""
    lines = [f"| | {' | '.join(results)} |", "| --- |" + " --- |" * len(results)]
    for number, part in enumerate(PARTS):
        cells = []
        for scores in results.values():
            full = scores[0]
            if not isinstance(full, dict):
                cells.append(str(full))
            elif number:
                cells.append(cell(scores[number], full))
            else:
                cells.append(f"{sum(full.values()) / len(full):.3f} ({len(full)} questions)")
        lines.append(f"| {part.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run every part on every set and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="*", default=["cathay", "cathay with known questions", "stard", OWN])
    parser.add_argument("--asked", type=int, default=300, help="questions of the large set, a seeded sample; 0: all")
    parser.add_argument("--json", type=Path, help="also write every question's figure here")
    parser.add_argument("--one", nargs=2, metavar=("PART", "SET"), help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.one:
        number, name = wanted.one
        scores = one_part(PARTS[int(number)], name, wanted.data, wanted.asked)
        sys.stdout.write(json.dumps(scores) + "\n")
        return
    results: dict[str, list[Scores | str | None]] = {}
    for name in wanted.sets:
        results[name] = []
        for number, part in enumerate(PARTS):
            concerned = not part.only or name in part.only
            results[name].append(in_process(number, name, wanted.data, wanted.asked) if concerned else None)
            full = results[name][0]
            figure = cell(results[name][-1], full) if isinstance(full, dict) else str(full)
            sys.stderr.write(f"{name}: {part.name} {figure}\n")
    sys.stdout.write(table(results) + "\n")
    if wanted.json:
        wanted.json.write_text(json.dumps(results) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
