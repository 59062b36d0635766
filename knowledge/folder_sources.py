"""Where a knowledge folder is read from: a folder on disk or a zip, neither of which is trusted."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from knowledge.errors import ImportRefused
from knowledge.folder_format import KNOWN_NAME, MANIFEST

LARGEST_FILE = 128 * 1024 * 1024
LARGEST_TOTAL = 1024 * 1024 * 1024
LARGEST_ZIP = 256 * 1024 * 1024
MOST_FILES = 500_000
MOST_ENTRIES = 65_000  # a zip with more needs other records, in which much can be hidden: use a folder
_MOST_RATIO = 200
_SMALL = 16 * 1024 * 1024
_UNREADABLE = (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, NotImplementedError, RuntimeError)
_DIRECTORY_END = struct.Struct("<4s4H2LH")


class FolderSource(Protocol):
    """The files of a knowledge folder by path with slashes."""

    def sizes(self) -> dict[str, int]:
        """Every file with its size in bytes. Raises: ImportRefused for what no knowledge folder holds."""
        ...

    def read(self, path: str) -> bytes:
        """One of those files. Raises: ImportRefused."""
        ...


@dataclass(frozen=True)
class DiskFolder:
    """A folder on disk; links and special files are refused."""

    root: Path

    def sizes(self) -> dict[str, int]:
        """As FolderSource."""
        if not self.root.is_dir():
            raise ImportRefused(reason="not_a_folder")
        found: dict[str, int] = {}
        for folder, folders, names in os.walk(self.root, followlinks=False):
            folders.sort()
            for name in [*folders, *names]:
                path = Path(folder, name)
                shown = path.relative_to(self.root).as_posix()
                mode = path.lstat()
                if stat.S_ISDIR(mode.st_mode):
                    continue
                if not stat.S_ISREG(mode.st_mode):
                    raise ImportRefused(reason="link", path=_shown(shown))
                found[shown] = mode.st_size
                if len(found) > MOST_FILES:
                    raise ImportRefused(reason="too_many")
        check_names(found)
        return found

    def read(self, path: str) -> bytes:
        """As FolderSource; the file that was looked at, whatever stands in its place by now."""
        check_names({path: 0})
        try:
            with os.fdopen(os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                data = file.read(LARGEST_FILE + 1)
        except OSError as exc:
            raise ImportRefused(reason="missing", path=_shown(path)) from exc
        if len(data) > LARGEST_FILE:
            raise ImportRefused(reason="too_large", path=_shown(path))
        return data


class ZipFolder:
    """A zip of a knowledge folder; its directory is checked before anything is unpacked."""

    def __init__(self, file: IO[bytes]) -> None:
        """Raises: ImportRefused (broken, too_many, too_large, ratio, path, duplicate, encrypted)."""
        size = _check_end(file)
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error) as exc:
            raise ImportRefused(reason="broken") from exc
        entries = [entry for entry in self._archive.infolist() if not entry.filename.endswith("/")]
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) != len(entries):
            raise ImportRefused(reason="duplicate")
        for entry in self._archive.infolist():
            _check_entry(entry)
        if sum(entry.file_size for entry in entries) > max(_SMALL, _MOST_RATIO * size):
            raise ImportRefused(reason="ratio")
        if sum(entry.compress_size for entry in entries) > size:
            raise ImportRefused(reason="ratio")  # entries that share their bytes

    def sizes(self) -> dict[str, int]:
        """As FolderSource."""
        found = {name: entry.file_size for name, entry in self._entries.items()}
        check_names(found)
        return found

    def read(self, path: str) -> bytes:
        """As FolderSource."""
        entry = self._entries.get(path)
        if entry is None:
            raise ImportRefused(reason="missing", path=_shown(path))
        try:
            with self._archive.open(entry) as file:
                data = file.read(entry.file_size + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            ValueError,
            OSError,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as exc:
            raise ImportRefused(reason="broken", path=_shown(path)) from exc
        if len(data) != entry.file_size:
            raise ImportRefused(reason="broken", path=_shown(path))
        return data


def check_names(sizes: dict[str, int]) -> None:
    """Only names that a knowledge folder has, none too large, all together not too large. Raises: ImportRefused."""
    for name, size in sizes.items():
        if name != MANIFEST and not KNOWN_NAME.fullmatch(name):
            raise ImportRefused(reason="path", path=_shown(name))
        if size > LARGEST_FILE:
            raise ImportRefused(reason="too_large", path=_shown(name))
    if sum(sizes.values()) > LARGEST_TOTAL:
        raise ImportRefused(reason="too_large")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if entry.flag_bits & 0x41:
        raise ImportRefused(reason="encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ImportRefused(reason="broken", path=_shown(name))
    if (entry.external_attr >> 28) == 0xA:
        raise ImportRefused(reason="link", path=_shown(name))
    folder = name.endswith("/") and ".." not in name and not name.startswith("/")
    if name != entry.filename or not (folder or name == MANIFEST or KNOWN_NAME.fullmatch(name)):
        raise ImportRefused(reason="path", path=_shown(name))


def _check_end(file: IO[bytes]) -> int:
    """The directory's own count, before the directory is read. Returns: the size of the zip."""
    size = file.seek(0, os.SEEK_END)
    if size > LARGEST_ZIP:
        raise ImportRefused(reason="too_large")
    file.seek(max(0, size - 66_000))
    tail = file.read(66_000)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _DIRECTORY_END.size > len(tail):
        raise ImportRefused(reason="broken")
    _, _, _, _, entries, directory, _, _ = _DIRECTORY_END.unpack_from(tail, at)
    if entries > MOST_ENTRIES or directory > MOST_ENTRIES * 512 or b"PK\x06\x07" in tail[max(0, at - 20) : at]:
        raise ImportRefused(reason="too_many")
    file.seek(0)
    return size


def _shown(name: str) -> str:
    """A name from outside, short and without marks that change how a sentence is shown."""
    return "".join(char if char.isprintable() else "?" for char in name)[:120]
