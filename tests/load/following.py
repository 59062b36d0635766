"""How soon an approval is found, with many documents, in the process that owns the indexes and in another one.

python -m tests.load.following [--documents 10000] [--passages 10] [--approvals 20] [--vectors chroma|exact]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from assistant.records.migrate import upgrade
from knowledge.documents import DocumentKind, PassageText, Scope, VersionStatus
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.retrieval.vectors import ExactVectors
from knowledge.stores import tables
from knowledge.stores.chroma import ChromaVectors
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore, passage_rows

ON = date(2026, 3, 1)
SCOPE = Scope(frozenset({"b1", "b10"}), frozenset({"relationship_manager"}), frozenset({"wealth"}))
PATIENCE_S = 60.0
QUESTIONS = 300
DOCUMENTS_AT_ONCE = 1_000
CHARACTERS = 120
_COMMON = [chr(code) for code in range(0x4E00, 0x4E00 + 3_000)]
_WORDS_KNOWN = 20_000


def vocabulary(seed: int = 7) -> list[str]:
    """Invented words of two and three characters."""
    chance = random.Random(seed)
    return ["".join(chance.choices(_COMMON, k=chance.choice((2, 2, 3)))) for _ in range(_WORDS_KNOWN)]


def sentence(chance: random.Random, words: Sequence[str], characters: int) -> str:
    """Words by a long-tailed choice, with a comma here and there."""
    text = ""
    while len(text) < characters:
        text += words[min(int(chance.paretovariate(0.6)), len(words)) - 1] + ("，" if chance.random() < 0.2 else "")
    return text + "。"


def load(store: KnowledgeStore, documents: int, passages: int) -> float:
    """Approved documents in bulk, one in ten addressed to a branch; returns seconds."""
    chance, words, started = random.Random(1), vocabulary(), time.perf_counter()
    for start in range(0, documents, DOCUMENTS_AT_ONCE):
        numbers = range(start, min(documents, start + DOCUMENTS_AT_ONCE))
        texts = {
            number: [PassageText(sentence(chance, words, CHARACTERS)) for _ in range(passages)] for number in numbers
        }
        rows = [row for number in numbers for row in passage_rows(f"d{number:06}@v1", texts[number])]
        with store.database.writing() as conn:
            conn.execute(
                insert(tables.documents),
                [{"document_id": f"d{n:06}", "kind": DocumentKind.OTHER.value} for n in numbers],
            )
            conn.execute(insert(tables.versions), [version_row(n, sentence(chance, words, 8)) for n in numbers])
            conn.execute(insert(tables.passages), rows)
    return time.perf_counter() - started


def version_row(number: int, title: str) -> dict[str, Any]:
    return {
        "version_id": f"d{number:06}@v1",
        "document_id": f"d{number:06}",
        "version": 1,
        "kind": DocumentKind.OTHER.value,
        "title": title,
        "status": VersionStatus.APPROVED.value,
        "effective_from": date(2026, 1, 1),
        "content_hash": str(number),
        "file": "",
        "uploaded_by": "curator1",
        "branches": [f"b{number % 100}"] if number % 10 == 0 else [],
        "roles": [],
    }


def memory_mb() -> dict[str, float]:
    """Resident memory of this process now, what of it is its own, and the most there was."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return {
        "rss": round(int(status["VmRSS"].split()[0]) / 1024, 0),
        "own": round(int(status["RssAnon"].split()[0]) / 1024, 0),
        "peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
    }


def find(retriever: KnowledgeRetriever, words: str, version_id: str, since: float) -> float:
    """Seconds since `since` until a search for `words` gives the version. Raises: TimeoutError."""
    while time.monotonic() - since < PATIENCE_S:
        found = retriever.search(words, scope=SCOPE, on=ON, top_k=5).evidence
        if any(one.passage.version_id == version_id for one in found):
            return time.monotonic() - since
        time.sleep(0.005)
    raise TimeoutError(version_id)


def asked(retriever: KnowledgeRetriever) -> dict[str, dict[str, float]]:
    """Milliseconds of one search over many different questions: on the clock, and of processors (less disturbed)."""
    chance, words, took, worked = random.Random(3), vocabulary(), [], []
    for _ in range(QUESTIONS):
        question = sentence(chance, words, 12)
        started, busy = time.perf_counter(), time.process_time()
        retriever.search(question, scope=SCOPE, on=ON)
        took.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    return {"clock": figures(took), "processors": figures(worked)}


