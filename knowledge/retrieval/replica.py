"""The files of a lexical index and what says that they are whole.

`state.json` is taken away before anything is written and put back when all of it is on disk: where it stands, and the
sums in it agree, the folder is what it says.
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FORMAT = "lexical-3"  # raise it when fields, folding or terms change


@dataclass
class ReplicaState:
    """The revision the files follow and, per passage, its slot number and a digest of its content."""

    revision: int = -1
    slots: dict[str, tuple[int, str]] = field(default_factory=dict)
    next_slot: int = 0


class Replica:
    """One folder; whoever writes holds its lock."""

    def __init__(self, folder: Path) -> None:
        self._state_file = folder / "state.json"
        self.segments = folder / "segments"

    def read(self) -> ReplicaState | None:
        """What the folder holds, or None when it is absent, of another format, half written or damaged."""
        try:
            body: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            if body["format"] != FORMAT or body["files"] != self._sums():
                raise ValueError("format or files")
            slots = {str(name): (int(slot), str(digest)) for name, (slot, digest) in body["slots"].items()}
            return ReplicaState(int(body["revision"]), slots, int(body["next_slot"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            log.warning("lexical_folder_damaged", extra={"cause": type(exc).__name__})
            return None

    def begin(self) -> None:
        """From here on the folder does not count until `commit`."""
        self._state_file.unlink(missing_ok=True)

    def clear(self) -> None:
        """An empty folder for segments."""
        self.begin()
        shutil.rmtree(self.segments, ignore_errors=True)
        self.segments.mkdir(parents=True, exist_ok=True)

    def commit(self, state: ReplicaState) -> None:
        """Declare the files whole."""
        body = {"format": FORMAT, "revision": state.revision, "next_slot": state.next_slot, "files": self._sums()}
        part = self._state_file.with_suffix(".part")
        part.write_text(json.dumps({**body, "slots": state.slots}, ensure_ascii=False), encoding="utf-8")
        part.replace(self._state_file)

    def _sums(self) -> dict[str, str]:
        files = (path for path in sorted(self.segments.iterdir()) if path.suffix != ".lock")
        return {path.name: blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in files}
