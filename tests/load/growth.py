"""How search grows with the knowledge: 10,000, 100,000 and 1,000,000 passages through the product's own wiring.

    python -m tests.load.growth [--sizes 10000 100000 1000000] [--json FILE]

Passages are recombined, from a seed, out of the sample bank's own clauses, with other figures and with words put
together from its characters, so that the vocabulary grows with the number of passages. Each size has a home and a
process of its own: SQLite, lexical index and vectors on disk as an installed assistant has them. `found` is the share
of questions whose passage stands among the first ten.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import insert

import app
from assistant.settings import Settings
from evals.metrics import percentile
from knowledge.documents import WHOLE_BANK, DocumentKind, PassageText
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.sample_bank import read_sample_documents
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore, passage_rows
from tests.load.figures import load_average
from tests.load.following import memory_mb, version_row

ROOT = Path(__file__).resolve().parents[2]
ON = date(2026, 3, 1)
SIZES = (10_000, 100_000, 1_000_000)
PASSAGES = 10  # of a document
BATCH = 1_000  # documents written at once
QUESTIONS = 300
SEED = 23
_CLAUSE = re.compile(r"[^，。；！？、：\s,;!?|#*]{4,30}")
_FIGURE = re.compile(r"\d+")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_INVENTED_SHARE = 0.35  # of clauses that get an invented word
_INVENTED_WORDS = 60_000


@dataclass(frozen=True)
class Writer:
    """Writes passage `number`; the same number gives the same text."""

    clauses: tuple[str, ...]

    @classmethod
    def of_samples(cls) -> Writer:
        """From every clause that the sample bank's documents hold."""
        texts = (passage.text for document in read_sample_documents() for passage in document.passages)
        return cls(tuple(dict.fromkeys(clause for text in texts for clause in _CLAUSE.findall(text))))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words of two to four characters, common characters in more of them."""
        chance, characters = random.Random(SEED), [c for clause in self.clauses for c in _CHINESE.findall(clause)]
        return tuple("".join(chance.choices(characters, k=chance.choice((2, 2, 3, 4)))) for _ in range(_INVENTED_WORDS))

    def title(self, document: int) -> str:
        """A document's title."""
        chance = random.Random(f"{SEED}-title-{document}")
        return f"{self._word(chance)}{self._word(chance)}{chance.choice(('办法', '说明', '须知', '细则', '问答'))}"

    def passage(self, number: int) -> str:
        """Four to seven clauses."""
        chance = random.Random(f"{SEED}-{number}")
        return "，".join(self._clause(chance) for _ in range(chance.randint(4, 7))) + "。"

    def question(self, number: int) -> str:
        """In part the words of a passage, without most of what stands between."""
        chance = random.Random(f"{SEED}-asked-{number}")
        parts = self.passage(number).rstrip("。").split("，")
        return "".join(part[: chance.randint(4, 9)] for part in chance.sample(parts, 3)) + "怎么办？"

    def _clause(self, chance: random.Random) -> str:
        clause = _FIGURE.sub(lambda _: str(chance.randint(1, 9_999)), chance.choice(self.clauses))
        if chance.random() >= _INVENTED_SHARE:
            return clause
        at = chance.randint(0, len(clause))
        return clause[:at] + self._word(chance) + clause[at:]

    def _word(self, chance: random.Random) -> str:
        return self.words[min(int(chance.paretovariate(0.3)), _INVENTED_WORDS) - 1]


