"""Measure retrieval on any judged set, through the product's own search.

corpus   one JSON a line: id, text, and if known title and aliases (further wordings of the question it answers)
queries  one JSON a line: id, text
qrels    tab-separated: query id, corpus id, grade (0: not relevant)
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.metrics import ndcg, percentile, recall, reciprocal_rank
from knowledge.documents import WHOLE_BANK, DocumentKind, Passage
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever

_DAY = date(2026, 1, 1)  # any day will do: passages of a judged set have no dates
_DEPTH = 10


class BadSet(ValueError):
    """A file of the judged set cannot be read as what it should be."""

    def __init__(self, path: Path, line: int | None, why: str) -> None:
        where = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {why}")
        self.path = path
        self.line = line


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)
    id: str
    text: str


class _CorpusLine(_Line):
    title: str | None = None
    aliases: tuple[str, ...] | None = None


_Model = TypeVar("_Model", bound=_Line)


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """Passages, questions by id, and the grades by query and corpus id."""

    passages: tuple[Passage, ...]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]


def read_set(corpus: Path, queries: Path, qrels: Path, *, aliases: bool) -> JudgedSet:
    """Raises: BadSet naming file and line when a file is absent, malformed, or names what the others do not hold."""
    lines = _read_lines(corpus, _CorpusLine)
    asked = {name: line.text for name, line in _read_lines(queries, _Line).items()}
    passages = tuple(_passage(line, aliases=aliases) for line in lines.values())
    return JudgedSet(passages, asked, _read_grades(qrels, asked, lines))


def measure(corpus: Path, queries: Path, qrels: Path, *, aliases: bool) -> dict[str, float | int]:
    """Index the corpus in a temporary folder and answer every judged query; the keys are the command's contract."""
    judged = read_set(corpus, queries, qrels, aliases=aliases)
    with tempfile.TemporaryDirectory(prefix="wainao-eval-") as folder:
        retriever = KnowledgeRetriever(PassagesInMemory(rows=judged.passages), folder=Path(folder))
        try:
            return _measured(retriever, judged)
        finally:
            retriever.close()


def _measured(retriever: KnowledgeRetriever, judged: JudgedSet) -> dict[str, float | int]:
    started = time.perf_counter()
    retriever.refresh()
    index_s = time.perf_counter() - started
    rankings: dict[str, list[str]] = {}
    elapsed_ms: list[float] = []
    for name in judged.grades:
        started = time.perf_counter()
        found = retriever.search(judged.queries[name], scope=WHOLE_BANK, on=_DAY, top_k=_DEPTH)
        elapsed_ms.append((time.perf_counter() - started) * 1000)
        rankings[name] = [evidence.passage.passage_id for evidence in found.evidence]
    return {
        **_quality(rankings, judged.grades),
        "p50_ms": round(percentile(elapsed_ms, 0.50), 3),
        "p95_ms": round(percentile(elapsed_ms, 0.95), 3),
        "index_s": round(index_s, 3),
        "passages": len(judged.passages),
        "queries": len(rankings),
        "peak_mb": round(_peak_mb(), 1),
    }


def _quality(rankings: Mapping[str, list[str]], grades: Mapping[str, dict[str, int]]) -> dict[str, float]:
    count = len(rankings) or 1
    judged = [(ranking, grades[name]) for name, ranking in rankings.items()]
    return {
        "ndcg@10": round(sum(ndcg(ranking, grade, at=10) for ranking, grade in judged) / count, 4),
        "recall@5": round(sum(recall(ranking, grade, at=5) for ranking, grade in judged) / count, 4),
        "recall@10": round(sum(recall(ranking, grade, at=10) for ranking, grade in judged) / count, 4),
        "mrr@10": round(sum(reciprocal_rank(ranking, grade, at=10) for ranking, grade in judged) / count, 4),
    }


def _passage(line: _CorpusLine, *, aliases: bool) -> Passage:
    return Passage(
        passage_id=line.id,
        version_id=f"{line.id}@v1",
        document_id=line.id,
        version=1,
        kind=DocumentKind.FAQ,
        title=line.title or "",
        text=line.text,
        known_questions=(line.aliases or ()) if aliases else (),
    )


def _read_lines(path: Path, model: type[_Model]) -> dict[str, _Model]:
    found: dict[str, _Model] = {}
    for number, raw in _numbered(path):
        try:
            line = model.model_validate_json(raw)
        except ValidationError as exc:
            error = exc.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, error["loc"])) or "line"
            raise BadSet(path, number, f"{field}: {error['msg']}") from exc
        if line.id in found:
            raise BadSet(path, number, f"id {line.id!r} stands here twice")
        found[line.id] = line
    if not found:
        raise BadSet(path, None, "holds nothing")
    return found


def _read_grades(path: Path, queries: Mapping[str, object], corpus: Mapping[str, object]) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for number, raw in _numbered(path):
        parts = raw.split("\t")
        if len(parts) != 3 or not parts[2].strip().lstrip("-").isdigit():
            raise BadSet(path, number, "expected query id, corpus id and a whole-number grade, separated by tabs")
        query, document, grade = parts[0].strip(), parts[1].strip(), int(parts[2])
        if query not in queries:
            raise BadSet(path, number, f"query {query!r} is not among the queries")
        if document not in corpus:
            raise BadSet(path, number, f"{document!r} is not in the corpus")
        of_query = grades.setdefault(query, {})
        of_query[document] = max(grade, of_query.get(document, grade))
    judged = {query: of_query for query, of_query in grades.items() if max(of_query.values()) > 0}
    if not judged:
        raise BadSet(path, None, "judges no query as having an answer")
    return judged


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that hold something, with their number from 1."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as exc:
        raise BadSet(path, None, exc.strerror or "cannot be read") from exc
    except UnicodeDecodeError as exc:
        raise BadSet(path, None, "is not UTF-8 text") from exc


def _peak_mb() -> float:
    """Most memory this process ever held."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024) if sys.platform == "darwin" else peak / 1024
