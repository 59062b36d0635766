"""Tables of every format: each figure with its row, its column and its address."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest

from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText
from knowledge.ingestion.formats import csv_table, html_page, markdown, pdf, plain_text, xls, xlsx
from knowledge.ingestion.formats import docx as docx_format
from knowledge.ingestion.formats.number_formats import shown
from tests.unit.knowledge.ingestion import making

HERE = Path(__file__).resolve().parent


def table_rows(found: ExtractedText) -> list[Block]:
    return [block for block in found.blocks if block.kind is BlockKind.ROW]


def cells(row: Block) -> list[tuple[str, str, str]]:
    return [(cell.name, cell.value, cell.ref) for cell in row.row]


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def workbook(rows: Sequence[Any], *, merged: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for area in merged:
        sheet.merge_cells(area)
    return saved(book)


def word_table() -> bytes:
    document = docx.Document()
    table = document.add_table(rows=5, cols=4)
    rows = (
        ("产品", "2026年", "", "备注"),
        ("", "个人", "单位", ""),
        ("稳健存", "0.95%", "0.85%", "甲"),
        ("", "1.25%", "1.15%", "乙"),
        ("进取存", "2.00%", "1.90%", "丙"),
    )
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            if text:
                table.cell(number, column).text = text
    for first, last in (((0, 1), (0, 2)), ((0, 0), (1, 0)), ((0, 3), (1, 3)), ((2, 0), (3, 0))):
        table.cell(*first).merge(table.cell(*last))
    return saved(document)


HTML = """<table><tr><th rowspan=2>产品</th><th colspan=2>2026年</th><th rowspan=2>备注</th></tr>
<tr><th>个人</th><th>单位</th></tr>
<tr><td rowspan=2>稳健存</td><td>0.95%</td><td>0.85%</td><td>甲</td></tr>
<tr><td>1.25%</td><td>1.15%</td><td>乙</td></tr>
<tr><td>进取存</td><td>2.00%</td><td>1.90%</td><td>丙</td></tr></table>"""
CSV = "产品,2026年,,备注\n,个人,单位,\n稳健存,0.95%,0.85%,甲\n稳健存,1.25%,1.15%,乙\n进取存,2.00%,1.90%,丙\n".encode()
GRID = [
    ["产品", "2026年", None, "备注"],
    [None, "个人", "单位", None],
    ["稳健存", "0.95%", "0.85%", "甲"],
    [None, "1.25%", "1.15%", "乙"],
    ["进取存", "2.00%", "1.90%", "丙"],
]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(docx_format.read(word_table()), id="docx"),
        pytest.param(html_page.read(HTML.encode()), id="html"),
        pytest.param(csv_table.read(CSV), id="csv"),
        pytest.param(xlsx.read(workbook(GRID, merged=("A1:A2", "B1:C1", "D1:D2", "A3:A4"))), id="xlsx"),
    ],
)
def test_merged_headers_and_labels_name_every_figure(found: ExtractedText) -> None:
    second = table_rows(found)[1]
    assert cells(second) == [
        ("产品", "稳健存", "A4"),
        ("2026年·个人", "1.25%", "B4"),
        ("2026年·单位", "1.15%", "C4"),
        ("备注", "乙", "D4"),
    ]
    assert second.text == "产品：稳健存；2026年·个人：1.25%；2026年·单位：1.15%；备注：乙"
    assert (second.cells, second.table) == ("A4:D4", 1)


def test_years_across_a_sheet_are_names_not_figures() -> None:
    (row,) = table_rows(xlsx.read(workbook([["项目", 2024, 2025], ["存款余额", 100, 120]])))
    assert cells(row)[1:] == [("2024", "100", "B2"), ("2025", "120", "C2")]


def test_dates_below_each_other_are_figures_not_names() -> None:
    rows = table_rows(csv_table.read("销售日,2026-01-01,2026-02-01\n兑付日,2026-03-01,2026-04-01\n".encode()))
    assert [row.text for row in rows] == ["销售日；2026-01-01；2026-02-01", "兑付日；2026-03-01；2026-04-01"]


def test_a_form_of_labels_and_values_is_read_in_pairs() -> None:
    found = markdown.parse(
        "| 产品名称 | 稳健存 | 产品代码 | CK-1 |\n|--|--|--|--|\n| 风险等级 | R2 | 币种 | 人民币 |\n"
    )
    first, second = table_rows(found)
    assert first.text == "产品名称：稳健存；产品代码：CK-1"
    assert cells(second) == [("风险等级", "R2", "B2"), ("币种", "人民币", "D2")]


def test_a_table_goes_on_below_an_empty_row_and_beside_another_table() -> None:
    book = [
        [None, "产品", "起点", None, "渠道", "费率"],
        [None, "甲", 100, None, "柜面", 0.5],
        [None, "乙", 200, None, "手机", 0.1],
        [],
        [None, "丙", 300],
    ]
    rows = table_rows(xlsx.read(workbook(book)))
    assert [(row.table, row.text) for row in rows] == [
        (1, "产品：甲；起点：100"),
        (1, "产品：乙；起点：200"),
        (2, "渠道：柜面；费率：0.5"),
        (2, "渠道：手机；费率：0.1"),
        (1, "产品：丙；起点：300"),
    ]
    assert rows[-1].cells == "B5:C5"


def test_a_row_that_only_names_those_below_it_stands_before_each_of_them() -> None:
    rows = [["项目", "费率", "备注"], ["一、个人业务", None, None], ["转账", "2元", "每笔"], ["短信", "1元", "每月"]]
    found = table_rows(xlsx.read(workbook(rows, merged=("A2:C2",))))
    assert found[1].text == "一、个人业务；项目：转账；费率：2元；备注：每笔"


def test_an_old_workbook_reads_like_a_new_one() -> None:
    found = xls.read((HERE / "files" / "rates.xls").read_bytes())
    rows = table_rows(found)
    assert rows[1].text == "期限：三年；年利率·个人：1.25%；年利率·单位：1.15%；生效日：2026-11-01"
    assert cells(rows[1])[1] == ("年利率·个人", "1.25%", "B5")
    assert rows[2].text == "起点：200,000"
    assert [doubt.code for doubt in found.warnings] == ["hidden_sheets", "hidden_text"]
    assert "白字" not in found.text
    assert "藏起来" not in found.text


def test_a_bordered_table_keeps_its_names_over_the_page() -> None:
    first = making.pdf_text("下面是说明文字一行。", 60, 770)
    first += making.pdf_grid([["期限", "利率"], ["一年", "0.95%"], ["二年", "1.05%"]], 60, 120)
    plain = making.pdf_grid([["三年", "1.25%"], ["五年", "1.30%"]], 60, 800) + making.pdf_text("表后文字。", 60, 600)
    repeated = making.pdf_grid([["期限", "利率"], ["三年", "1.25%"]], 60, 800)
    for second in (plain, repeated):
        rows = table_rows(pdf.read(making.pdf_bytes([first, second])))
        assert (rows[2].text, rows[2].page, rows[2].table, rows[2].cells) == ("期限：三年；利率：1.25%", 2, 1, "A4:B4")


def test_words_that_stand_in_columns_over_figures_are_a_table() -> None:
    grid = [
        ("期限", "个人", "单位"),
        ("一年", "0.95%", "0.85%"),
        ("三年", "1.25%", "1.15%"),
        ("五年", "1.30%", "1.20%"),
    ]
    drawn = making.pdf_text("挂牌利率如下，自发布之日起执行。", 60, 780)
    for number, row in enumerate(grid):
        for column, text in enumerate(row):
            drawn += making.pdf_text(text, 60 + 150 * column, 740 - 20 * number, 11)
    found = pdf.read(making.pdf_bytes([drawn + making.pdf_text("以上为年利率。", 60, 640)]))
    assert cells(table_rows(found)[1]) == [("期限", "三年", "A3"), ("个人", "1.25%", "B3"), ("单位", "1.15%", "C3")]
    assert found.blocks[-1].text == "以上为年利率。"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.0125, "0.00%", "1.25%"),
        (1234.5, '#,##0.00"元"', "1,234.50元"),
        (12345678, '0!.0,"万"', "1234.6万"),
        (0.125, "0.0#%", "12.5%"),
        (2.675, "0.00", "2.68"),
        (7, "General", "7"),
        (0.1 + 0.2, "General", "0.3"),
        (float("inf"), "0.00", "inf"),
    ],
)
def test_a_number_is_shown_as_the_sheet_shows_it(value: float, form: str, text: str) -> None:
    assert shown(value, form) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("姓名,利率\n王小明,0.95%\n", "utf-8-sig"),
        ("姓名,利率\n王小明,0.95%\n", "utf-16"),
        ("姓名,利率\n王小明,0.95%\n", "gb18030"),
        ("姓名,利率\n陳大文,0.95%\n", "big5"),
        ("氏名,年利率\n佐藤,0.95%\n", "cp932"),
        ("姓名;利率\n王小明;0,95\n", "utf-8"),
        ("姓名\t利率\n王小明\t0.95%\n", "gb18030"),
        ("sep=|\n姓名|利率\n王小明|0.95%\n", "utf-8"),
    ],
)
def test_separated_values_are_told_by_encoding_and_separator(text: str, encoding: str) -> None:
    (row,) = table_rows(csv_table.read(text.encode(encoding)))
    assert len(row.row) == 2
    assert row.row[1].name in {"利率", "年利率"}
    assert row.row[0].value in text


def test_a_line_break_inside_quotes_stays_in_its_cell() -> None:
    (row,) = table_rows(csv_table.read('问题,答案\n"能提前取吗\n要收费吗","可以，\n按活期"\n'.encode()))
    assert row.text == "问题：能提前取吗要收费吗；答案：可以，按活期"


def test_encodings_are_told_apart_in_running_text() -> None:
    for encoding, text in (
        ("gb18030", "客户经理应当说明产品风险，年利率0.95%。"),
        ("big5", "客戶經理應當說明產品風險，年利率為0.95%。"),
        ("cp932", "お客様の年利率は0.95%です。"),
        ("gb18030", "繁體中文產品說明書，年利率"),
    ):
        assert plain_text.decoded(text.encode(encoding)) == text