def load(database: Database, writer: Writer, size: int) -> None:
    """Approved documents in bulk, in force for everybody."""
    for numbers in _batches(range(size // PASSAGES), BATCH):
        rows = [row for number in numbers for row in passage_rows(f"d{number:06}@v1", _texts(writer, number))]
        versions = [version_row(number, writer.title(number)) | {"branches": []} for number in numbers]
        with database.writing() as conn:
            conn.execute(
                insert(tables.documents),
                [{"document_id": f"d{number:06}", "kind": DocumentKind.OTHER.value} for number in numbers],
            )
            conn.execute(insert(tables.versions), versions)
            conn.execute(insert(tables.passages), rows)


def _texts(writer: Writer, document: int) -> list[PassageText]:
    return [PassageText(writer.passage(document * PASSAGES + position)) for position in range(PASSAGES)]


def _batches(numbers: range, size: int) -> Iterator[range]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def one_size(home: Path, size: int) -> dict[str, Any]:
    """All figures of one size, in a home of its own."""
    settings = Settings(home=home, database_url="", chroma_url="")
    app.migrate(settings)
    writer = Writer.of_samples()
    database = app.open_database(settings, owner=True)
    started = time.perf_counter()
    load(database, writer, size)
    loaded_s = time.perf_counter() - started
    started = time.perf_counter()
    retriever = app.build_retriever(settings, KnowledgeStore(database), owner=True)
    retriever.refresh()
    index_s = time.perf_counter() - started
    memory = memory_mb()
    asked = _asked(retriever, writer, size)
    found: dict[str, Any] = {
        "passages": size,
        "load_s": round(loaded_s, 1),
        "index_s": round(index_s, 1),
        **asked,
        "rss_mb": memory_mb()["rss"],
        "own_mb": memory_mb()["own"],
        "indexed_rss_mb": memory["rss"],
        "peak_mb": memory_mb()["peak"],
        "disk_mb": {part: _disk_mb(home / part) for part in ("wainao.db", "index", "chroma")},
        "vectors_ready": retriever.status.vectors_ready,
        "load_average": load_average(),
    }
    retriever.close()
    started = time.perf_counter()
    again = app.build_retriever(settings, KnowledgeStore(database), owner=True)
    again.refresh()
    found["restart_s"] = round(time.perf_counter() - started, 1)
    again.close()
    database.close()
    return found


def _asked(retriever: KnowledgeRetriever, writer: Writer, size: int) -> dict[str, float]:
    chance, took, hits = random.Random(5), [], 0
    for number in chance.sample(range(size), QUESTIONS):
        question = writer.question(number)
        started = time.perf_counter()
        result = retriever.search(question, scope=WHOLE_BANK, on=ON, top_k=10)
        took.append((time.perf_counter() - started) * 1000)
        wanted = f"d{number // PASSAGES:06}@v1#p{number % PASSAGES + 1}"
        hits += any(evidence.passage.passage_id == wanted for evidence in result.evidence)
    return {
        "p50_ms": round(percentile(took, 0.50), 2),
        "p95_ms": round(percentile(took, 0.95), 2),
        "found": round(hits / QUESTIONS, 3),
    }


def _disk_mb(path: Path) -> float:
    """A file with its companions (SQLite's log), or a folder."""
    files = list(path.rglob("*")) if path.is_dir() else list(path.parent.glob(f"{path.name}*"))
    return round(sum(file.stat().st_size for file in files if file.is_file()) / 1e6, 1)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown; each row also as a multiple of the first."""
    first = rows[0]
    lines = [
        "| passages | load s | index s | restart s | p50 / p95 ms | p95, times the first | found | RSS MB (own) / peak "
        "| database / lexical / Chroma MB | load |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        if "failed" in row:
            lines.append(f"| {row['passages']:,} | {row['failed']} | | | | | | | | |")
            continue
        times = f"{row['p95_ms'] / first['p95_ms']:.1f}" if "p95_ms" in first else ""
        lines.append(
            f"| {row['passages']:,} | {row['load_s']} | {row['index_s']} | {row['restart_s']} "
            f"| {row['p50_ms']:.1f} / {row['p95_ms']:.1f} | {times} | {row['found']:.2f} "
            f"| {row['rss_mb']:,.0f} ({row['own_mb']:,.0f}) / {row['peak_mb']:,.0f} "
            f"| {' / '.join(f'{mb:,.0f}' for mb in row['disk_mb'].values())} | {row['load_average']} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure every size, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--one", nargs=2, metavar=("HOME", "SIZE"), help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.one:
        sys.stdout.write(json.dumps(one_size(Path(wanted.one[0]), int(wanted.one[1]))) + "\n")
        return
    rows = []
    for size in wanted.sizes:
        with tempfile.TemporaryDirectory(prefix="wainao-growth-") as home:
            command = [sys.executable, "-m", "tests.load.growth", "--one", home, str(size)]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        last = done.stdout.strip().splitlines()[-1:]
        rows.append(json.loads(last[0]) if last else {"passages": size, "failed": f"ended with {done.returncode}"})
        sys.stderr.write(f"{rows[-1]}\n")
    sys.stdout.write(table(rows) + "\n")
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
