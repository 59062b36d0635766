"""What a file may be called, and what it really is: told from its bytes, whatever its extension says."""

from __future__ import annotations

import re
import unicodedata

from knowledge.errors import DocumentRefused

MAX_NAME_CHARS = 255
_STEERING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STARTS = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"Rar!", "zip"),
    (b"7z\xbc\xaf", "zip"),
    (b"\x1f\x8b", "zip"),
    (b"BZh", "zip"),
    (b"\xfd7zXZ", "zip"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF87a", "picture"),
    (b"GIF89a", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"SQLite format 3\x00", "unknown"),
    (b"{\\rtf", "rtf"),
)
_PROGRAM = re.compile(rb"MZ[\s\S]{0,1000}(?:This program|PE\x00\x00|\x00\x00\x00)")
_PAGE = re.compile(rb"\s{0,100}(?:<!--|<!doctype\s+html|<html|<head|<meta|<table|<body|<style|<div)", re.I)
_XML_SHEET = re.compile(rb"\s{0,100}<\?xml[\s\S]{0,2000}urn:schemas-microsoft-com:office:spreadsheet")
_OFFICE_PARTS = ((b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"))


def check_name(name: str) -> None:
    """Refuse a name, or a path below a folder, that no person would give a file. Raises: DocumentRefused (bad_name)."""
    parts = name.split("/")
    if (
        not parts[-1].strip(". ")
        or name.startswith("/")
        or "\\" in name
        or ".." in parts
        or max(map(len, parts)) > MAX_NAME_CHARS
        or len(name) > 4 * MAX_NAME_CHARS
        or any(char in _STEERING or unicodedata.category(char) in {"Cc", "Cs"} for char in name)
    ):
        raise DocumentRefused(reason="bad_name")


def actual_type(data: bytes) -> str:
    """A key of `[file_types]`: `pdf`, `docx`, `zip`, `old_office`, `encrypted_office`, `html`, `text`, `unknown`..."""
    if data.startswith(_COMPOUND):
        return _compound_type(data)
    for start, kind in _STARTS:
        if data.startswith(start):
            if kind == "program" and start == b"MZ" and not _PROGRAM.match(data[:1200]):
                continue  # two letters that a text may begin with
            return _zip_type(data) if start.startswith(b"PK") else kind
    if b"%PDF-" in data[:1024]:
        return "pdf"
    opening = data[:4096].removeprefix(b"\xef\xbb\xbf")
    if _PAGE.match(opening):
        return "html"
    if _XML_SHEET.match(opening):
        return "xml_sheet"
    return "unknown" if b"\x00" in opening else "text"


def _compound_type(data: bytes) -> str:
    """Office's old container, which also holds encrypted documents of today."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "encrypted_office"
    if any(mark.encode("utf-16-le") in data for mark in ("_VBA_PROJECT", "Macros\x00")):
        return "old_office_with_macros"
    return "old_office"


def _zip_type(data: bytes) -> str:
    """Told from the names in the directory at the end, without unpacking."""
    directory = data[-400_000:]
    return next((kind for part, kind in _OFFICE_PARTS if part in directory), "zip")
