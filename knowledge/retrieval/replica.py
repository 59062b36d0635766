"""The files of a lexical index and what says that they are whole.

`state.json` is taken away before anything is written and put back when all of it is on disk: where it stands, and the
sums in it agree, the folder is what it says. Which passage has which slot stands in `slots.json`; a change only appends
a line to `changes.jsonl`, until there are so many that the whole is written again.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from typing import Any

from knowledge.retrieval.locking import FolderLock

log = logging.getLogger(__name__)

FORMAT = "lexical-4"  # raise it when fields, folding or terms change
_CHANGES_AT_MOST = 1 << 20  # bytes of changes.jsonl before slots.json is written anew
_COPY_TRIES = 3
_Slot = tuple[int, str]


@dataclass
class ReplicaState:
    """The revision the files follow and, per passage, its slot number and a digest of its content."""

    revision: int = -1
    slots: dict[str, _Slot] = field(default_factory=dict)
    next_slot: int = 0


class Replica:
    """One folder; whoever writes holds its lock. `counts` False: a copy that lives as long as its process."""

    def __init__(self, folder: Path, *, counts: bool = True) -> None:
        self._folder, self._counts = folder, counts
        self._state_file, self._slots_file = folder / "state.json", folder / "slots.json"
        self._changes_file = folder / "changes.jsonl"
        self.segments = folder / "segments"
        self._lock: FolderLock | None = None
        self._known_sums: dict[tuple[str, int, int], str] = {}
        self._base: str | None = None  # sum of slots.json as it was written or read last
        self._changes = blake2b(digest_size=16)
        self._changes_bytes = 0

    def read(self) -> ReplicaState | None:
        """What the folder holds, or None when it is absent, of another format, half written or damaged."""
        try:
            body: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            if body["format"] != FORMAT or body["files"] != self._sums():
                raise ValueError("format or files")
            base, changes = self._slots_file.read_bytes(), self._read_changes(int(body["changes_bytes"]))
            if body["slots_sum"] != _sum(base) or body["changes_sum"] != _sum(changes):
                raise ValueError("slots")
            slots = {str(name): (int(slot), str(digest)) for name, (slot, digest) in json.loads(base).items()}
            _apply(slots, changes)
            self._base, self._changes = _sum(base), blake2b(changes, digest_size=16)
            self._changes_bytes = len(changes)
            return ReplicaState(int(body["revision"]), slots, int(body["next_slot"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            log.warning("lexical_folder_damaged", extra={"cause": type(exc).__name__})
            return None

    def begin(self) -> None:
        """From here on the folder does not count until `commit`."""
        if self._counts:
            self._state_file.unlink(missing_ok=True)

    def clear(self) -> None:
        """An empty folder for segments."""
        self.begin()
        self._base = None
        shutil.rmtree(self.segments, ignore_errors=True)
        self.segments.mkdir(parents=True, exist_ok=True)

    def commit(self, state: ReplicaState, gone: Collection[str], added: Mapping[str, _Slot]) -> None:
        """Declare the files whole; `gone` and `added` are what `state` differs by from the last commit."""
        if not self._counts:
            return
        if self._base is None or self._changes_bytes > max(_CHANGES_AT_MOST, 32 * len(state.slots)):
            self._write_slots(state)
        elif gone or added:
            self._append([sorted(gone), dict(added)])
        body = {"format": FORMAT, "revision": state.revision, "next_slot": state.next_slot, "files": self._sums()}
        body |= {"slots_sum": self._base, "changes_sum": self._changes.hexdigest()}
        part = self._state_file.with_suffix(".part")
        part.write_text(json.dumps({**body, "changes_bytes": self._changes_bytes}), encoding="utf-8")
        part.replace(self._state_file)

    # -- copies for other processes

    def copy(self) -> Replica | None:
        """The folder as another process may have it for itself, or None when it is not whole or cannot be copied."""
        for _ in range(_COPY_TRIES):
            copy = Replica(self._folder / "copies" / token_hex(6), counts=False)
            try:
                before = self._state_file.read_bytes()
                copy.take(self)
                if self._state_file.read_bytes() == before:
                    return copy
            except FileNotFoundError:
                log.info("lexical_folder_changing")  # its owner is writing, or nobody has written yet
            except OSError as exc:
                log.warning("lexical_copy_failed", extra={"cause": type(exc).__name__})
            copy.remove()
        return None

    def take(self, original: Replica) -> None:
        """Link or copy the files of `original`; this copy is locked until `remove`."""
        self.segments.mkdir(parents=True)
        self._lock = FolderLock(self._folder / "lock")
        self._lock.acquire()
        for name in ("state.json", "slots.json", "changes.jsonl"):
            if (original._folder / name).exists():
                shutil.copyfile(original._folder / name, self._folder / name)
        for path in original.segments.iterdir():
            if path.suffix == ".lock":
                continue
            if path.suffix == ".json":  # tantivy writes these again; segments it never does
                shutil.copyfile(path, self.segments / path.name)
            else:
                _link(path, self.segments / path.name)

    def remove(self) -> None:
        """Delete the files of a copy."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock:
            self._lock.release()

    def sweep_copies(self) -> None:
        """Delete copies whose process is gone."""
        for path in (self._folder / "copies").glob("*"):
            lock = FolderLock(path / "lock")
            if lock.acquire():
                shutil.rmtree(path, ignore_errors=True)
                lock.release()

    # -- slots and sums

    def _write_slots(self, state: ReplicaState) -> None:
        body = json.dumps(state.slots, ensure_ascii=False).encode()
        self._slots_file.write_bytes(body)
        self._changes_file.write_bytes(b"")
        self._base, self._changes, self._changes_bytes = _sum(body), blake2b(digest_size=16), 0

    def _append(self, change: list[Any]) -> None:
        line = (json.dumps(change, ensure_ascii=False) + "\n").encode()
        with self._changes_file.open("r+b") as file:
            file.truncate(self._changes_bytes)  # what a killed writer may have left behind
            file.seek(self._changes_bytes)
            file.write(line)
        self._changes.update(line)
        self._changes_bytes += len(line)

    def _read_changes(self, length: int) -> bytes:
        return self._changes_file.read_bytes()[:length]

    def _sums(self) -> dict[str, str]:
        """Sums by file name; a file that has not been touched since is not read again."""
        found, known = {}, {}
        for path in sorted(self.segments.iterdir()):
            if path.suffix == ".lock":
                continue
            about = path.stat()
            key = (path.name, about.st_size, about.st_mtime_ns)
            known[key] = found[path.name] = self._known_sums.get(key) or _sum(path.read_bytes())
        self._known_sums = known
        return found


def _apply(slots: dict[str, _Slot], changes: bytes) -> None:
    for line in changes.splitlines():
        gone, added = json.loads(line)
        for name in gone:
            slots.pop(name, None)
        slots.update({str(name): (int(slot), str(digest)) for name, (slot, digest) in added.items()})


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _sum(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()
