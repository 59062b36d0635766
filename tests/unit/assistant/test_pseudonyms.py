"""Pseudonyms are stable, keyed, and made once however many ask at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from assistant.pseudonyms import KEY_BYTES, KEY_FILE, Pseudonyms


def test_the_same_person_has_the_same_name_under_one_key() -> None:
    people = Pseudonyms(b"k" * KEY_BYTES)
    assert people.of("rm001") == people.of("rm001")
    assert people.of("rm001") != people.of("rm002")
    assert people.of("rm001") != Pseudonyms(b"q" * KEY_BYTES).of("rm001")
    assert "rm001" not in people.of("rm001")


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        keys = {people.key for people in pool.map(lambda _: Pseudonyms.kept_in(home), range(32))}
    assert len(keys) == 1
    assert [len(key) for key in keys] == [KEY_BYTES]
    assert stat.S_IMODE((home / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == [KEY_FILE]
