"""Product sheets read from tables and leaflets: what is found with its place, what is missing, and confirming it."""

from __future__ import annotations

import io
from typing import Any

import docx
import pytest

from knowledge.documents import DocumentKind
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.sandbox import extract
from knowledge.ingestion.typed.products import product_document
from knowledge.ingestion.typed.proposals import ProductNotConfirmed, confirm_product

FORM = [
    ("产品名称", "示例理财稳盈30天"),
    ("产品代码", "SL-WY30"),
    ("产品登记编码", "Z7000126000030"),
    ("风险级别", "R2（中低风险）"),
    ("最短持有期", "30天"),
    ("认购起点", "1万元"),
    ("业绩比较基准", "年化1.80%—2.50%"),
    ("申购费率", "0"),
    ("固定管理费率", "0.30%/年"),
    ("产品管理人", "示例理财有限责任公司"),
    ("赎回规则", "持有满30天可赎回"),
    ("托管费", "—"),
]


def proposal(document: ReadDocument) -> dict[str, Any]:
    payload = document.payload or {}
    assert payload["content"] == "product_proposal"
    return payload


def form_docx() -> bytes:
    document = docx.Document()
    document.add_paragraph("产品要素表")
    table = document.add_table(rows=len(FORM) + 1, cols=2)
    for row, cells in enumerate([("要素", "内容"), *FORM]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def form_markdown(header: str = "| 要素 | 内容 |") -> bytes:
    return "\n".join([header, "|---|---|", *(f"| {name} | {value} |" for name, value in FORM)]).encode()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (form_docx(), "要素表.docx"),
        (form_markdown(), "要素表.md"),
        (form_markdown("| 产品类型 | 理财产品 |"), "要素表.md"),
        ("\n".join(f"{name}：{value}" for name, value in FORM).encode(), "单页.txt"),
        ("\n".join(",".join(pair) for pair in [("要素", "内容"), *FORM]).encode(), "要素表.csv"),
    ],
    ids=["docx", "markdown", "without-header", "leaflet", "csv"],
)
def test_a_form_is_proposed_with_the_place_of_every_value(data: bytes, name: str) -> None:
    (document,) = read_document(data, name, extract=extract)
    payload = proposal(document)
    sheet = payload["data"]
    assert document.kind is DocumentKind.PRODUCT
    assert (document.product_code, document.title) == ("SL-WY30", "示例理财稳盈30天")
    assert sheet["risk_level"] == "R2"
    assert sheet["term"] == {"text": "30天", "days": 30}
    assert sheet["minimum"] == {"text": "1万元", "amount": "10000", "currency": "CNY"}
    assert sheet["fees"] == [{"name": "申购费", "rate": "0"}, {"name": "固定管理费", "rate": "0.30%/年"}]
    assert sheet["benchmark"] == {"text": "年化1.80%—2.50%"}
    assert sheet["issuer"] == "示例理财有限责任公司"
    assert document.extracted is not None
    for place in payload["found"].values():
        assert document.extracted.text[place["start"] : place["end"]] == place["text"]
    assert {"sold_as", "effective_from", "benchmark.basis"} <= set(payload["missing"])
    assert "product_proposed" in {doubt.code for doubt in document.doubts}


def test_a_table_of_products_gives_one_proposal_a_row_with_its_own_passage() -> None:
    text = "产品代码,产品名称,风险等级,起购金额（万元）,期限（天）\n"
    text += "A1,稳盈一号,R1,1,30\nA2,稳盈二号,中低风险,5,90\n合计,,,,\n"
    *documents, rest = read_document(text.encode(), "在售产品清单.csv", extract=extract)
    assert [document.product_code for document in documents] == ["A1", "A2"]
    assert len({document.document_id for document in [*documents, rest]}) == 3
    second = proposal(documents[1])["data"]
    assert (second["risk_level"], second["minimum"]["amount"], second["term"]["days"]) == ("R2", "50000", 90)
    assert [passage.source.cells for passage in documents[1].passages] == ["A3:E3"]
    assert rest.payload is None


def test_a_value_that_is_stated_twice_differently_stays_empty() -> None:
    text = "产品名称：稳盈\n风险等级：R2\n起点金额：1万元\n期限：30天\n风险等级：R3\n"
    (document,) = read_document(text.encode(), "单页.txt", extract=extract)
    payload = proposal(document)
    assert "risk_level" not in payload["data"]
    assert payload["unclear"] == {"risk_level": ["R2", "R3"]}


def test_what_cannot_be_read_stays_empty() -> None:
    text = "产品名称：稳盈\n风险等级：见说明书\n起点金额：1万元起，追加1千元\n期限：每季度开放\n"
    (document,) = read_document(text.encode(), "单页.txt", extract=extract)
    data = proposal(document)["data"]
    assert "risk_level" not in data
    assert data["minimum"]["amount"] is None
    assert data["term"]["days"] is None


@pytest.mark.parametrize(
    "text",
    ["说到风险等级：R2 的产品，起点金额要先问。\n期限看客户。", "会议纪要\n时间：三月\n地点：二楼\n期限：下周\n"],
)
def test_ordinary_text_gives_no_proposal(text: str) -> None:
    (document,) = read_document(text.encode(), "纪要.txt", extract=extract)
    assert document.payload is None


def test_only_a_complete_sheet_is_confirmed_and_then_gives_facts() -> None:
    (document,) = read_document(form_markdown(), "要素表.md", extract=extract)
    data = proposal(document)["data"]
    with pytest.raises(ProductNotConfirmed) as refused:
        confirm_product(data | {"risk_level": "R9"})
    problems = refused.value.problems
    assert problems["sold_as"] == "没有填写"
    assert problems["benchmark.as_of"] == "没有填写"
    assert "R1" in problems["risk_level"]
    whole = data | {"sold_as": "own", "product_kind": "wealth", "effective_from": "2026-01-01"}
    whole["benchmark"] = data["benchmark"] | {"basis": "测算", "as_of": "2026-01-01", "statement": "不代表收益"}
    confirmed = product_document(confirm_product(whole), "", file="要素表.md")
    assert (confirmed.payload or {})["content"] == "product"
    assert "起点：1万元（10000 CNY）" in confirmed.passages[0].text
