"""Stable names for people that only the holder of a key can trace back."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

KEY_FILE = "pseudonym.key"
KEY_BYTES = 32


@dataclass(frozen=True)
class Pseudonyms:
    """A keyed hash: the same person always has the same name, and nobody without the key can guess who it is."""

    key: bytes

    @classmethod
    def kept_in(cls, home: Path) -> Pseudonyms:
        """With the key of this data folder; made on first use, readable by its owner only. Raises: OSError."""
        path = home / KEY_FILE
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            _create_whole(path, secrets.token_bytes(KEY_BYTES))
        return cls(path.read_bytes())

    def of(self, userid: str) -> str:
        """The person's name in exports."""
        return "p_" + hmac.new(self.key, userid.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:16]


def _create_whole(path: Path, content: bytes) -> None:
    """The file with its content at once, or the one that somebody else made first."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
