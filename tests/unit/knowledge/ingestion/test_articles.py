"""Regulations by article: real laws where they are at hand, and what articles point to."""

from __future__ import annotations

import random
import re
from datetime import date
from pathlib import Path

import pytest

from knowledge.documents import WHOLE_BANK, DocumentKind
from knowledge.ingestion.dates import stated_in_articles, stated_in_opening
from knowledge.ingestion.ingest import Ingestor
from knowledge.ingestion.numerals import chinese, numeral
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.references import references
from knowledge.ingestion.sandbox import extract
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

LAWS = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "regulations"
here = pytest.mark.skipif(not LAWS.is_dir(), reason="../shared/data is not here")
ARTICLE = re.compile(r"^(第[零〇一二三四五六七八九十百千0-9]+条(?:之[一二三四五六七八九十]+)?)[\s　]", re.M)
PART = re.compile(r"^#{1,6}\s+(第[^\s]+[编章节](?:\s.*)?)$")


def read(path: Path) -> ReadDocument:
    (document,) = read_document(path.read_bytes(), path.name, extract=extract)
    return document


def headed(document: ReadDocument) -> dict[str, tuple[str, str]]:
    """Article to (its heading path, its text)."""
    found = {}
    for passage in document.passages:
        *path, last = passage.source.heading.split(" / ")
        if ARTICLE.match(f"{last} "):
            found[last] = (" / ".join(path), passage.text)
    return found


def written(path: Path) -> dict[str, tuple[str, str]]:
    """Article to (the nearest part above it, its text), read from the file line by line."""
    found: dict[str, tuple[str, str]] = {}
    part, article = "", ""
    for line in path.read_text(encoding="utf-8").split("\n"):
        heading, opened = PART.match(line), ARTICLE.match(line)
        if heading:
            part, article = heading.group(1), ""
        elif opened:
            article = opened.group(1)
            found[article] = (part, line)
        elif article and line.strip() and not line.startswith("#"):
            found[article] = (found[article][0], found[article][1] + line)
    return found


def solid(text: str) -> str:
    return "".join(text.split())


@here
def test_every_law_has_as_many_articles_as_it_has_article_lines() -> None:
    wrong, articles = [], 0
    for path in sorted(LAWS.glob("*.md")):
        if path.name == "SOURCE.md":
            continue
        document = read(path)
        lines = set(ARTICLE.findall(path.read_text(encoding="utf-8")))
        articles += len(lines)
        if set(headed(document)) != lines or document.kind is not DocumentKind.REGULATION:
            wrong.append(path.name)
        data = (document.payload or {}).get("data", {})
        assert isinstance(data, dict)
        assert len(data.get("articles", [])) == len(lines), path.name
    assert not wrong
    assert articles > 5_000


@here
def test_sampled_articles_stand_under_their_chapter_and_read_as_in_the_file() -> None:
    laws = {path: written(path) for path in sorted(LAWS.glob("*.md")) if path.name != "SOURCE.md"}
    every = [(path, article) for path, articles in laws.items() for article in articles]
    read_laws: dict[Path, dict[str, tuple[str, str]]] = {}
    for path, article in random.Random(20261123).sample(every, 100):
        if path not in read_laws:
            read_laws[path] = headed(read(path))
        part, text = laws[path][article]
        heading, found = read_laws[path][article]
        assert solid(found) == solid(text), (path.name, article)
        assert solid(heading).endswith(solid(part)), (path.name, article)


@here
def test_a_law_takes_its_first_day_from_its_front_matter() -> None:
    assert read(LAWS / "商业银行法.md").effective_from == date(2015, 10, 1)
    old, new = read(LAWS / "反洗钱法-2006旧版.md"), read(LAWS / "反洗钱法.md")
    assert old.document_id.rsplit("-", 1)[0] == new.document_id.rsplit("-", 1)[0]
    assert (old.effective_from, new.effective_from) == (date(2007, 1, 1), date(2025, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("依照本法第十五条、第十六条第二款处罚。", [("", "第十五条", ""), ("", "第十六条", "第二款")]),
        ("《商业银行法》第四十七条至第四十九条", [("商业银行法", f"第四十{n}条", "") for n in "七八九"]),
        ("违反第三十二条第二款第（三）项", [("", "第三十二条", "第二款第（三）项")]),
        ("《甲法》第三条。本办法第五条", [("甲法", "第三条", ""), ("", "第五条", "")]),
        ("第十五条之一", [("", "第十五条之一", "")]),
        ("按章程办理。", []),
    ],
)
def test_references_name_law_article_and_paragraph(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [tuple(item.values()) for item in references(text)] == expected


def test_a_rule_says_since_when_it_holds_and_what_it_ends() -> None:
    body = "\n".join(f"第{number}条 应当公示。" for number in "一二三四五")
    body += "\n第六条 本办法自2026年1月1日起施行。《旧办法》（银发〔2001〕1号）和《旧规定》同时废止。"
    (document,) = read_document(body.encode(), "收费管理办法.txt", extract=extract)
    assert document.effective_from == date(2026, 1, 1)
    data = (document.payload or {})["data"]
    assert isinstance(data, dict)
    assert data["repeals"] == ["旧办法", "旧规定"]
    assert stated_in_articles("本条例自2026年13月1日起施行。") is None
    assert stated_in_opening("本办法已于2020年1月1日废止。") == (None, date(2020, 1, 1))


def test_numbers_come_back_from_chinese() -> None:
    assert all(numeral(chinese(number)) == number for number in range(1, 2_000))
    assert [numeral(text) for text in ("十", "一百零三", "12", "一千二百六十")] == [10, 103, 12, 1260]


@here
def test_a_law_that_was_replaced_is_found_only_for_the_days_on_which_it_held(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/wainao.db", checkpoints=True)
    with database.migrating() as conn:
        tables.metadata.create_all(conn)
    store = KnowledgeStore(database)
    for name in ("反洗钱法-2006旧版.md", "反洗钱法.md"):
        found = Ingestor(store).ingest(LAWS / name, effective_from=date(2026, 1, 1), uploaded_by="cli")
        for version_id in found[0].version_ids:
            store.approve(
                version_id, "curator1"
            )  # a person does: what looks like an old text is never approved by itself
    old, new = sorted(store.versions(), key=lambda version: version.effective_from)
    assert (old.document_id, old.effective_until) == (new.document_id, date(2025, 1, 1))
    retriever = KnowledgeRetriever(store)
    for day, version in ((date(2024, 12, 31), old), (date(2025, 1, 1), new), (date(2026, 6, 1), new)):
        for question in ("反洗钱义务", "客户身份资料保存多少年", "可疑交易报告", "反洗钱调查", "罚款多少"):
            evidence = retriever.search(question, scope=WHOLE_BANK, on=day, top_k=50).evidence
            assert {each.passage.version_id for each in evidence} == {version.version_id}, (day, question)
    retriever.close()
    database.close()
