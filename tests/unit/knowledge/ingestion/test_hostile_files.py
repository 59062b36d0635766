"""Files that want to be refused: each one is, with its reason, and quickly."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from knowledge.errors import DocumentRefused
from knowledge.ingestion import sandbox
from knowledge.ingestion.readers import read_document, refusal_sentence
from knowledge.ingestion.sandbox import extract
from knowledge.ingestion.wording import words
from tests.unit.knowledge.ingestion import making

BOMB = b"0" * (150 * 1024 * 1024)
CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><x>&j;</x>"
)


def _overlapping() -> bytes:
    """Two directory entries over the same bytes."""
    data = making.zip_bytes({"word/document.xml": "<x/>" * 100})
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        first = archive.infolist()[0]
        twin = zipfile.ZipInfo("word/twin.xml")
        for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
            setattr(twin, name, getattr(first, name))
        archive.filelist.append(twin)
        archive.NameToInfo[twin.filename] = twin
        archive._didModify = True  # type: ignore[attr-defined]  # so that the directory is written again
    return out.getvalue()


def _scan() -> bytes:
    image = "q 100 0 0 100 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x00 EI Q"
    return making.pdf_bytes([image])


HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "empty text": (b"", ".txt", "empty"),
    "only NUL bytes": (b"\x00" * 4096, ".txt", "empty"),
    "NUL bytes inside": (b"abc\x00\x01\x02def\xff\x00\x00\x00", ".txt", "unknown_encoding"),
    "random bytes as text": (bytes(range(128, 256)) * 40, ".txt", "unknown_encoding"),
    "a PDF called text": (making.pdf_bytes([""]), ".txt", "wrong_format"),
    "not a zip": (b"this is no zip at all", ".docx", "wrong_format"),
    "a cut zip": (making.docx_bytes()[:3000], ".docx", "broken"),
    "a sheet called document": (making.xlsx_bytes(), ".docx", "wrong_format"),
    "zip bomb": (making.zip_bytes({"word/document.xml": BOMB}), ".docx", "zip_ratio"),
    "too much altogether": (
        making.zip_bytes({f"word/{n}.xml": BOMB[: 1024 * 1024] for n in range(201)}),
        ".docx",
        "zip_too_large",
    ),
    "too many entries": (making.zip_bytes({f"word/{n}.xml": "" for n in range(2001)}), ".docx", "zip_entries"),
    "path out of the archive": (making.zip_bytes({"word/a.xml": "", "../../etc/x": ""}), ".docx", "zip_path"),
    "absolute path": (making.zip_bytes({"word/a.xml": "", "/etc/x": ""}), ".docx", "zip_path"),
    "zip in a zip": (making.zip_bytes({"word/a.xml": "", "word/embed/b.zip": ""}), ".docx", "zip_nested"),
    "overlapping entries": (_overlapping(), ".docx", "zip_ratio"),
    "encrypted workbook": (CFB + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"), ".xlsx", "encrypted"),
    "old workbook with a new name": (CFB + b"\x00" * 600, ".xlsx", "legacy_office"),
    "a broken old workbook": (CFB + b"\x00" * 600, ".xls", "broken"),
    "old document": (CFB + b"\x00" * 600, ".doc", "legacy_office"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"1" * 50, ".png", "no_text_layer"),
    "program": (b"\x7fELF" + b"1" * 50, ".bin", "unknown_format"),
    "encrypted PDF": (making.pdf_bytes([""], encrypt=True), ".pdf", "encrypted"),
    "blank PDF": (making.pdf_bytes([""]), ".pdf", "empty"),
    "scan": (_scan(), ".pdf", "no_text_layer"),
    "a cut PDF": (b"%PDF-1.5\n1 0 obj", ".pdf", "broken"),
    "entity bomb": (making.zip_bytes({"ppt/slides/slide1.xml": ENTITIES}), ".pptx", "entities"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason(case: str) -> None:
    data, suffix, reason = HOSTILE[case]
    with pytest.raises(DocumentRefused) as refused:
        read_document(data, f"文件{suffix}", extract=extract)
    assert refused.value.ids["reason"] == reason
    assert refused.value.ids["file"] == f"文件{suffix}"
    assert refusal_sentence(refused.value).startswith(words("reasons")[reason].split("$")[0])
    assert "$" not in refusal_sentence(refused.value)


def test_every_reason_says_what_to_do_next() -> None:
    for sentence in words("reasons").values():
        assert sentence.count("。") >= 2


def test_a_child_that_takes_too_long_is_stopped() -> None:
    started = time.monotonic()
    with pytest.raises(DocumentRefused) as refused:
        sandbox.in_child(making.docx_bytes(), ".docx", wall_seconds=0.01)
    assert refused.value.ids["reason"] == "too_slow"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    ["<!--" * 50_000, "[" * 200_000, "|" + "-" * 200_000 + "x\n" * 2, "# " + " " * 200_000 + "x", "**" * 100_000],
    ids=["comments", "links", "rules", "headings", "bold"],
)
def test_markdown_that_invites_backtracking_is_read_in_no_time(text: str) -> None:
    started = time.process_time()
    read_document(f"正文\n\n{text}".encode(), "a.md", extract=extract)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "text", ["a: &a [x]\nb: *a\n", "[" * 100_000, "a: 1\na: 2\n", "{" * 50], ids=["alias", "depth", "twice", "open"]
)
def test_yaml_that_is_not_read_becomes_plain_text_with_a_doubt(text: str) -> None:
    (document,) = read_document(text.encode(), "a.yaml", extract=extract)
    assert [doubt.code for doubt in document.doubts] == ["typed_fallback"]
