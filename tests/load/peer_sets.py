"""Judged sets as peers read them, and one way to time and grade every peer."""

# Peers are installed beside the environment, where mypy does not look.
# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from evals.metrics import ndcg, percentile, recall
from evals.retrieval import read_set
from knowledge.documents import Passage
from knowledge.retrieval.embedder.own import SHIPPED
from knowledge.retrieval.embedding import Embedder, load_embedder

DEPTH = 10
CANDIDATES = 50  # of each part that a peer fuses
SEED = 11

Ask = Callable[[str], list[str]]  # a question -> ids, best first


@dataclass(frozen=True)
class Texts:
    """What every peer gets: ids and plain texts, title first, known questions last; and a folder to write into."""

    ids: list[str]
    texts: list[str]
    folder: Path


Peer = Callable[[Texts], Ask]


@dataclass(frozen=True)
class JudgedFiles:
    """Where a set stands. `asked` limits its questions to a seeded sample (0: all); `rounds` is how often it runs."""

    name: str
    corpus: Path
    queries: Path
    qrels: Path
    aliases: bool
    asked: int = 0
    rounds: int = 1

    def sampled(self, folder: Path) -> JudgedFiles:
        """The same with a judgement file that holds the sample alone, so that every side answers the same questions."""
        if not self.asked:
            return self
        lines = [line for line in self.qrels.read_text(encoding="utf-8").splitlines() if line.strip()]
        names = sorted({line.split("\t")[0] for line in lines})
        kept = set(random.Random(SEED).sample(names, min(self.asked, len(names))))
        target = folder / f"{self.name.replace(' ', '-')}.qrels.tsv"
        target.write_text("\n".join(line for line in lines if line.split("\t")[0] in kept) + "\n", encoding="utf-8")
        return JudgedFiles(**{**asdict(self), "qrels": target})


def sets_below(data: Path, asked: int, rounds: int) -> list[JudgedFiles]:
    """The judged sets of a data folder; `asked` limits the questions of the large one."""

    def files(name: str, folder: str, *, aliases: bool, dev: str, times: int, limit: int = 0) -> JudgedFiles:
        root = data / "benchmarks" / folder
        queries, qrels = root / f"queries{dev}.jsonl", root / f"qrels{dev}.tsv"
        return JudgedFiles(name, root / "corpus.jsonl", queries, qrels, aliases, limit, times)

    return [
        files("cathay", "cathay-bank-faq", aliases=False, dev=".dev", times=rounds),
        files("cathay with known questions", "cathay-bank-faq", aliases=True, dev=".dev", times=rounds),
        files("bank-staff-kb", "bank-staff-kb", aliases=False, dev="", times=rounds),
        files("stard", "stard-statutes", aliases=False, dev=".dev", times=1, limit=asked),
    ]


def measured(peer: Peer, files: JudgedFiles, folder: Path) -> dict[str, float | int]:
    """Index and ask; the keys are those of `evals.retrieval.measure`."""
    judged = read_set(files.corpus, files.queries, files.qrels, aliases=files.aliases)
    texts = Texts([p.passage_id for p in judged.passages], [_plain(p) for p in judged.passages], folder)
    started = time.perf_counter()
    ask = peer(texts)
    index_s = time.perf_counter() - started
    rankings: dict[str, list[str]] = {}
    elapsed_ms: list[float] = []
    for name in judged.grades:
        started = time.perf_counter()
        found = ask(judged.queries[name])
        elapsed_ms.append((time.perf_counter() - started) * 1000)
        rankings[name] = list(dict.fromkeys(found))[:DEPTH]
    graded = [(ranking, judged.grades[name]) for name, ranking in rankings.items()]
    return {
        "ndcg@10": round(sum(ndcg(ranking, grades, at=10) for ranking, grades in graded) / len(graded), 4),
        "recall@5": round(sum(recall(ranking, grades, at=5) for ranking, grades in graded) / len(graded), 4),
        "p50_ms": round(percentile(elapsed_ms, 0.50), 3),
        "p95_ms": round(percentile(elapsed_ms, 0.95), 3),
        "index_s": round(index_s, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "passages": len(texts.ids),
        "queries": len(graded),
    }


@cache
def embedder() -> Embedder:
    """The one that the product uses by default, for every peer that takes one."""
    return load_embedder("own" if SHIPPED.is_dir() else "hash")


def vectors(texts: Sequence[str]) -> list[list[float]]:
    """As plain lists of numbers, which every peer reads."""
    found: list[list[float]] = embedder().embed(list(texts)).tolist()
    return found


def words(text: str) -> list[str]:
    """Cut by jieba, the segmenter that the peers' Chinese guides name; punctuation and spaces left out."""
    import jieba

    return [word for word in jieba.lcut(text.lower()) if word.strip() and any(map(str.isalnum, word))]


def load_words() -> None:
    """Read jieba's dictionary, so that no peer's time counts it."""
    import logging

    import jieba

    jieba.setLogLevel(logging.ERROR)
    jieba.initialize()


def characters_and_pairs(text: str) -> list[str]:
    """Single characters and neighbouring pairs, the plain way: no folding, no weights."""
    kept = [character if character.isalnum() else " " for character in text.lower()]
    pairs = (first + second for first, second in pairwise(kept))
    return [term for term in (*kept, *pairs) if " " not in term]


def files_from(line: str) -> JudgedFiles:
    """Read back what `files_to` wrote."""
    found = json.loads(line)
    return JudgedFiles(**{**found, **{key: Path(found[key]) for key in ("corpus", "queries", "qrels")}})


def files_to(files: JudgedFiles) -> str:
    """One line of JSON."""
    return json.dumps(asdict(files), default=str)


def _plain(passage: Passage) -> str:
    return "\n".join(filter(None, (passage.title, passage.text, *passage.known_questions)))