def figures(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
        "max": round(ordered[-1], 3),
    }


def opened(home: Path, *, owner: bool, vectors: str) -> tuple[KnowledgeStore, KnowledgeRetriever, float]:
    """Store, retriever that has read everything, and seconds that this took."""
    store = KnowledgeStore(Database(f"sqlite:///{home / 'wainao.db'}", checkpoints=owner))
    index = ChromaVectors(home / "chroma") if owner and vectors == "chroma" else ExactVectors(home / "vectors")
    started = time.perf_counter()
    retriever = KnowledgeRetriever(store, folder=home / "index", vectors=index)
    retriever.refresh()
    return store, retriever, time.perf_counter() - started


def say(something: object) -> None:
    """One line of JSON for the process that listens."""
    sys.stdout.write(json.dumps(something) + "\n")
    sys.stdout.flush()


def second_process(home: Path) -> None:
    """Answers each line (what to find, and since when) with seconds; the last line with its figures."""
    _, retriever, ready_s = opened(home, owner=False, vectors="exact")
    say({"ready_s": ready_s})
    for line in sys.stdin:
        task = json.loads(line)
        if task is None:
            break
        say(find(retriever, *task))
    figures_of = {"search_ms": asked(retriever), "memory_mb": memory_mb(), "on_disk": retriever.status.lexical_on_disk}
    retriever.close()
    say(figures_of)


def approve(store: KnowledgeStore, number: int, words: str, passages: int) -> str:
    """One more document, whose first passage is about `words`."""
    chance, known = random.Random(number), vocabulary()
    texts = [words, *(sentence(chance, known, CHARACTERS) for _ in range(passages - 1))]
    version = store.add_version(
        f"new-{number}",
        DocumentKind.OTHER,
        f"第{number}号通知",
        [PassageText(text) for text in texts],
        effective_from=ON,
        uploaded_by="curator1",
    )
    return store.approve(version.version_id, by="curator2").version_id


def measure(home: Path, documents: int, passages: int, approvals: int, vectors: str) -> dict[str, Any]:
    """All figures of one run in `home`."""
    database = Database(f"sqlite:///{home / 'wainao.db'}")
    upgrade(database)
    loaded_s = load(KnowledgeStore(database), documents, passages)
    database.close()
    store, retriever, first_s = opened(home, owner=True, vectors=vectors)
    command = [sys.executable, "-m", "tests.load.following", "--second", str(home)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    heard, told = child.stdout, child.stdin
    if heard is None or told is None:
        raise RuntimeError("no pipes")
    ready_s = json.loads(heard.readline())["ready_s"]

    def tell(task: object) -> None:
        told.write(json.dumps(task) + "\n")
        told.flush()

    own, other = _follow_times(store, retriever, approvals, passages, tell, lambda: float(json.loads(heard.readline())))
    search_ms = asked(retriever)
    tell(None)
    second = json.loads(heard.readline())
    child.wait()
    result = {
        "documents": documents,
        "passages": documents * passages,
        "vectors": vectors,
        "loaded_s": round(loaded_s, 1),
        "owner": {
            "first_build_s": round(first_s, 1),
            "approval_found_s": figures(own),
            "search_ms": search_ms,
            "memory_mb": memory_mb(),
        },
        "second": {"ready_s": round(ready_s, 1), "approval_found_s": figures(other), **second},
    }
    retriever.close()
    store.database.close()
    return result


def _follow_times(
    store: KnowledgeStore,
    retriever: KnowledgeRetriever,
    approvals: int,
    passages: int,
    tell: Callable[[object], None],
    hear: Callable[[], float],
) -> tuple[list[float], list[float]]:
    chance, own, other = random.Random(11), [], []
    for number in range(approvals):
        words = "".join(chance.choices(_COMMON, k=16))
        version_id = approve(store, number, words, passages)
        approved = time.monotonic()
        tell([words, version_id, approved])
        own.append(find(retriever, words, version_id, approved))
        other.append(hear())
    return own, other


def main() -> None:
    """Run and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--passages", type=int, default=10)
    parser.add_argument("--approvals", type=int, default=20)
    parser.add_argument("--vectors", choices=("chroma", "exact"), default="chroma")
    parser.add_argument("--second", type=Path)
    wanted = parser.parse_args()
    if wanted.second is not None:
        second_process(wanted.second)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), wanted.documents, wanted.passages, wanted.approvals, wanted.vectors)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
