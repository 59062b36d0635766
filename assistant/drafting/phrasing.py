"""Chooses among approved wordings, repeatably: the same RM, question and variant give the same words."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from string import Template

from assistant.wording import load_toml


def stable_number(*parts: object) -> int:
    """A number that depends on `parts` only, the same in every process; 0 <= n < 2**32."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


class Phrasing:
    """Picks wordings for one draft. `said` wordings come last, so that nobody reads the same sentence twice."""

    def __init__(self, seed: str, variant: int, said: Collection[str] = ()) -> None:
        self._seed = seed
        self._variant = variant
        self._said = said
        self._grammar = load_toml("phrases.zh")

    @property
    def reference(self) -> str:
        """`id@version` of the grammar."""
        return f"{self._grammar['id']}@{self._grammar['version']}"

    def pick(self, options: Sequence[str], slot: str) -> str:
        """One of `options`; another one for the next variant; "" when there is none."""
        fresh = [option for option in options if not self._was_said(option)] or list(options)
        if not fresh:
            return ""
        return fresh[(stable_number(self._seed, slot) + self._variant) % len(fresh)]

    def phrase(self, section: str, key: str = "texts", **values: object) -> str:
        """One filled variant of the grammar's `section.key`; "" when the grammar has no such key."""
        options = self._grammar[section].get(key, ())
        return Template(self.pick(options, f"{section}.{key}")).substitute({k: str(v) for k, v in values.items()})

    def _was_said(self, option: str) -> bool:
        return any(option and option in text for text in self._said)
