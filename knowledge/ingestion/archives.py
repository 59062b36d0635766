"""Look at a zip's directory before anything in it is unpacked."""

from __future__ import annotations

import io
import posixpath
import zipfile
from itertools import pairwise

from knowledge.errors import DocumentRefused

_MAX_UNPACKED = 200 * 1024 * 1024
_MAX_RATIO = 100
_MAX_ENTRIES = 2_000
_SMALL = 1024 * 1024
_NESTED = (".zip", ".7z", ".rar", ".gz", ".exe", ".dll", ".js", ".vbs", ".bat", ".jar")
_MUST_HAVE = {".docx": "word/", ".xlsx": "xl/", ".xlsm": "xl/", ".pptx": "ppt/"}


def check_archive(data: bytes, suffix: str) -> None:
    """Refuse a zip that would unpack to too much, or that is not the kind of document its name says.

    Raises: DocumentRefused (wrong_format, broken, encrypted, zip_entries, zip_too_large, zip_ratio, zip_path,
        zip_nested).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as exc:
        raise DocumentRefused(reason="broken") from exc
    if len(entries) > _MAX_ENTRIES:
        raise DocumentRefused(reason="zip_entries")
    if sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
        raise DocumentRefused(reason="zip_too_large")
    _check_layout(entries)
    for entry in entries:
        _check_entry(entry)
    if not any(entry.filename.startswith(_MUST_HAVE[suffix]) for entry in entries):
        raise DocumentRefused(reason="wrong_format")


def _check_layout(entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share their bytes unpack to far more than the directory admits."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(ordered):
        if entry.header_offset + entry.compress_size > following.header_offset:
            raise DocumentRefused(reason="zip_ratio")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ":" in name or posixpath.normpath(name).startswith(".."):
        raise DocumentRefused(reason="zip_path")
    if entry.flag_bits & 0x1:
        raise DocumentRefused(reason="encrypted")
    if name.lower().endswith(_NESTED):
        raise DocumentRefused(reason="zip_nested")
    if entry.file_size > _SMALL and entry.file_size > _MAX_RATIO * max(entry.compress_size, 1):
        raise DocumentRefused(reason="zip_ratio")
