"""Retrieval side by side with peers: same texts, same questions, same machine, each side in a process of its own.

    python -m tests.load.peers [--data FOLDER] [--packages FOLDER] [--rounds 3] [--asked 200] [--json FILE]

Sides take turns and every round begins with another one, so that no side always meets the machine as it was. Quality is
the same in every round; times are medians of the rounds. Peers that take an embedder get the product's own. What a
side imports, and the segmenter's dictionary, is read before the clock starts. A side that
cannot be installed, fails or takes too long is a row with its reason.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.retrieval import measure
from tests.load.figures import load_average
from tests.load.peer_sets import JudgedFiles, Peer, embedder, files_from, files_to, load_words, measured, sets_below

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 1_800
_QUALITY = ("ndcg@10", "recall@5")
_COST = ("p50_ms", "p95_ms", "index_s", "peak_mb")


@dataclass(frozen=True)
class Side:
    """A row of the table. `packages` is its folder of installed packages; `peer` is module.function, none for ours."""

    name: str
    packages: str | None = None
    peer: str | None = None

    @property
    def cuts_words(self) -> bool:
        """Whether it uses jieba, whose dictionary is read before the clock starts."""
        return "jieba" in self.name or "words" in self.name


SIDES = (
    Side("外脑"),
    Side("bm25s, words", "words", "peer_words.bm25s_words"),
    Side("bm25s, characters and pairs", "words", "peer_words.bm25s_pairs"),
    Side("SQLite FTS5, trigram", None, "peer_sqlite.fts5_trigram"),
    Side("SQLite FTS5, pairs", None, "peer_sqlite.fts5_pairs"),
    Side("LangChain BM25, default", "langchain", "peer_langchain.bm25_default"),
    Side("LangChain BM25, jieba", "langchain", "peer_langchain.bm25_words"),
    Side("LangChain ensemble, jieba + Chroma", "langchain", "peer_langchain.ensemble"),
    Side("LlamaIndex BM25, jieba", "llamaindex", "peer_llamaindex.bm25"),
    Side("LlamaIndex fusion, jieba + vectors", "llamaindex", "peer_llamaindex.fusion"),
    Side("Haystack BM25, default", "haystack", "peer_haystack.bm25_default"),
    Side("Haystack BM25, jieba", "haystack", "peer_haystack.bm25_words"),
    Side("Haystack joined, jieba + vectors", "haystack", "peer_haystack.hybrid"),
    Side("txtai hybrid, jieba + vectors", "txtai", "peer_txtai.hybrid"),
)

Row = dict[str, float | int | str]


def one_side(side: Side, line: str) -> Row:
    """In the process of that side: the figures of one set."""
    files = files_from(line)
    if side.peer is None:
        return dict(measure(files.corpus, files.queries, files.qrels, aliases=files.aliases))
    module, function = side.peer.split(".")
    peer: Peer = getattr(importlib.import_module(f"tests.load.{module}"), function)
    if side.cuts_words:
        load_words()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return dict(measured(peer, files, Path(folder)))


def in_process(number: int, line: str, packages: Path) -> Row:
    """The same in a new process; a failure is {"failed": why}."""
    side = SIDES[number]
    first = [str((packages / side.packages).resolve())] if side.packages else []
    quiet = {"TOKENIZERS_PARALLELISM": "false", "HAYSTACK_TELEMETRY_ENABLED": "false", "ANONYMIZED_TELEMETRY": "false"}
    env = {**os.environ, **quiet, "PYTHONPATH": os.pathsep.join([*first, str(ROOT)])}
    command = [sys.executable, "-m", "tests.load.peers", "--side", str(number), "--files", line]
    if side.packages and not (packages / f"{side.packages}.installed").exists():
        return {"failed": f"not installed: see {side.packages}.log"}
    try:
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {LIMIT_S} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1][:200]}
    row: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def merged(rows: Sequence[Row]) -> Row:
    """One row of several rounds: medians of what it cost, quality as of the first."""
    failed = next((row for row in rows if "failed" in row), None)
    if failed is not None:
        return failed
    return {**rows[0], **{key: statistics.median(float(row[key]) for row in rows) for key in _COST}}


def table(name: str, rows: Mapping[str, Row], ours: str = SIDES[0].name) -> str:
    """Markdown, in the order of the sides."""
    sample = next((row for row in rows.values() if "failed" not in row), {})
    lines = [
        f"### {name}: {sample.get('passages', '?')} passages, {sample.get('queries', '?')} questions",
        "",
        "| | nDCG@10 | recall@5 | p50 / p95 ms | index s | peak MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for side, row in rows.items():
        label = f"**{side}**" if side == ours else side
        lines.append(f"| {label} | {_cells(row)} |")
    return "\n".join([*lines, ""])


def _cells(row: Row) -> str:
    if "failed" in row:
        return f"{row['failed']} | | | |"
    quality = " | ".join(f"{float(row[key]):.3f}" for key in _QUALITY)
    times = f"{float(row['p50_ms']):.1f} / {float(row['p95_ms']):.1f}"
    return f"{quality} | {times} | {float(row['index_s']):.1f} | {float(row['peak_mb']):.0f}"


def say(line: str) -> None:
    """To whoever reads the table."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure every side on every set and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--packages", type=Path, default=Path(".peers-search"))
    parser.add_argument("--rounds", type=int, default=3, help="of the small sets; the large one runs once")
    parser.add_argument("--asked", type=int, default=200, help="questions of the large set, a seeded sample; 0: all")
    parser.add_argument("--sets", nargs="*", help="only these")
    parser.add_argument("--json", type=Path, help="also write all rows here")
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--files", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side is not None:
        say(json.dumps(one_side(SIDES[args.side], args.files)))
        return
    say(f"embedder of every side that takes one: {embedder().embedder_id}; load average before {load_average()}\n")
    found: dict[str, dict[str, Row]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for files in sets_below(args.data.resolve(), args.asked, args.rounds):
            if not args.sets or files.name in args.sets:
                found[files.name] = _turns(files.sampled(Path(folder)), args.packages)
                say(table(files.name, found[files.name]))
    say(f"load average after {load_average()}")
    if args.json:
        args.json.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _turns(files: JudgedFiles, packages: Path) -> dict[str, Row]:
    rows: dict[int, list[Row]] = {number: [] for number in range(len(SIDES))}
    for turn in range(files.rounds):
        for step in range(len(SIDES)):
            number = (step + turn * 5) % len(SIDES)
            if not any("failed" in row for row in rows[number]):
                rows[number].append(in_process(number, files_to(files), packages))
                sys.stderr.write(f"{files.name}, round {turn + 1}: {SIDES[number].name} {rows[number][-1]}\n")
    return {SIDES[number].name: merged(found) for number, found in rows.items()}


if __name__ == "__main__":
    main()
