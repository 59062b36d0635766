"""Our own question sets name documents that exist, are large enough and were not copied from what the bank knows."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from evals.cases import RetrievalCase, UnderstandingCase, read_dataset
from knowledge.ingestion.reading import ReadDocument
from knowledge.retrieval.text import fold
from knowledge.sample_bank import SAMPLES, read_bank, read_sample_documents

MATERIAL = Path(__file__).resolve().parents[3] / "knowledge" / "retrieval" / "embedder" / "material"
LONGEST_SHARED_RUN = 7  # letters and digits only
LEAST_PER_SLICE = 15
INTENTS = {
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
}


@cache
def _cases(name: str) -> tuple[RetrievalCase, ...]:
    model = {"retrieval": RetrievalCase, "understanding": UnderstandingCase}[name]
    return tuple(case for case in read_dataset(name, model=model).cases if isinstance(case, RetrievalCase))


@cache
def _documents() -> dict[str, list[ReadDocument]]:
    found: dict[str, list[ReadDocument]] = {}
    for document in read_sample_documents():
        found.setdefault(document.document_id, []).append(document)
    return found


@cache
def _runs_in(folder: Path) -> set[str]:
    return {run for path in folder.rglob("*") if path.is_file() for run in _runs(path.read_text(encoding="utf-8"))}


def _runs(text: str) -> set[str]:
    letters = "".join(mark for mark in unicodedata.normalize("NFKC", fold(text)).casefold() if mark.isalnum())
    length = LONGEST_SHARED_RUN + 1
    return {letters[start : start + length] for start in range(len(letters) - length + 1)}


def _copied(cases: tuple[RetrievalCase, ...], known: set[str]) -> dict[str, set[str]]:
    shared = {case.id: set().union(*(_runs(text) for text in (case.question, *case.context))) & known for case in cases}
    return {name: runs for name, runs in shared.items() if runs}


def _in_force(document: ReadDocument, day: date) -> bool:
    since, until = document.effective_from, document.effective_until
    return (since is None or since <= day) and (until is None or day < until)


def test_what_should_be_found_is_in_force_and_says_what_the_case_expects() -> None:
    for case in _cases("retrieval"):
        for label in case.relevant:
            versions = [version for version in _documents()[label.document] if _in_force(version, case.on)]
            assert len(versions) == 1, (case.id, label.document)
            assert any((label.says or "") in passage.text for passage in versions[0].passages), (case.id, label)


def test_what_must_not_be_found_exists_and_is_not_also_expected() -> None:
    for case in _cases("retrieval"):
        for name in case.must_not:
            document, _, number = name.partition("@v")
            assert 1 <= int(number or 1) <= len(_documents()[document]), (case.id, name)
            assert name not in {label.document for label in case.relevant}, (case.id, name)


def test_only_unanswerable_questions_have_nothing_to_find() -> None:
    staff = {member.userid for member in read_bank().staff}
    for case in _cases("retrieval"):
        assert ("unanswerable" in case.slices) == (not case.relevant), case.id
        assert case.userid in staff, case.id


def test_every_retrieval_slice_is_large_enough_and_in_both_splits() -> None:
    counts = Counter((name, case.split) for case in _cases("retrieval") for name in case.slices)
    for name in {name for name, _ in counts}:
        assert counts[name, "dev"] + counts[name, "test"] >= LEAST_PER_SLICE, name
        assert min(counts[name, "dev"], counts[name, "test"]) > 0, name
    answerable = Counter(case.split for case in _cases("retrieval") if case.relevant)
    assert answerable["dev"] >= 90
    assert answerable["test"] >= 120
    assert counts["unanswerable", "dev"] + counts["unanswerable", "test"] >= 100


@pytest.mark.parametrize("name", ["retrieval", "understanding"])
def test_no_case_asks_what_another_asked(name: str) -> None:
    asked = Counter((case.question, case.context, case.on) for case in _cases(name))
    assert [question for question, times in asked.items() if times > 1] == []


@pytest.mark.parametrize("name", ["retrieval", "understanding"])
def test_cases_know_only_products_of_the_bank_and_the_ten_intents(name: str) -> None:
    for case in _cases(name):
        codes = {case.product, *(case.candidates if isinstance(case, UnderstandingCase) else ())} - {None}
        assert {f"product-{code}" for code in codes} <= set(_documents()), case.id
        assert case.intent in INTENTS, case.id


@pytest.mark.parametrize("name", ["retrieval", "understanding"])
def test_no_question_repeats_what_the_sample_bank_says(name: str) -> None:
    assert _copied(_cases(name), _runs_in(SAMPLES)) == {}


@pytest.mark.parametrize("name", ["retrieval", "understanding"])
def test_no_held_out_question_repeats_training_text(name: str) -> None:
    held_out = tuple(case for case in _cases(name) if case.split == "test")
    assert _copied(held_out, _runs_in(MATERIAL)) == {}


def test_a_question_names_one_product_or_leaves_several_open() -> None:
    for case in _cases("understanding"):
        assert isinstance(case, UnderstandingCase)
        assert len(case.candidates) != 1, case.id
        assert not (case.product and case.candidates), case.id
        assert case.time is None or case.time.since < case.time.to, case.id
