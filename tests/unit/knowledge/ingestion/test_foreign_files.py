"""Real files that nobody here wrote: each is loaded with its text or refused with a reason."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from knowledge.documents import DocumentKind
from knowledge.errors import DocumentRefused
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.sandbox import extract

DATA = Path(__file__).resolve().parents[4].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")
REFUSED = {
    "scanned_book_2p.pdf": "no_text_layer",
    "scanned_book_8p.pdf": "no_text_layer",
    "slides_risklens_zh.pdf": "no_text_layer",
    "encrypted.pdf": "encrypted",
    "empty.pdf": "empty",
    "docx_empty.docx": "empty",
}


def manifest() -> list[dict[str, Any]]:
    path = DATA / "documents" / "manifest.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: Path(entry["file"]).name)
def test_a_real_file_loads_with_its_text_or_is_refused_with_a_reason(entry: dict[str, Any]) -> None:
    path = DATA / "documents" / entry["file"]
    if path.name in REFUSED:
        with pytest.raises(DocumentRefused) as refused:
            read_document(path.read_bytes(), path.name, extract=extract)
        assert refused.value.ids["reason"] == REFUSED[path.name]
        return
    documents = read_document(path.read_bytes(), path.name, extract=extract)
    text = "\n".join(passage.text for document in documents for passage in document.passages)
    for expected in entry["expect_contains"]:
        assert expected in text


def test_every_article_of_every_law_is_a_passage_of_its_own() -> None:
    articles = 0
    for path in sorted((DATA / "regulations").glob("*.md")):
        if path.name == "SOURCE.md":
            continue
        (document,) = read_document(path.read_bytes(), path.name, extract=extract)
        assert document.kind is DocumentKind.REGULATION, path.name
        articles += len({passage.source.heading for passage in document.passages if passage.text.startswith("第")})
    assert articles >= 5_000


def test_a_printed_law_keeps_all_its_articles_whole() -> None:
    path = DATA / "documents" / "binary" / "regulation_suitability_2025.pdf"
    (document,) = read_document(path.read_bytes(), path.name, extract=extract)
    articles = [passage for passage in document.passages if passage.source.heading.endswith("条")]
    assert len({passage.source.heading for passage in articles}) == 49
    assert document.title == "金融机构产品适当性管理办法"
    assert len(document.passages) <= 55


def test_a_superseded_version_in_a_bank_folder_is_not_in_force() -> None:
    folder = DATA / "documents" / "text" / "bank-staff-kb"
    ends = {}
    for path in sorted(folder.glob("1[56]*.md")):
        (document,) = read_document(path.read_bytes(), path.name, extract=extract)
        ends[path.name[:2]] = (document.effective_from, document.effective_until)
    assert ends == {"15": (date(2026, 7, 1), None), "16": (date(2025, 7, 1), date(2026, 6, 30))}


def test_every_text_file_loads_with_passages() -> None:
    files = [path for path in sorted((DATA / "documents" / "text").rglob("*")) if path.is_file()]
    assert len(files) >= 50
    for path in files:
        documents = read_document(path.read_bytes(), path.name, extract=extract)
        assert sum(len(document.passages) for document in documents) > 0, path.name
