"""PDFs that go round in circles, swell when unpacked, or carry scripts."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

from tests.hostile.cases import Hostile, bounded, harmless, refused
from tests.unit.knowledge.ingestion import making

_LIMITS = ("too_slow", "too_much_memory", "too_large", "broken", "no_text_layer", "empty")
_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_TEXT = making.pdf_text("期限一年，利率见表。", 72, 700).encode()


def pdf(objects: Sequence[bytes], *, trailer: bytes = b"", size: int | None = None) -> bytes:
    """Numbered objects with a correct table of them."""
    out = io.BytesIO(b"%PDF-1.5\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (size or len(objects) + 1, trailer))
    out.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def packed(content: bytes, times: int = 1) -> bytes:
    """A stream that has to be unpacked `times` times."""
    for _ in range(times):
        content = zlib.compress(content, 9)
    return stream(content, b"/Filter [" + b"/FlateDecode " * times + b"]")


def one_page(content: bytes, *, page: bytes = b"", more: Sequence[bytes] = (), catalog: bytes = _CATALOG) -> bytes:
    """A PDF of one page whose content stream is object 4; `more` begins at object 7."""
    kids = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
    leaf = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R " + (page or b"/MediaBox [0 0 595 842]")
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
    )
    if b"/Resources" not in page:
        leaf += b" /Resources << /Font << /F1 5 0 R >> >>"
    return pdf([catalog, kids, leaf + b" >>", content, *font, *more])


def _tree_loop() -> bytes:
    return pdf(
        [
            _CATALOG,
            b"<< /Type /Pages /Count 3 /Kids [2 0 R 2 0 R 3 0 R] /Parent 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>",
        ]
    )


def _deep_tree(depth: int) -> bytes:
    nodes = [b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (number + 3) for number in range(depth)]
    return pdf([_CATALOG, *nodes, b"<< /Type /Page /MediaBox [0 0 595 842] >>"])


def _claimed_pages() -> bytes:
    leaf = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
    return pdf([_CATALOG, b"<< /Type /Pages /Count 2000000000 /Kids [3 0 R] >>", leaf])


def _many_pages(count: int) -> bytes:
    return making.pdf_bytes([making.pdf_text(f"第{number}种存款的利率见公示", 72, 700) for number in range(count)])


def _calls_itself() -> bytes:
    form = stream(
        b"/X Do /X Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 7 0 R >> >>"
    )
    page = b"/MediaBox [0 0 595 842] /Resources << /XObject << /X 7 0 R >> /Font << /F1 5 0 R >> >>"
    return one_page(stream(b"/X Do\n" + _TEXT), page=page, more=[form])


def _laughs() -> bytes:
    """Thirty forms, each drawing the next one twice."""
    entries = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>"
    forms = [stream(b"/X Do /X Do", entries % (number + 1)) for number in range(7, 37)]
    page = b"/MediaBox [0 0 595 842] /Resources << /XObject << /X 7 0 R >> >>"
    return one_page(stream(b"/X Do"), page=page, more=[*forms, stream(b"0 0 m")])


def _lines(count: int) -> bytes:
    return one_page(
        packed(b"".join(b"%d %d m %d %d l S\n" % (n % 595, n % 842, n * 7 % 595, n * 3 % 842) for n in range(count)))
    )


def _words(count: int) -> bytes:
    return one_page(
        packed(
            b"BT /F1 9 Tf\n"
            + b"".join(b"1 0 0 1 %d %d Tm <671f9650> Tj\n" % (n % 590, n * 7 % 840) for n in range(count))
            + b"ET"
        )
    )


def _mapping_bomb() -> bytes:
    cmap = (
        b"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange"
        b" 1 beginbfrange <0000> <ffffffff> <4e00> endbfrange " * 2000
    )
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H"
        b" /DescendantFonts [6 0 R] /ToUnicode 8 0 R >>"
    )
    page = b"/MediaBox [0 0 595 842] /Resources << /Font << /F1 7 0 R >> >>"
    return one_page(stream(_TEXT), page=page, more=[font, packed(cmap)])


def _prev_loop() -> bytes:
    data = one_page(stream(_TEXT))
    start = data.rindex(b"xref\n0", 0, data.rindex(b"startxref"))
    return data.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % start)


def _picture() -> bytes:
    image = packed(b"\x00" * 112_500_000, 2)[3:]
    image = (
        b"<< /Type /XObject /Subtype /Image /Width 30000 /Height 30000 /BitsPerComponent 1 /ColorSpace /DeviceGray "
        + image
    )
    page = b"/MediaBox [0 0 595 842] /Resources << /XObject << /X 7 0 R >> >>"
    return one_page(stream(b"500 0 0 500 0 0 cm /X Do"), page=page, more=[image])


def _outline_loop() -> bytes:
    item = b"<< /Title (a) /Parent 7 0 R /Next 8 0 R /Prev 8 0 R /First 8 0 R >>"
    catalog = b"<< /Type /Catalog /Pages 2 0 R /Outlines 7 0 R >>"
    return one_page(stream(_TEXT), more=[b"<< /First 8 0 R /Last 8 0 R /Count 1 >>", item], catalog=catalog)


def _active(action: bytes) -> bytes:
    return one_page(stream(_TEXT), catalog=b"<< /Type /Catalog /Pages 2 0 R /OpenAction << " + action + b" >> >>")


def pdfs() -> list[Hostile]:
    """Loops, bombs, scripts and broken PDFs."""
    plain = one_page(stream(_TEXT))
    return [
        refused("页树成环.pdf", _tree_loop, "broken", "empty", "no_text_layer", "too_slow"),
        refused("页树一万层.pdf", lambda: _deep_tree(10_000), "broken", "empty", "too_slow"),
        refused("自称二十亿页.pdf", _claimed_pages, "broken", "empty", "too_slow", "too_much_memory"),
        bounded("一万页.pdf", lambda: _many_pages(10_000), *_LIMITS, slow=True),
        bounded("流炸弹.pdf", lambda: one_page(packed(b" " * 500_000_000 + _TEXT)), *_LIMITS, slow=True),
        bounded("五层流炸弹.pdf", lambda: one_page(packed(b" " * 300_000_000 + _TEXT, 5)), *_LIMITS, slow=True),
        bounded(
            "巨大页面.pdf", lambda: one_page(stream(_TEXT), page=b"/MediaBox [0 0 99999999999 99999999999]"), *_LIMITS
        ),
        bounded("负的页面.pdf", lambda: one_page(stream(_TEXT), page=b"/MediaBox [9 9 -1 -1] /UserUnit -5"), *_LIMITS),
        bounded("不是数的页面.pdf", lambda: one_page(stream(_TEXT), page=b"/MediaBox [(a) null << >> []]"), *_LIMITS),
        bounded("自己画自己.pdf", _calls_itself, *_LIMITS, slow=True),
        bounded("画两次的两次.pdf", _laughs, *_LIMITS, slow=True),
        bounded("二十万条线.pdf", lambda: _lines(200_000), *_LIMITS, slow=True),
        bounded("三十万个词.pdf", lambda: _words(300_000), *_LIMITS, slow=True),
        bounded("字符映射炸弹.pdf", _mapping_bomb, *_LIMITS, slow=True),
        bounded("目录表成环.pdf", _prev_loop, *_LIMITS),
        bounded("内容是自己.pdf", lambda: one_page(b"[4 0 R 4 0 R]"), *_LIMITS),
        bounded("长度说谎.pdf", lambda: plain.replace(b"/Length %d" % len(_TEXT), b"/Length 99999999"), *_LIMITS),
        refused("大图炸弹.pdf", _picture, "no_text_layer", "too_much_memory", "too_slow", "broken", slow=True),
        bounded("书签成环.pdf", _outline_loop, *_LIMITS),
        harmless(
            "打开就跑脚本.pdf", lambda: _active(b"/S /JavaScript /JS (app.alert\\(1\\))"), warned="active_content"
        ),
        harmless("打开就启动程序.pdf", lambda: _active(b"/S /Launch /F (cmd.exe)"), warned="active_content"),
        refused("有密码.pdf", lambda: making.pdf_bytes([""], encrypt=True), "encrypted"),
        refused("只有开头.pdf", lambda: b"%PDF-1.7\n", "broken", "empty"),
        refused("截断.pdf", lambda: plain[: len(plain) // 3], "broken", "empty"),
        refused("全是零.pdf", lambda: b"%PDF-1.7\n" + b"\x00" * 5_000_000, "broken", "empty"),
        bounded("数组一百万层.pdf", lambda: one_page(stream(_TEXT), page=b"/MediaBox " + b"[" * 1_000_000), *_LIMITS),
        bounded("没有对象表.pdf", lambda: plain[: plain.rindex(b"xref\n0")], *_LIMITS),
    ]
