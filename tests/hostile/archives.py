"""Zips whose directory lies, and documents that are not what their name says."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable

from tests.hostile.cases import Hostile, harmless, refused
from tests.unit.knowledge.ingestion import making

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PAGE = (
    "<html><body><table><tr><td>期限</td><td>利率</td></tr><tr><td>一年</td><td>0.95%</td></tr></table></body></html>"
)
_XML_SHEET = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
_PROGRAM = b"MZ\x90\x00" + b"\x00" * 60 + b"This program cannot be run in DOS mode." + b"\x00" * 200


def with_parts(document: bytes, parts: dict[str, str | bytes]) -> bytes:
    """An office file with further or other parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename not in parts:
                new.writestr(entry, old.read(entry))
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


def zeros(megabytes: int) -> bytes:
    """A part of spaces, which compress a thousandfold."""
    return b" " * (megabytes * 1024 * 1024)


def _part_of_spaces() -> bytes:
    return making.zip_bytes({"word/document.xml": b"<x>" + zeros(300) + b"</x>"})


def _many_parts() -> bytes:
    return making.zip_bytes({f"word/part{number}.xml": b" " * 1_000_000 for number in range(210)})


def _directory_of(count: int) -> bytes:
    """Directory lines for one and the same entry."""
    entry = making.zip_bytes({"word/document.xml": "<x/>"})
    start = entry.index(b"PK\x01\x02")
    line = entry[start : entry.index(b"PK\x05\x06")]
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, min(count, 65535), min(count, 65535), len(line) * count, start, 0
    )
    return entry[:start] + line * count + end


def _claims(size: int) -> bytes:
    """A directory that says an entry unpacks to `size` bytes; it is 40 MB."""
    data = bytearray(making.zip_bytes({"word/document.xml": random.Random(5).randbytes(4096) * 10_000}))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, size)
    return bytes(data)


