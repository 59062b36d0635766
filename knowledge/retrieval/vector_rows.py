"""Rows of (content key, vector), only ever added to: in memory, or in a file that all processes of a machine share.

What is behind a content key never changes, so a row is true for as long as the file is: a process that needs a key
looks for it here, and adds what nobody has added yet. Which of the rows are to be searched, each process knows itself.
The file is mapped, so processes share one copy in memory, and only what is looked at is there. Each row carries a sum;
one that a crash left half written or empty is not counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.embedding import Vectors
from knowledge.retrieval.locking import FolderLock

LONGEST_KEY = 64  # bytes: sha256 in hexadecimal
_SEAL = np.uint32(0x57414931)  # so that a row of zeros is not sound
_AT_ONCE = 8_192
_PATIENCE_S = 10.0
_PAUSE_S = 0.005
Records = npt.NDArray[np.void]
_Sound = npt.NDArray[np.bool_]


class VectorRows(Protocol):
    """Rows in the order in which they were added."""

    def read(self) -> tuple[Records, _Sound]:
        """All rows that there are now (fields `key` and `vector`), and which of them are sound; stays as it is."""
        ...

    def append(self, keys: Sequence[str], vectors: Vectors) -> None:
        """Add rows. Raises: OSError when they cannot be written."""
        ...

    def replaced(self) -> bool:
        """Whether somebody else has begun anew, so that row numbers mean nothing any more."""
        ...

    def begin_anew(self) -> None:
        """Throw all rows away."""
        ...


def record_type(dimension: int) -> np.dtype[np.void]:
    """One row."""
    return np.dtype([("key", f"S{LONGEST_KEY}"), ("sum", "<u4"), ("vector", "<f4", (dimension,))])


class RowsInMemory:
    """For one process."""

    def __init__(self, dimension: int) -> None:
        self._type = record_type(dimension)
        self._buffer, self._count = np.empty(0, dtype=self._type), 0

    def read(self) -> tuple[Records, _Sound]:
        """See VectorRows; rows added later stand behind these, in the same memory or in a larger copy."""
        return self._buffer[: self._count], np.ones(self._count, dtype=np.bool_)

    def append(self, keys: Sequence[str], vectors: Vectors) -> None:
        """Add rows."""
        count = self._count + len(keys)
        if count > len(self._buffer):
            larger = np.empty(max(count, len(self._buffer) * 5 // 4), dtype=self._type)
            larger[: self._count] = self._buffer[: self._count]
            self._buffer = larger
        self._buffer[self._count : count] = _records(self._type, keys, vectors)
        self._count = count

    def replaced(self) -> bool:
        """Never."""
        return False

    def begin_anew(self) -> None:
        """Throw all rows away."""
        self._buffer, self._count = np.empty(0, dtype=self._type), 0


class RowsInFile:
    """For all processes of a machine; one file per embedder."""

    def __init__(self, folder: Path, embedder_id: str, dimension: int) -> None:
        """Raises: OSError when the folder cannot be written."""
        self._type = record_type(dimension)
        name = blake2b(f"{embedder_id}\n{dimension}".encode(), digest_size=8).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._lock = folder / f"{name}.rows", FolderLock(folder / "lock")
        self._inode = 0
        self._records: Records = np.empty(0, dtype=self._type)
        self._sound: _Sound = np.empty(0, dtype=np.bool_)
        with self._turn():
            for other in folder.glob("*.rows"):
                if other != self._path:
                    other.unlink(missing_ok=True)  # of another embedder; who has it open keeps it
            self._open()

    def read(self) -> tuple[Records, _Sound]:
        """See VectorRows; looks only once at the sums of a row."""
        count = os.stat(self._path).st_size // self._type.itemsize if not self.replaced() else len(self._sound)
        if count > len(self._sound):
            fresh = [_is_sound(part) for part in self._parts(len(self._sound), count)]
            self._sound = np.concatenate([self._sound, *fresh])
            mapped = np.memmap(self._path, dtype=self._type, mode="r", shape=(count,))
            self._records = mapped.view(np.ndarray)  # numpy's own class for maps is slow to index
        return self._records, self._sound

    def append(self, keys: Sequence[str], vectors: Vectors) -> None:
        """Add rows at the end, whatever others have added meanwhile."""
        body = _records(self._type, keys, vectors).tobytes()
        with self._turn(), self._path.open("r+b") as file:
            whole = file.seek(0, os.SEEK_END) // self._type.itemsize * self._type.itemsize
            file.truncate(whole)  # a writer that was killed may have left half a row
            file.seek(whole)
            file.write(body)

    def replaced(self) -> bool:
        """Whether the file is no longer the one that was opened."""
        try:
            return os.stat(self._path).st_ino != self._inode
        except OSError:
            return True

    def begin_anew(self) -> None:
        """A new file; who has the old one open keeps it until it looks."""
        with self._turn():
            if not self.replaced():
                self._path.unlink()
            self._open()

    def _open(self) -> None:
        self._path.touch(mode=0o600)
        self._inode = os.stat(self._path).st_ino
        self._records, self._sound = np.empty(0, dtype=self._type), np.empty(0, dtype=np.bool_)

    def _parts(self, first: int, until: int) -> Iterator[Records]:
        """Read, not mapped: what is only checked need not stay in memory."""
        with self._path.open("rb") as file:
            file.seek(first * self._type.itemsize)
            for start in range(first, until, _AT_ONCE):
                yield np.fromfile(file, dtype=self._type, count=min(_AT_ONCE, until - start))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The only writer on this machine for the length of the block. Raises: OSError after some patience."""
        until = time.monotonic() + _PATIENCE_S
        while not self._lock.acquire():
            if time.monotonic() > until:
                raise TimeoutError(str(self._path))
            time.sleep(_PAUSE_S)
        try:
            yield
        finally:
            self._lock.release()


def _records(kind: np.dtype[np.void], keys: Sequence[str], vectors: Vectors) -> Records:
    """Raises: ValueError for a key that is too long."""
    if any(len(key) > LONGEST_KEY for key in keys):
        raise ValueError("key")
    records: Any = np.zeros(len(keys), dtype=kind)
    records["key"], records["vector"] = [key.encode() for key in keys], vectors
    records["sum"] = _sums(records)
    return records  # type: ignore[no-any-return]  # numpy does not type the fields of a record


def _is_sound(records: Records) -> _Sound:
    words = records.view("<u4").reshape(len(records), -1)
    sound: _Sound = np.bitwise_xor.reduce(words, axis=1) == _SEAL
    return sound


def _sums(records: Records) -> npt.NDArray[np.uint32]:
    """So that all words of a row with its sum, by exclusive or, give the seal."""
    words = records.view("<u4").reshape(len(records), -1)
    sums: npt.NDArray[np.uint32] = np.bitwise_xor.reduce(words, axis=1) ^ _SEAL
    return sums
