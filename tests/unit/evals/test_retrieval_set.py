"""Our own question sets keep their format, name documents that exist and were not copied from what the bank knows."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from knowledge.ingestion.reading import ReadDocument
from knowledge.sample_bank import SAMPLES, read_bank, read_sample_documents

ROOT = Path(__file__).resolve().parents[3]
SETS = ROOT / "evals" / "datasets"
MATERIAL = ROOT / "knowledge" / "retrieval" / "embedder" / "material"
LONGEST_SHARED_RUN = 7  # characters, letters and digits only
LEAST_PER_SLICE = 15

Intent = Literal[
    "product_fact",
    "known_question",
    "rule",
    "playbook",
    "objection",
    "moments",
    "check_text",
    "who_next",
    "decision",
    "small_talk",
]


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    split: Literal["dev", "test"]
    source: str = Field(min_length=1)
    slices: tuple[str, ...] = Field(min_length=1)
    question: str = Field(min_length=1)
    context: tuple[str, ...]
    on: date
    product: str | None
    intent: Intent
    author: str
    reviewed_by: str
    created: date


class Relevant(BaseModel):
    """A document that helps with the answer: grade 3 answers it, 2 helps, 1 touches it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str
    says: str | None
    grade: int = Field(ge=1, le=3)


class RetrievalCase(_Case):
    """A question, what should be found for it, and what must not be among the first five."""

    asker: str | None = Field(alias="as")
    relevant: tuple[Relevant, ...]
    must_not: tuple[str, ...]


def _lines(name: str) -> list[str]:
    return (SETS / name / "v1" / "cases.jsonl").read_text(encoding="utf-8").splitlines()


@cache
def _retrieval() -> tuple[RetrievalCase, ...]:
    return tuple(RetrievalCase.model_validate(json.loads(line)) for line in _lines("retrieval"))


@cache
def _documents() -> dict[str, list[ReadDocument]]:
    found: dict[str, list[ReadDocument]] = {}
    for document in read_sample_documents():
        found.setdefault(document.document_id, []).append(document)
    return found


def _in_force(document: ReadDocument, day: date) -> bool:
    since, until = document.effective_from, document.effective_until
    return (since is None or since <= day) and (until is None or day < until)


def _letters(text: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFKC", text).casefold() if mark.isalnum())


def _runs(text: str) -> set[str]:
    letters, length = _letters(text), LONGEST_SHARED_RUN + 1
    return {letters[start : start + length] for start in range(len(letters) - length + 1)}


def _runs_in(folder: Path) -> set[str]:
    return {run for path in folder.rglob("*") if path.is_file() for run in _runs(path.read_text(encoding="utf-8"))}


def _copied(cases: tuple[_Case, ...], known: set[str]) -> dict[str, set[str]]:
    shared = {
        case.id: {run for text in (case.question, *case.context) for run in _runs(text) & known} for case in cases
    }
    return {name: runs for name, runs in shared.items() if runs}


def test_every_retrieval_case_has_its_own_id_and_question() -> None:
    cases = _retrieval()
    assert len({case.id for case in cases}) == len(cases)
    assert len({(case.question, case.context, case.on) for case in cases}) == len(cases)


def test_what_should_be_found_is_in_force_and_says_what_the_case_expects() -> None:
    for case in _retrieval():
        for relevant in case.relevant:
            versions = [version for version in _documents()[relevant.document] if _in_force(version, case.on)]
            assert len(versions) == 1, (case.id, relevant.document)
            said = any(relevant.says in passage.text for passage in versions[0].passages) if relevant.says else True
            assert said, (case.id, relevant)


def test_what_must_not_be_found_exists_and_is_not_also_expected() -> None:
    for case in _retrieval():
        for name in case.must_not:
            document, _, number = name.partition("@v")
            assert 1 <= int(number or 1) <= len(_documents()[document]), (case.id, name)
            assert name not in {relevant.document for relevant in case.relevant}, (case.id, name)


def test_only_unanswerable_questions_have_nothing_to_find() -> None:
    for case in _retrieval():
        assert ("unanswerable" in case.slices) == (not case.relevant), case.id
        assert case.asker in {member.userid for member in read_bank().staff}, case.id
        assert case.product is None or f"product-{case.product}" in _documents(), case.id


def test_no_retrieval_question_repeats_what_the_sample_bank_says() -> None:
    assert _copied(_retrieval(), _runs_in(SAMPLES)) == {}


def test_no_held_out_question_repeats_training_text() -> None:
    held_out = tuple(case for case in _retrieval() if case.split == "test")
    assert _copied(held_out, _runs_in(MATERIAL)) == {}


def test_every_slice_is_large_enough_and_in_both_splits() -> None:
    counts = Counter((name, case.split) for case in _retrieval() for name in case.slices)
    for name in {name for name, _ in counts}:
        assert counts[name, "dev"] + counts[name, "test"] >= LEAST_PER_SLICE, name
        assert min(counts[name, "dev"], counts[name, "test"]) > 0, name
    answerable = Counter(case.split for case in _retrieval() if case.relevant)
    assert answerable["dev"] >= 90
    assert answerable["test"] >= 120
    assert counts["unanswerable", "dev"] + counts["unanswerable", "test"] >= 100


@pytest.mark.parametrize("name", ["retrieval"])
def test_the_data_is_the_data_whose_hash_is_recorded(name: str) -> None:
    folder = SETS / name / "v1"
    recorded = (folder / "SHA256").read_text(encoding="utf-8").split()
    assert recorded == [hashlib.sha256((folder / "cases.jsonl").read_bytes()).hexdigest(), "cases.jsonl"]
