from __future__ import annotations

import pytest

from knowledge.ingestion.characters import looks_damaged, repaired
from knowledge.ingestion.extracted import BlockKind, ExtractedText
from knowledge.ingestion.formats.paragraphs import paragraphs
from knowledge.ingestion.sandbox import extract
from tests.unit.knowledge.ingestion import making

MARKDOWN = """# 稳健存

**能提前取吗？** 可以，按活期计息。

| 项目 | 内容 |
|---|---|
| 起点 | 50元 |

| 期限 | 利率 | 说明 |
|:--|--:|---|
| 一年 | 0.95% | 年利率 |

<!-- 内部备注：不外传 -->
- 见[链接](https://example.com)
"""
HTML = """<html><head><title>x</title><script>alert(1)</script><style>p{}</style></head><body>
<h1>费用说明</h1><p>先看<b>费率</b>。</p><table><tr><th>项目</th><th>费率</th></tr><tr><td>管理费</td><td>0.30%</td></tr></table>
</body></html>"""
TEXT = "第一章 总则\n一、适用范围\n本规定适用于全行。\n"
PDF = making.pdf_bytes(
    [
        making.pdf_text("运行标题文字", 60, 800)
        + making.pdf_text("产品说明书", 60, 760, 16)
        + making.pdf_text("⻛险提示：净值会跌。", 60, 730)
        + making.pdf_grid([["期限", "利率"], ["一年", "0.95%"], ["三年", "1.25%"]], 60, 700)
        + making.pdf_text("表格后面的一句话。", 60, 580),
        *(
            making.pdf_text("运行标题文字", 60, 800)
            + making.pdf_text(f"第{number}页的正文在这里。", 60, 700)
            + making.pdf_text("另外一行内容。", 60, 670)
            + making.pdf_text("再加一行内容。", 60, 640)
            + making.pdf_text("还有一行内容。", 60, 610)
            for number in ("二", "三")
        ),
    ]
)

CASES = {
    "markdown": (
        MARKDOWN.encode(),
        ".md",
        ["稳健存", "能提前取吗？ 可以", "起点：50元", "期限：一年；利率：0.95%；说明：年利率", "见链接"],
        ["**", "|", "内部备注", "https://", "#"],
    ),
    "html": (HTML.encode(), ".html", ["费用说明", "先看费率。", "管理费", "0.30%"], ["alert", "<", "p{}"]),
    "gb18030 text": (TEXT.encode("gb18030"), ".txt", ["适用范围", "适用于全行。"], ["\ufffd"]),
    "utf-16 text": (TEXT.encode("utf-16"), ".txt", ["适用范围"], ["\ufeff", "\x00"]),
    "utf-16 text without a mark": ("rate 0.95% ok".encode("utf-16-le"), ".txt", ["rate 0.95%"], ["\x00"]),
    "csv": (
        "期限,利率\n一年,0.95%\n\n".encode("gb18030"),
        ".csv",
        ["期限：一年；利率：0.95%"],
        [","],
    ),
    "docx": (
        making.docx_bytes(),
        ".docx",
        ["稳健存产品手册", "渠道：柜面；费用：短信费；费率：2元/月", "表后的说明。"],
        ["None"],
    ),
    "xlsx": (
        making.xlsx_bytes(),
        ".xlsx",
        ["挂牌利率一览", "期限：三年；年利率·个人：1.25%；年利率·单位：1.15%；生效日：2026-11-01", "200,000"],
        ["内部成本", "None", "0.0125"],
    ),
    "pptx": (making.pptx_bytes(), ".pptx", ["开门红培训", "先问用途，再说产品。", "期限：一年；利率：0.95%"], ["<a:"]),
    "pdf": (
        PDF,
        ".pdf",
        ["产品说明书", "风险提示：净值会跌。", "期限：三年；利率：1.25%", "表格后面的一句话。", "第二页的正文"],
        ["⻛", "运行标题文字"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_format_keeps_its_text_and_nothing_else(case: str) -> None:
    data, suffix, must_include, must_not_include = CASES[case]
    found = extract(data, suffix)
    for text in must_include:
        assert text in found.text
    for text in must_not_include:
        assert text not in found.text


@pytest.mark.parametrize("case", CASES)
def test_every_block_stands_where_it_says(case: str) -> None:
    data, suffix, _, _ = CASES[case]
    found = extract(data, suffix)
    assert found.blocks
    assert all(found.text[block.start : block.end] == block.text for block in found.blocks)
    assert [block.start for block in found.blocks] == sorted(block.start for block in found.blocks)
    assert ExtractedText.from_json(found.to_json()) == found


def test_a_table_row_says_where_its_cells_are() -> None:
    rows = [block for block in extract(making.xlsx_bytes(), ".xlsx").blocks if block.kind is BlockKind.ROW]
    assert [(row.sheet, row.cells) for row in rows[:2]] == [("利率表", "A4:D4"), ("利率表", "A5:D5")]


def test_a_pdf_block_knows_its_page() -> None:
    pages = {block.page for block in extract(PDF, ".pdf").blocks}
    assert pages == {1, 2, 3}


def test_a_hidden_sheet_is_left_out_and_said() -> None:
    doubts = extract(making.xlsx_bytes(), ".xlsx").warnings
    assert [(doubt.code, dict(doubt.slots)) for doubt in doubts] == [("hidden_sheets", {"names": "底稿"})]


def test_a_formula_without_a_value_is_said() -> None:
    assert "formulas_without_values" in {doubt.code for doubt in extract(making.formula_bytes(), ".xlsx").warnings}


def test_a_stray_value_in_the_last_row_costs_nothing() -> None:
    found = extract(making.wide_sheet_bytes(), ".xlsx")
    assert "期限" in found.text
    assert "远处" not in found.text
    assert "columns_cut" in {doubt.code for doubt in found.warnings}


def test_radicals_become_the_characters_they_stand_for() -> None:
    assert repaired("⻛险 ⼾主 ⾦额 ⻓期 零\u200b宽") == "风险 户主 金额 长期 零宽"


def test_full_width_punctuation_stays_as_it_was_written() -> None:
    assert repaired("费率：０.10%（年）") == "费率：０.10%（年）"


def test_a_broken_text_layer_is_noticed() -> None:
    assert looks_damaged("IIII 2026 IIIIII 513180 III" * 10)
    assert not looks_damaged("第 II 类账户限额见说明，III 类另行规定，一切以公告为准。" * 3)


def test_printed_lines_become_paragraphs_again() -> None:
    lines = [
        "第一条 金融机构应当依法依规勤勉尽责审慎履职对",
        "所销售的产品承担责任。",
        "（一）客户的姓名和职业以及其他能够说明其身份的信",
        "息；",
        "短标题",
    ]
    assert list(paragraphs(lines)) == [lines[0] + lines[1], lines[2] + lines[3], lines[4]]
