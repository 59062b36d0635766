"""Known questions from tables and text: other ways to ask, counter-questions, one document a file."""

from __future__ import annotations

import io

import openpyxl

from knowledge.documents import DocumentKind
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.sandbox import extract


def one(data: bytes, name: str) -> ReadDocument:
    (document,) = read_document(data, name, extract=extract)
    assert document.extracted is not None
    for passage in document.passages:
        assert document.extracted.text[passage.source.start : passage.source.end] == passage.text
    return document


def workbook(*rows: list[str | None]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_of_questions_is_one_document_with_one_passage_each() -> None:
    data = workbook(
        ["分类", "标准问", "相似问", "答案", "反例"],
        ["存款", "定期能提前取吗", "急用钱能取定期吗\n没到期能支取吗", "可以提前支取，按活期计息。", "理财能提前取吗"],
        ["存款", "大额存单能转让吗", None, "可以，在手机银行转让。", None],
    )
    document = one(data, "常见问题.xlsx")
    assert document.kind is DocumentKind.FAQ
    first, second = document.passages
    assert first.text == "问：定期能提前取吗\n答：可以提前支取，按活期计息。"
    assert first.known_questions == ("定期能提前取吗", "急用钱能取定期吗", "没到期能支取吗")
    assert first.counter_questions == ("理财能提前取吗",)
    assert first.source.heading == "存款"
    assert (first.source.sheet, first.source.cells) == ("Sheet", "A2:E2")
    assert second.known_questions == ("大额存单能转让吗",)
    payload = document.payload or {}
    assert payload["content"] == "known_questions"


def test_an_import_template_with_asides_in_its_column_names_is_understood() -> None:
    data = workbook(
        ["分段标题（选填）", "分段内容（必填，问题答案）", "问题（选填，单元格内一行一个）"],
        ["存单转让", "大额存单可以在手机银行转让。", "存单怎么转让？\n存单能卖给别人吗？"],
    )
    (passage,) = one(data, "导入.xlsx").passages
    assert passage.known_questions == ("存单转让", "存单怎么转让？", "存单能卖给别人吗？")
    assert passage.text == "问：存单转让\n答：大额存单可以在手机银行转让。"


def test_questions_in_a_csv_are_read_alike() -> None:
    document = one("问题,回答,相似问法\n要收费吗,不收费。,手续费多少|有没有费用\n".encode("gb18030"), "问答.csv")
    assert document.passages[0].known_questions == ("要收费吗", "手续费多少", "有没有费用")


def test_questions_and_answers_in_markdown_become_passages() -> None:
    text = """# 存款问答

## 支取

**问：定期能提前取吗？**

答：可以，按活期计息。

相似问：急用钱怎么办；没到期能取吗

反例：理财能提前赎回吗

Q2：要带什么？

A：身份证和存单。
"""
    document = one(text.encode(), "存款.md")
    first, second = document.passages
    assert document.kind is DocumentKind.FAQ
    assert first.known_questions == ("定期能提前取吗？", "急用钱怎么办", "没到期能取吗")
    assert first.counter_questions == ("理财能提前赎回吗",)
    assert first.source.heading == "存款问答 / 支取"
    assert second.known_questions == ("要带什么？",)


def test_a_table_with_a_question_column_and_nothing_else_is_no_faq() -> None:
    document = one("问题,负责人,期限\n系统慢,科技部,三月\n门口漏水,行政部,四月\n".encode(), "台账.csv")
    assert document.kind is not DocumentKind.FAQ
