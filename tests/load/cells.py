"""Ask for single figures of real tables and see whether the passage found names row, column and cell.

`python -m tests.load.cells` loads the files that `tests/data/cell_questions.jsonl` names into a store of its own and
prints one line per miss and the counts as JSON. Needs `../shared/data/documents`.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from knowledge.documents import Evidence, Scope
from knowledge.ingestion.ingest import Ingestor, Upload
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT.parent / "shared" / "data" / "documents"
QUESTIONS = ROOT / "tests" / "data" / "cell_questions.jsonl"
ON = date(2026, 11, 23)
TOP = 3
_REF = re.compile(r"([A-Z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class CellQuestion:
    """A figure by the names of its row and column; `cell` is its address in its sheet or table."""

    file: str
    row: str
    column: str
    figure: str
    cell: str
    ask: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the best passages hold: the figure beside its names, that in the first place, and the figure's cell."""

    figure: bool
    first: bool
    cell: bool


def questions() -> list[CellQuestion]:
    """The questions in file order."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return [CellQuestion(**json.loads(line)) for line in lines]


def covers(cells: str | None, cell: str) -> bool:
    """Whether a range like `A5:F5` holds a cell like `D5`."""
    ends = [_place(text) for text in _REF.findall(cells or "")]
    if not ends:
        return False
    (left, top), (right, bottom) = ends[0], ends[-1]
    column, row = _place(_REF.findall(cell)[0])
    return left <= column <= right and top <= row <= bottom


def _place(found: tuple[str, str]) -> tuple[int, int]:
    letters, number = found
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column, int(number)


def judged(question: CellQuestion, evidence: tuple[Evidence, ...]) -> Found:
    """How well the best passages answer."""
    right = [_holds(question, found) for found in evidence[:TOP]]
    cells = [
        holds and covers(found.passage.source.cells, question.cell)
        for holds, found in zip(right, evidence, strict=False)
    ]
    return Found(any(right), bool(right and right[0]), any(cells))


def _holds(question: CellQuestion, found: Evidence) -> bool:
    text = "".join(found.passage.text.split())
    named = all("".join(name.split()) in text for name in (question.row, question.column, question.figure))
    return named and found.passage.source.file == Path(question.file).name


def run() -> dict[str, int]:
    """Counts of questions, right passages among the best three and first, and right cells."""
    asked = questions()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/cells.db", checkpoints=True)
        with database.migrating() as conn:
            tables.metadata.create_all(conn)
        store = KnowledgeStore(database)
        upload = Upload(effective_from=date(2026, 1, 1), uploaded_by="cells", approve_as="curator1")
        files = [DOCUMENTS / name for name in dict.fromkeys(question.file for question in asked)]
        passages = sum(done.passages for done in Ingestor(store).ingest_paths(files, upload))
        retriever = KnowledgeRetriever(store)
        found = []
        for question in asked:
            result = retriever.search(question.ask, scope=Scope(), on=ON, top_k=TOP)
            found.append(judged(question, result.evidence))
            if not found[-1].cell:
                best = result.evidence[0].passage.text[:80] if result.evidence else ""
                sys.stderr.write(f"missed: {question.ask} -> {best!r}\n")
        retriever.close()
        database.close()
    return {
        "questions": len(asked),
        "files": len(files),
        "passages": passages,
        "figure_in_top_3": sum(item.figure for item in found),
        "figure_first": sum(item.first for item in found),
        "cell_in_top_3": sum(item.cell for item in found),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run()) + "\n")
