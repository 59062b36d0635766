"""Which parser reads which file; what a file really is, told from its first bytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from knowledge.errors import DocumentRefused
from knowledge.ingestion.extracted import ExtractedText

# Formats that are parsed in a child process, and those that are plain text underneath.
IN_CHILD = {".pdf": "pdf", ".docx": "docx", ".xlsx": "xlsx", ".xlsm": "xlsx", ".pptx": "pptx"}
IN_PROCESS = {
    ".csv": "csv_table",
    ".tsv": "csv_table",
    ".html": "html_page",
    ".htm": "html_page",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "plain_text",
    ".text": "plain_text",
    ".log": "plain_text",
    ".yaml": "plain_text",
    ".yml": "plain_text",
    ".json": "plain_text",
    ".jsonl": "plain_text",
}
KNOWN = IN_CHILD.keys() | IN_PROCESS.keys()
_LEGACY = {".doc", ".xls", ".ppt", ".wps", ".et", ".dps"}
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"}
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_BINARY = (
    b"%PDF-",
    *_ZIP,
    _COMPOUND,
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x7fELF",
    b"MZ\x90",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
    b"{\\rtf",
)
MAX_BYTES = 50 * 1024 * 1024


def check_bytes(data: bytes, suffix: str) -> None:
    """Refuse what cannot be what its name says.

    Raises: DocumentRefused (empty, too_large, legacy_office, no_text_layer, unknown_format, encrypted, wrong_format).
    """
    if not data.strip(b"\x00\t\r\n "):
        raise DocumentRefused(reason="empty")
    if len(data) > MAX_BYTES:
        raise DocumentRefused(reason="too_large")
    if suffix in _LEGACY:
        raise DocumentRefused(reason="legacy_office")
    if suffix in _PICTURES:
        raise DocumentRefused(reason="no_text_layer")
    if suffix not in KNOWN:
        raise DocumentRefused(reason="unknown_format")
    if suffix in IN_CHILD:
        _check_binary(data, suffix)
    elif data.startswith(_BINARY):
        raise DocumentRefused(reason="wrong_format")


def _check_binary(data: bytes, suffix: str) -> None:
    if suffix == ".pdf":
        if b"%PDF-" not in data[:1024]:
            raise DocumentRefused(reason="wrong_format")
        return
    if data.startswith(_COMPOUND):  # Office keeps an encrypted document in the old container
        encrypted = "EncryptedPackage".encode("utf-16-le") in data
        raise DocumentRefused(reason="encrypted" if encrypted else "legacy_office")
    if not data.startswith(_ZIP):
        raise DocumentRefused(reason="wrong_format")


def parser(suffix: str) -> Callable[[bytes], ExtractedText]:
    """The parser of a known format; importing it may be slow."""
    name = {**IN_CHILD, **IN_PROCESS}[suffix]
    module = importlib.import_module(f"knowledge.ingestion.formats.{name}")
    return cast("Callable[[bytes], ExtractedText]", module.read)