def _flagged(flag: int) -> bytes:
    data = bytearray(making.docx_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= flag
    return bytes(data)


def _twice() -> bytes:
    """The same name twice: a harmless part for the checker, another for the reader."""
    document = making.docx_bytes()
    changed = with_parts(document, {"word/DOCUMENT.xml": "<x/>"})
    return changed.replace(b"word/DOCUMENT.xml", b"word/document.xml")


def _overlapping() -> bytes:
    out = io.BytesIO(making.zip_bytes({"word/document.xml": "<x/>" * 100}))
    with zipfile.ZipFile(out, "a") as archive:
        first = archive.infolist()[0]
        twin = zipfile.ZipInfo("word/twin.xml")
        for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
            setattr(twin, name, getattr(first, name))
        archive.filelist.append(twin)
        archive._didModify = True  # type: ignore[attr-defined]  # so that the directory is written again
    return out.getvalue()


def _link() -> bytes:
    out = io.BytesIO(making.docx_bytes())
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo("word/media/a.png")
        entry.external_attr = 0xA1FF << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def _packed_with(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("word/document.xml", "<x/>" * 1000)
    return out.getvalue()


def _entry(name: str, content: str | bytes = "x") -> Callable[[], bytes]:
    return lambda: with_parts(making.docx_bytes(), {name: content})


def _compound(mark: str) -> Callable[[], bytes]:
    return lambda: COMPOUND + mark.encode("utf-16-le") + b"\x00" * 4096


def _same(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def archives() -> list[Hostile]:
    """Zips with a lying or dangerous directory."""
    return [
        refused("压缩炸弹.docx", lambda: making.zip_bytes({"word/document.xml": zeros(150)}), "zip_ratio"),
        refused("三百兆空格.docx", _part_of_spaces, "zip_ratio", "zip_too_large", slow=True),
        refused("许多大零件.docx", _many_parts, "zip_too_large", "zip_ratio", slow=True),
        refused("许多小零件.docx", lambda: making.zip_bytes({f"word/{n}.xml": "" for n in range(2500)}), "zip_entries"),
        refused("六万行目录.docx", lambda: _directory_of(60_000), "zip_entries"),
        refused("六十万行目录.docx", lambda: _directory_of(600_000), "zip_entries"),
        refused("目录说小.docx", lambda: _claims(1000), "broken", "zip_ratio"),
        refused("目录说大.docx", lambda: _claims(3_000_000_000), "zip_too_large", "zip_ratio"),
        refused("重叠的零件.docx", _overlapping, "zip_ratio"),
        refused("同名的零件.docx", _twice, "zip_duplicate", "broken"),
        refused("往上的路径.docx", _entry("../../../etc/cron.d/x"), "zip_path"),
        refused("绝对路径.docx", _entry("/etc/passwd"), "zip_path"),
        refused("盘符路径.docx", _entry("C:/Windows/win.ini"), "zip_path"),
        refused("反斜杠路径.docx", _entry("word\\..\\..\\x.xml"), "zip_path"),
        refused("超长路径.docx", _entry("word/" + "a" * 4000), "zip_path"),
        refused("符号链接.docx", _link, "zip_path"),
        refused("套着压缩包.docx", _entry("word/embeddings/a.zip"), "zip_nested"),
        refused("改名的压缩包.docx", _entry("word/media/image1.png", making.zip_bytes({"a": "b"})), "zip_nested"),
        refused("改名的程序.docx", _entry("word/media/image2.png", _PROGRAM), "zip_nested"),
        refused("脚本附件.docx", _entry("word/embeddings/a.vbs"), "zip_nested"),
        refused("加密的零件.docx", lambda: _flagged(1), "encrypted"),
        refused("少见的压缩.docx", lambda: _packed_with(zipfile.ZIP_LZMA), "broken"),
        refused("截断.docx", lambda: making.docx_bytes()[:3000], "broken", "wrong_format"),
        refused("截断.xlsx", lambda: making.xlsx_bytes()[:2000], "broken", "wrong_format"),
        refused("截断.pptx", lambda: making.pptx_bytes()[:-200], "broken", "wrong_format"),
    ]


def disguises() -> list[Hostile]:
    """Files whose extension lies."""
    empty = [
        refused(f"零字节{suffix}", bytes, "empty") for suffix in (".pdf", ".docx", ".xlsx", ".pptx", ".xls", ".csv")
    ]
    return [
        *empty,
        refused("其实是压缩包.pdf", lambda: making.zip_bytes({"a.txt": "b"}), "wrong_format"),
        refused("其实是文档.pdf", making.docx_bytes, "wrong_format"),
        refused("其实是表格.docx", making.xlsx_bytes, "wrong_format"),
        refused("其实是文档.xlsx", making.docx_bytes, "wrong_format"),
        refused("其实是PDF.docx", lambda: making.pdf_bytes([""]), "wrong_format"),
        refused("其实是PDF.txt", lambda: making.pdf_bytes([""]), "wrong_format"),
        refused("其实是程序.docx", _same(_PROGRAM), "wrong_format"),
        refused("其实是程序.md", _same(_PROGRAM), "wrong_format"),
        refused("其实是程序.exe", _same(_PROGRAM), "unknown_format"),
        refused("其实是网页.xls", _same(_PAGE.encode("gb18030")), "html_as_sheet"),
        refused("其实是网页.docx", _same(_PAGE.encode()), "wrong_format"),
        refused("其实是XML.xls", _same(_XML_SHEET.encode()), "html_as_sheet"),
        refused("其实是CSV.xls", _same("期限,利率\n一年,0.95%\n".encode("gb18030")), "text_as_sheet"),
        refused("其实是CSV.xlsx", _same("期限,利率\n一年,0.95%\n".encode()), "text_as_sheet"),
        refused("其实是图片.pdf", _same(b"\x89PNG\r\n\x1a\n" + b"\x00" * 100), "wrong_format"),
        refused("其实是RTF.docx", _same(rb"{\rtf1\ansi text}"), "wrong_format"),
        refused("两面派.docx", lambda: _PROGRAM + making.docx_bytes(), "wrong_format"),
        refused("加密的工作簿.xlsx", _compound("EncryptedPackage"), "encrypted"),
        refused("加密的文档.docx", _compound("EncryptedPackage"), "encrypted"),
        refused("旧版带宏.xls", _compound("_VBA_PROJECT_CUR"), "macros", "legacy_office"),
        refused("旧版改名.docx", _compound("WordDocument"), "legacy_office"),
        refused("旧版文档.doc", _compound("WordDocument"), "legacy_office"),
        refused("损坏的旧表.xls", _compound("Workbook"), "broken", "legacy_office", "empty"),
        refused(
            "大图.png",
            _same(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 60000, 60000, 8, 6, 0, 0, 0)),
            "no_text_layer",
        ),
        refused("大图.jpg", _same(b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03" + b"\x00" * 20), "no_text_layer"),
    ]


def names() -> list[Hostile]:
    """Names that no person gives."""
    text = _same("正文。".encode())
    return [
        refused("长" * 4000 + ".txt", text, "bad_name"),
        refused("a" * 260 + ".txt", text, "bad_name"),
        refused("费率\u202etxt.exe.txt", text, "bad_name"),
        refused("费率\n表.txt", text, "bad_name"),
        refused("费率\x1b[2J.txt", text, "bad_name"),
        refused("费率\x00.txt", text, "bad_name"),
        refused("..\\..\\费率.txt", text, "bad_name"),
        refused("../../费率.txt", text, "bad_name"),
        refused("/etc/费率.txt", text, "bad_name"),
        refused("半个\udcff字.txt", text, "bad_name"),
        harmless("普通（2026）<b>费率</b> & $(id).txt", text),
        harmless("=cmd|' /C calc'!A0.csv", _same("期限,利率\n一年,0.95%\n".encode())),
    ]
