"""Typed content as text to edit, and read again: nothing is lost on the way, and what does not fit is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.documents import DocumentKind, DocumentVersion, PassageText, VersionStatus
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.reading import ContentInvalid, ReadDocument
from knowledge.ingestion.sandbox import extract
from knowledge.ingestion.typed.written import content_of, read_payload, read_written, written
from knowledge.ingestion.yaml_files import dump_yaml, load_yaml

SAMPLES = Path(__file__).resolve().parents[4] / "knowledge" / "samples"
DAY = date(2026, 6, 1)


def documents() -> Iterator[ReadDocument]:
    for folder in ("faq", "transcripts", "moments", "playbooks", "regulations"):
        for file in sorted((SAMPLES / folder).iterdir()):
            yield from read_document(file.read_bytes(), file.name, extract=extract)


def version_of(document: ReadDocument) -> DocumentVersion:
    return DocumentVersion(
        f"{document.document_id}@v1",
        document.document_id,
        1,
        document.kind,
        document.title,
        VersionStatus.DRAFT,
        document.effective_from or DAY,
        document.effective_until,
        payload=document.payload,
        product_code=document.product_code,
    )


def texts(document: ReadDocument) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(each.text, each.known_questions, each.counter_questions) for each in document.passages]


@pytest.fixture(scope="module")
def samples() -> list[ReadDocument]:
    return list(documents())


def one(samples: list[ReadDocument], content: str) -> ReadDocument:
    return next(each for each in samples if (each.payload or {}).get("content") == content)


def test_every_typed_sample_reads_back_as_it_was(samples: list[ReadDocument]) -> None:
    seen = set()
    for document in samples:
        version = version_of(document)
        seen.add(content_of(version))
        again = read_written(written(version), version, list(document.passages))
        assert again.payload == document.payload, document.document_id
        assert [(t, sorted(k), c) for t, k, c in texts(again)] == [(t, sorted(k), c) for t, k, c in texts(document)], (
            document.document_id
        )
        assert (again.title, again.product_code) == (document.title, document.product_code)
        assert read_payload(document.payload or {}, version, list(document.passages)).payload == document.payload
    assert seen == {"known_question", "transcript", "moments_topic", "playbook", "regulation"}


def test_a_changed_field_reaches_payload_and_passage(samples: list[ReadDocument]) -> None:
    known = version_of(one(samples, "known_question"))
    text = written(known).replace("answer: ", "answer: 先说一句。")
    again = read_written(text, known, [])
    assert "先说一句。" in str((again.payload or {})["data"])
    assert "先说一句。" in again.passages[0].text

    playbook = version_of(one(samples, "playbook"))
    again = read_written(written(playbook) + "\n## 补充\n\n只在工作日联系。\n", playbook, [])
    assert "只在工作日联系" in str((again.payload or {})["data"])
    assert "只在工作日联系" in again.passages[0].text


def test_a_regulations_header_moves_its_questions_and_leaves_its_articles(samples: list[ReadDocument]) -> None:
    law = one(samples, "regulation")
    version, own = version_of(law), [replace(law.passages[0], counter_questions=("不是问这个",)), *law.passages[1:]]
    former = str(load_yaml(written(version))["questions"][0])
    again = read_written(written(version).replace(former, "绝对化用语到底能不能写"), version, own)
    assert [each.text for each in again.passages] == [each.text for each in law.passages]
    assert former not in {asked for each in again.passages for asked in each.known_questions}
    assert again.passages[0].counter_questions == ("不是问这个",)


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("stage: ", "stages: ", "stage"),
        ("date: 20", "date: 昨天20", "date"),
        ("id: ", "id: X", "id"),
        ("role: customer", "role: 路人", "turns.0.role"),
        ("title: ", "title: [", "YAML"),
    ],
)
def test_what_does_not_fit_is_named(samples: list[ReadDocument], before: str, after: str, field: str) -> None:
    version = version_of(one(samples, "transcript"))
    with pytest.raises(ContentInvalid) as refused:
        read_written(written(version).replace(before, after, 1), version, [])
    assert refused.value.ids["field"].startswith(field)
    assert refused.value.ids["problem"]


def test_the_versions_dates_and_title_go_before_those_of_the_content(samples: list[ReadDocument]) -> None:
    document = one(samples, "playbook")
    version = replace(version_of(document), title="另起的名字", effective_from=date(2027, 1, 1), effective_until=None)
    assert "effective_from: 2027-01-01" in written(version)
    again = read_written(written(version), version, [])
    assert (again.title, again.effective_from) == ("另起的名字", date(2027, 1, 1))


def test_an_empty_answer_is_no_answer() -> None:
    data = {"id": "F1", "question": "问", "situation": "any", "answer": "答", "effective_from": "2026-01-01"}
    payload: dict[str, object] = {"content": "known_question", "data": data}
    held = ReadDocument("faq-F1", DocumentKind.FAQ, "问", (PassageText("x"),), payload=payload)
    with pytest.raises(ContentInvalid) as refused:
        read_written(written(version_of(held)).replace("answer: 答", "answer: ' '"), version_of(held), [])
    assert refused.value.ids["field"] == "answer"


@given(st.recursive(st.text(max_size=40), lambda inner: st.lists(inner, max_size=3), max_leaves=8))
def test_yaml_reads_back_what_it_wrote(value: object) -> None:
    assert load_yaml(dump_yaml({"a": value, "b": [{"c": value}]})) == {"a": value, "b": [{"c": value}]}
