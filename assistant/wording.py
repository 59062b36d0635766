"""Reads the fixed words: messages, phrases and prompt files under `prompts/`.

Prompt files carry front matter (id, version, owner, inputs, sample) and a body with `$name` slots; nothing else is
allowed, so that a change of wording is a visible diff and every draft can name `id@version`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

PROMPTS = Path(__file__).resolve().parent.parent / "prompts"


class PromptInvalid(Exception):
    """A prompt file has unknown keys, or its slots differ from its declared inputs."""


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    version: int
    owner: str
    inputs: tuple[str, ...]
    sample: dict[str, str]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One reviewed prompt; `reference` is what records carry."""

    id: str
    version: int
    inputs: tuple[str, ...]
    sample: Mapping[str, str]
    body: str

    @property
    def reference(self) -> str:
        """`id@version`."""
        return f"{self.id}@{self.version}"

    def render(self, **values: str) -> str:
        """The prompt with its slots filled. Raises: PromptInvalid when a slot is missing or unknown."""
        if set(values) != set(self.inputs):
            raise PromptInvalid(f"{self.reference}: expected {sorted(self.inputs)}, got {sorted(values)}")
        return Template(self.body).substitute(values)


def load_prompt(name: str, folder: Path = PROMPTS) -> Prompt:
    """Read `<name>.md`. Raises: PromptInvalid, pydantic.ValidationError."""
    text = (folder / f"{name}.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    header = _Header.model_validate(yaml.safe_load(front))
    slots = set(Template(body).get_identifiers())
    if slots != set(header.inputs) or set(header.sample) != slots:
        raise PromptInvalid(f"{name}: slots {sorted(slots)}, inputs {sorted(header.inputs)}")
    return Prompt(header.id, header.version, header.inputs, header.sample, body.strip())


@cache
def load_toml(name: str, folder: Path = PROMPTS) -> dict[str, Any]:
    """Read `<name>.toml`; the result is shared, so treat it as read-only."""
    with (folder / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


class Messages:
    """The Chinese sentences that people read, by key, e.g. `messages("no_evidence", question="…")`."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    @classmethod
    def load(cls) -> Messages:
        """From prompts/messages.zh.toml."""
        return cls(load_toml("messages.zh"))

    def __call__(self, key: str, **values: object) -> str:
        """The sentence for `key` with its slots filled. Raises: KeyError for an unknown key or missing slot."""
        return Template(self._texts[key]).substitute({name: str(value) for name, value in values.items()})

    def __contains__(self, key: str) -> bool:
        return key in self._texts
