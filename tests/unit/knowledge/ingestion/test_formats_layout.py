"""What stands where on a page, what a reader does not see, and the picture of a page."""

from __future__ import annotations

import io

import docx
import openpyxl
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from openpyxl.styles import Font, PatternFill
from PIL import Image

from knowledge.errors import DocumentRefused
from knowledge.ingestion.extracted import BlockKind, ExtractedText
from knowledge.ingestion.formats import docx as docx_format
from knowledge.ingestion.formats import html_page, page_picture, pdf, pptx, xlsx
from knowledge.ingestion.formats.docx_lists import chinese
from tests.unit.knowledge.ingestion import making

LEFT = [
    "本产品适合持有期限较长且风险承受能力",
    "为稳健型及以上的客户，购买前请先完成",
    "风险测评，测评结果有效期为十二个月。",
    "客户经理应当逐项说明产品要素和费率，",
    "并保留完整的销售过程记录以备检查用。",
]
RIGHT = [
    "赎回申请在交易日十五点前提交的按照当",
    "日净值确认，十五点之后提交的按照下一",
    "交易日净值确认，遇节假日顺延处理办理",
    "单日赎回上限为五十万元人民币整，超出",
    "部分顺延至下一交易日继续处理直到完成",
]


def hidden(found: ExtractedText) -> str:
    return "".join(dict(doubt.slots)["sample"] for doubt in found.warnings if doubt.code == "hidden_text")


def saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]  # both libraries have it, neither declares a common type
    return out.getvalue()


def test_two_columns_are_read_one_after_the_other_also_when_written_line_by_line() -> None:
    drawn = making.pdf_text("产品说明书摘要", 230, 800, 20)
    for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        drawn += making.pdf_text(left, 50, 740 - 18 * number) + making.pdf_text(right, 320, 740 - 18 * number)
    found = pdf.read(making.pdf_bytes([drawn]))
    assert found.blocks[0].kind is BlockKind.HEADING
    text = found.text.replace("\n", "")
    assert "风险承受能力为稳健型" in text
    assert text.index("以备检查用") < text.index("赎回申请在")
    assert "按照当日净值确认" in text


def test_large_lines_are_headings_and_a_broken_title_is_one() -> None:
    drawn = making.pdf_text("示例银行稳健系列", 60, 800, 22) + making.pdf_text("产品说明书", 60, 770, 22)
    drawn += making.pdf_text("费用说明", 60, 730, 16)
    drawn += "".join(
        making.pdf_text(f"正文第{number}行，说明费用怎样收取。", 60, 700 - 20 * number) for number in range(9)
    )
    headings = [(block.text, block.level) for block in pdf.read(making.pdf_bytes([drawn])).blocks if block.level]
    assert headings == [("示例银行稳健系列产品说明书", 1), ("费用说明", 2)]


def test_text_that_nobody_sees_in_a_pdf_is_kept_out_and_reported() -> None:
    drawn = (
        "1 1 1 rg\n" + making.pdf_text("白字", 60, 700) + "0 0 0 rg\n" + making.pdf_text("正常文字在这里。", 60, 660)
    )
    drawn += making.pdf_text("极小", 60, 640, 1) + "3 Tr\n" + making.pdf_text("不可见", 60, 600) + "0 Tr\n"
    drawn += making.pdf_text("页外", 900, 600) + "0 0 0.5 rg\n60 500 200 30 re f\n1 1 1 rg\n"
    drawn += making.pdf_text("深底白字看得见", 66, 508)
    found = pdf.read(making.pdf_bytes([drawn]))
    assert found.text == "正常文字在这里。\n深底白字看得见"
    assert hidden(found).split() == ["白字", "极小", "不可见", "页外"]


def test_text_that_nobody_sees_in_a_word_document_is_kept_out_and_reported() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("看得见")
    paragraph.add_run("白字").font.color.rgb = RGBColor(255, 255, 255)
    paragraph.add_run("隐藏").font.hidden = True
    paragraph.add_run("极小").font.size = Pt(1)
    found = docx_format.read(saved(document))
    assert found.text == "看得见"
    assert hidden(found) == "白字隐藏极小"


