"""Look at a zip's directory before anything in it is unpacked."""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
from itertools import pairwise

from knowledge.errors import DocumentRefused

MAX_UNPACKED = 200 * 1024 * 1024
MAX_ENTRIES = 2_000
_MAX_RATIO = 100
_SMALL = 1024 * 1024
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_NESTED = (
    ".zip", ".7z", ".rar", ".gz", ".bz2", ".xz", ".tar", ".cab", ".iso", ".exe", ".dll", ".com", ".scr", ".msi", ".js",
    ".jse", ".vbs", ".vbe", ".wsf", ".hta", ".ps1", ".bat", ".cmd", ".jar", ".lnk",
)  # fmt: skip
_NESTED_STARTS = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"MZ", b"\x7fELF")
_DIRECTORY_END = struct.Struct("<4s4H2LH")


def check_archive(data: bytes) -> None:
    """Refuse a zip that would unpack to too much, or whose directory no office program would write.

    Raises: DocumentRefused (broken, encrypted, zip_entries, zip_too_large, zip_ratio, zip_path, zip_duplicate,
        zip_nested), with `entry` where one entry is to blame.
    """
    _check_count(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error) as exc:
        raise DocumentRefused(reason="broken") from exc
    if len(entries) > MAX_ENTRIES:
        raise DocumentRefused(reason="zip_entries")
    for entry in entries:
        _check_entry(entry)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        raise DocumentRefused(reason="zip_too_large")
    if unpacked > _SMALL and unpacked > _MAX_RATIO * len(data):
        raise DocumentRefused(reason="zip_ratio")
    _check_layout(entries)
    _check_names(entries)


def _check_count(data: bytes) -> None:
    """The directory's own count, before a million lines of it are read."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 66_000))
    if at < 0 or at + _DIRECTORY_END.size > len(data):
        raise DocumentRefused(reason="broken")
    _, _, _, _, entries, size, _, _ = _DIRECTORY_END.unpack_from(data, at)
    if entries > MAX_ENTRIES or size > MAX_ENTRIES * 1024:
        raise DocumentRefused(reason="zip_entries")


def _check_layout(entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share their bytes unpack to far more than the directory admits."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(ordered):
        if entry.header_offset + entry.compress_size > following.header_offset:
            raise DocumentRefused(reason="zip_ratio", entry=_shown(following))


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename.replace("\\", "/")
    parts = name.split("/")
    if (
        name.startswith("/")
        or ":" in name
        or ".." in parts
        or posixpath.normpath(name).startswith("..")
        or "\\" in entry.orig_filename
        or len(name) > 255
        or any(ord(char) < 0x20 for char in name)
    ):
        raise DocumentRefused(reason="zip_path", entry=_shown(entry))
    if (entry.external_attr >> 28) == 0xA:  # a symbolic link
        raise DocumentRefused(reason="zip_path", entry=_shown(entry))
    if entry.flag_bits & 0x41:
        raise DocumentRefused(reason="encrypted")
    if entry.compress_type not in _METHODS:
        raise DocumentRefused(reason="broken")
    if name.lower().endswith(_NESTED):
        raise DocumentRefused(reason="zip_nested", entry=_shown(entry))
    if entry.file_size > _SMALL and entry.file_size > _MAX_RATIO * max(entry.compress_size, 1):
        raise DocumentRefused(reason="zip_ratio", entry=_shown(entry))


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    """Two entries of one name show one thing to a checker and another to a reader."""
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename.lower()
        if name in seen:
            raise DocumentRefused(reason="zip_duplicate", entry=_shown(entry))
        seen.add(name)


def is_nested(opening: bytes) -> bool:
    """Whether a part of a document begins like another archive or a program."""
    return opening.startswith(_NESTED_STARTS)


def _shown(entry: zipfile.ZipInfo) -> str:
    """An entry's name, short and without marks that would change how a sentence is shown."""
    return "".join(char if char.isprintable() else "?" for char in entry.orig_filename)[:60]
