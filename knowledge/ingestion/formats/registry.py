"""Which parser reads which file; what a file really is, told from its first bytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from knowledge.errors import DocumentRefused
from knowledge.ingestion.checks import actual_type
from knowledge.ingestion.extracted import ExtractedText

# Formats that are parsed in a child process, and those that are plain text underneath.
IN_CHILD = {".pdf": "pdf", ".docx": "docx", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".pptx": "pptx"}
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
_LEGACY = {".doc", ".ppt", ".wps", ".et", ".dps"}
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"}
_MACROS = {".docm", ".dotm", ".pptm", ".potm", ".ppsm", ".xltm", ".xlam"}
_SHEETS = {".xls", ".xlsx", ".xlsm", ".et"}
# What the bytes of a binary format must look like; old formats are told from each other by their parsers.
_EXPECTED = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".pptx": "pptx",
    **dict.fromkeys((*_LEGACY, ".xls"), "old_office"),
}
MAX_BYTES = 50 * 1024 * 1024
MAX_TEXT_BYTES = 10 * 1024 * 1024  # more than the characters that are read of any file, in every encoding


def check_bytes(data: bytes, suffix: str) -> None:
    """Refuse what cannot be what its name says.

    Raises: DocumentRefused (empty, too_large, macros, legacy_office, no_text_layer, unknown_format, encrypted,
        html_as_sheet, text_as_sheet, wrong_format with `suffix` and `actual`).
    """
    if not data.strip(b"\x00\t\r\n "):
        raise DocumentRefused(reason="empty")
    if len(data) > (MAX_TEXT_BYTES if suffix in IN_PROCESS else MAX_BYTES):
        raise DocumentRefused(reason="too_large")
    actual = actual_type(data)
    if suffix in _MACROS:
        raise DocumentRefused(reason="macros")
    if suffix in _PICTURES:
        raise DocumentRefused(reason="no_text_layer")
    if suffix not in KNOWN | _LEGACY:
        raise DocumentRefused(reason="unknown_format")
    if suffix in IN_PROCESS:
        fits = actual in {"text", "html", "xml_sheet"} or (actual == "unknown" and b"\x00" in data[:4096])
    else:
        _check_office(actual, suffix)
        fits = actual == _EXPECTED.get(suffix, actual)
    if not fits:
        raise DocumentRefused(reason="wrong_format", suffix=suffix, actual=actual)


def _check_office(actual: str, suffix: str) -> None:
    """What binary formats are mistaken for, with a reason of its own where people can do something about it."""
    if actual == "encrypted_office":
        raise DocumentRefused(reason="encrypted")
    if actual == "old_office_with_macros":
        raise DocumentRefused(reason="macros")
    if suffix in _SHEETS and actual in {"html", "xml_sheet"}:
        raise DocumentRefused(reason="html_as_sheet", suffix=suffix)
    if suffix in _SHEETS and actual == "text":
        raise DocumentRefused(reason="text_as_sheet", suffix=suffix)
    if suffix in _LEGACY - KNOWN and actual in {"old_office", "text", "unknown"}:
        raise DocumentRefused(reason="legacy_office")
    if actual == "old_office" and suffix not in _LEGACY | {".xls"}:
        raise DocumentRefused(reason="legacy_office")


def parser(suffix: str) -> Callable[[bytes], ExtractedText]:
    """The parser of a known format; importing it may be slow."""
    name = {**IN_CHILD, **IN_PROCESS}[suffix]
    module = importlib.import_module(f"knowledge.ingestion.formats.{name}")
    return cast("Callable[[bytes], ExtractedText]", module.read)