def test_text_that_nobody_sees_in_a_sheet_is_kept_out_and_reported() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["产品", "利率", "底价"],
        ["稳健存", "0.95%", "0.10%"],
        ["进取存", "2.00%", "0.20%"],
        ["白字"],
        ["深底"],
    ):
        sheet.append(row)
    sheet.column_dimensions["C"].hidden = True
    sheet.row_dimensions[3].hidden = True
    sheet["A4"].font = Font(color="FFFFFFFF")
    sheet["A5"].font = Font(color="FFFFFFFF")
    sheet["A5"].fill = PatternFill("solid", fgColor="FF000080")
    sheet["B5"] = 7
    sheet["B5"].number_format = ";;;"
    found = xlsx.read(saved(book))
    assert "产品：稳健存；利率：0.95%" in found.text
    assert "深底" in found.text
    for secret in ("底价", "0.10%", "进取存", "白字", "7"):
        assert secret not in found.text
    assert "进取存" in hidden(found)


def test_text_that_nobody_sees_on_a_page_is_kept_out_and_reported() -> None:
    page = """<style>.x{display:none} .d{background:#000}</style><p>正文<span style="color:#fff">白字</span></p>
    <p class="x">藏一</p><p style="font-size:0">藏二</p><p hidden>藏三</p><p style="visibility:hidden">藏四</p>
    <div class="d"><span style="color:white">深底白字</span></div>"""
    found = html_page.read(page.encode())
    assert found.text == "正文\n深底白字"
    assert hidden(found).split() == ["白字", "藏一", "藏二", "藏三", "藏四"]


def test_hidden_slides_and_text_beside_the_slide_are_kept_out_and_reported() -> None:
    frame = f'<p:sld xmlns:a="{making.A}" xmlns:p="{making.P}"{{}}><p:cSld><p:spTree>{{}}</p:spTree></p:cSld></p:sld>'
    text = "<p:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:txBody>"
    place = '<p:spPr><a:xfrm><a:off x="{}" y="0"/><a:ext cx="100" cy="100"/></a:xfrm></p:spPr>'
    shapes = "".join(
        f"<p:sp>{place.format(x)}{text.format(words)}</p:sp>" for x, words in ((10, "片上文字"), (5000, "片外文字"))
    )
    size = f'<p:presentation xmlns:p="{making.P}"><p:sldSz cx="1000" cy="800"/></p:presentation>'
    deck = making.zip_bytes(
        {
            "ppt/presentation.xml": size,
            "ppt/slides/slide1.xml": frame.format("", shapes),
            "ppt/slides/slide2.xml": frame.format(' show="0"', f"<p:sp>{text.format('隐藏的一页')}</p:sp>"),
        }
    )
    found = pptx.read(deck)
    assert found.text == "片上文字"
    assert hidden(found) == "片外文字 隐藏的一页"


def test_word_lists_keep_their_numbers_and_bullets() -> None:
    document = docx.Document()
    for words in ("核对身份", "说明风险"):
        document.add_paragraph(words, style="List Number")
    document.add_paragraph("带上证件", style="List Bullet")
    assert docx_format.read(saved(document)).text == "1. 核对身份\n2. 说明风险\n• 带上证件"


def test_an_outline_level_makes_a_heading_whatever_the_style() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("费用说明")
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "1")
    paragraph._p.get_or_add_pPr().append(level)
    (block,) = docx_format.read(saved(document)).blocks
    assert (block.kind, block.level) == (BlockKind.HEADING, 2)


def test_chinese_numbers_of_lists_are_written_as_people_write_them() -> None:
    assert [chinese(number) for number in (1, 10, 11, 20, 21, 101, 110, 120)] == [
        *("一", "十", "十一", "二十", "二十一", "一百零一", "一百一十", "一百二十")
    ]


def test_a_page_becomes_a_picture_of_the_asked_width() -> None:
    data = making.pdf_bytes([making.pdf_text("第一页", 60, 700), making.pdf_text("第二页", 60, 700)])
    with Image.open(io.BytesIO(page_picture.render(data, 2, width=600))) as picture:
        assert picture.format == "PNG"
        assert abs(picture.width - 600) <= 1
    with pytest.raises(DocumentRefused):
        page_picture.render(data, 3)
