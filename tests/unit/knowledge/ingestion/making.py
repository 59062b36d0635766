"""Small files of every format, made here so that tests need none from elsewhere."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import docx
import openpyxl

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"


def docx_bytes() -> bytes:
    """Headings, a paragraph, a table with a vertically merged cell."""
    document = docx.Document()
    document.add_heading("稳健存产品手册", 1)
    document.add_paragraph("本手册供客户经理使用。")
    document.add_heading("费用", 2)
    table = document.add_table(rows=3, cols=3)
    for row, cells in enumerate((("渠道", "费用", "费率"), ("柜面", "转账费", "0.10%"), ("", "短信费", "2元/月"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    document.add_paragraph("表后的说明。")
    return _saved(document)


def xlsx_bytes() -> bytes:
    """A title across the table, two header rows with merged cells, percent, thousands, date, a hidden sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "利率表"
    sheet.append(["挂牌利率一览"])
    sheet.merge_cells("A1:D1")
    sheet.append(["期限", "年利率", None, "生效日"])
    sheet.append([None, "个人", "单位", None])
    sheet.merge_cells("A2:A3")
    sheet.merge_cells("B2:C2")
    sheet.merge_cells("D2:D3")
    sheet.append(["一年", 0.0095, 0.0085, None])
    sheet.append(["三年", 0.0125, 0.0115, None])
    for row in (4, 5):
        for column in (2, 3):
            sheet.cell(row, column).number_format = "0.00%"
    import datetime

    sheet.cell(4, 4).value = datetime.date(2026, 11, 1)
    sheet.cell(5, 4).value = datetime.date(2026, 11, 1)
    sheet.cell(8, 1).value = "起点"
    sheet.cell(8, 2).value = 200000
    sheet.cell(8, 2).number_format = "#,##0"
    secret = book.create_sheet("底稿")
    secret.append(["内部成本", "0.50%"])
    secret.sheet_state = "hidden"
    return _saved(book)


def wide_sheet_bytes() -> bytes:
    """One value in the last row that Excel has."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "期限"
    sheet["XFD1048576"] = "远处"
    return _saved(book)


def formula_bytes() -> bytes:
    """A formula that nobody has computed."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["期限", "利率"])
    sheet.append(["一年", "=1+1"])
    return _saved(book)


def pptx_bytes() -> bytes:
    """One slide: a title, a line, a table."""
    cell = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
    rows = "".join(
        f"<a:tr>{''.join(cell.format(text) for text in row)}</a:tr>" for row in (("期限", "利率"), ("一年", "0.95%"))
    )
    slide = (
        f'<p:sld xmlns:a="{A}" xmlns:p="{P}"><p:cSld><p:spTree>'
        '<p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr>'
        "<p:txBody><a:p><a:r><a:t>开门红培训</a:t></a:r></a:p></p:txBody></p:sp>"
        "<p:sp><p:txBody><a:p><a:r><a:t>先问用途，</a:t></a:r><a:r><a:t>再说产品。</a:t></a:r></a:p></p:txBody></p:sp>"
        f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl>{rows}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
        "</p:spTree></p:cSld></p:sld>"
    )
    return zip_bytes({"ppt/slides/slide1.xml": slide, "ppt/presentation.xml": "<x/>"})


def pdf_bytes(pages: Sequence[str], *, encrypt: bool = False) -> bytes:
    """A PDF from content streams; the font F1 takes UTF-16 big-endian text."""
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [4 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor 5 0 R"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [0 -200 1000 900] /ItalicAngle 0"
        b" /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>",
    ]
    for number, content in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {7 + 2 * number} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream".encode())
    out = io.BytesIO(b"%PDF-1.5\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    lock = b" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O (%s) /U (%s) >> /ID [(a) (a)]" % (b"x" * 32, b"y" * 32)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R%s >>\n" % (len(objects) + 1, lock if encrypt else b""))
    out.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def pdf_text(text: str, x: int, y: int, size: int = 12) -> str:
    """Drawing commands for one line of text."""
    return f"BT /F1 {size} Tf {x} {y} Td <{text.encode('utf-16-be').hex()}> Tj ET\n"


def pdf_grid(rows: Sequence[Sequence[str]], x: int, y: int, width: int = 120, height: int = 24) -> str:
    """Drawing commands for a bordered table whose top left corner is (x, y)."""
    drawn = ""
    right, bottom = x + width * len(rows[0]), y - height * len(rows)
    for number in range(len(rows) + 1):
        drawn += f"{x} {y - number * height} m {right} {y - number * height} l S\n"
    for number in range(len(rows[0]) + 1):
        drawn += f"{x + number * width} {y} m {x + number * width} {bottom} l S\n"
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            drawn += pdf_text(text, x + column * width + 6, y - row * height - 17, 10)
    return drawn


def zip_bytes(entries: Mapping[str, str | bytes]) -> bytes:
    """A compressed zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def _saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
