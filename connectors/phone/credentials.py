"""Credentials of the demo's own corp and of its console: made once, kept where only this user reads them."""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Sequence
from pathlib import Path

_FILE = "demo.json"
_PASSWORDS = "demo-passwords.json"
_KEYS = frozenset({"wecom_corp_id", "wecom_agent_id", "wecom_secret", "wecom_token", "wecom_aes_key"})
_SIGNS = string.ascii_letters + string.digits
_AES_KEY_LENGTH = 43


def demo_credentials(home: Path) -> dict[str, str]:
    """The demo's WeCom settings by their names, from `home`/demo.json; made there with mode 0600 when missing."""
    path = home / _FILE
    known = _read(path)
    if known is None:
        known = _fresh()
        home.mkdir(parents=True, exist_ok=True)
        _write(path, known)
    return known


def demo_passwords(home: Path, userids: Sequence[str]) -> dict[str, str]:
    """First passwords of the sample bank's console accounts by userid, from `home`; made there when missing."""
    path = home / _PASSWORDS
    known = _texts(path) or {}
    missing = {userid: _random(14) for userid in userids if userid not in known}
    if missing:
        home.mkdir(parents=True, exist_ok=True)
        _write(path, {**known, **missing})
    return {userid: {**known, **missing}[userid] for userid in userids}


def _read(path: Path) -> dict[str, str] | None:
    kept = _texts(path)
    if kept is None or set(kept) != _KEYS:
        return None
    return kept if len(kept["wecom_aes_key"]) == _AES_KEY_LENGTH else None


def _texts(path: Path) -> dict[str, str] | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    fits = isinstance(kept, dict) and all(isinstance(each, str) for each in kept.values())
    return kept if fits else None


def _fresh() -> dict[str, str]:
    return {
        "wecom_corp_id": "wwdemo" + _random(12).lower(),
        "wecom_agent_id": "1000002",
        "wecom_secret": _random(43),
        "wecom_token": _random(24),
        # The last sign of 43 holds only two bits more; A is right for every decoder.
        "wecom_aes_key": _random(_AES_KEY_LENGTH - 1) + "A",
    }


def _random(length: int) -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(length))


def _write(path: Path, credentials: dict[str, str]) -> None:
    """Through a file beside it, so that two starts at once end with one whole file."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(credentials, file, indent=1)
    beside.replace(path)
