"""What an embedder wants to read before a question and before a passage; told by its files or by its family."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parents[2] / "prompts" / "embedders.toml"
_NOTHING = "none"
_QUESTION_KEYS = ("query", "question")
_PASSAGE_KEYS = ("document", "passage", "corpus")


@dataclass(frozen=True, slots=True)
class Instructions:
    """Put before every question and every passage that is embedded; empty: nothing."""

    question: str = ""
    passage: str = ""

    @property
    def fingerprint(self) -> str:
        """Part of an embedder's id: changes with either text; `plain` where there is none."""
        if not self.question and not self.passage:
            return "plain"
        return blake2b(f"{self.question}\0{self.passage}".encode(), digest_size=4).hexdigest()

    def overridden(self, question: str, passage: str) -> Instructions:
        """With what the settings say: empty leaves a text as it is, `none` takes it out, `\\n` is a line break."""
        return Instructions(_chosen(question, self.question), _chosen(passage, self.passage))


def instructions_of(*names: str, folder: Path | None = None) -> Instructions:
    """Of a model known by these names: as its own files say, else as its family is used, else none."""
    return _own(folder) or _of_family(names)


def pooling_of(*names: str) -> str:
    """How the family makes one vector of many, where no file tells: `mean`, `cls` or `lasttoken`."""
    return str(_family(names).get("pooling", "mean"))


def model_names(name: str) -> tuple[str, ...]:
    """The names that a path or a hub name tells: its last part, and the model's where it lies in a hub's cache."""
    parts = [part for part in re.split(r"[/\\]", name) if part]
    cached = [part.split("--")[-1] for part in parts if part.startswith("models--")]
    last = parts[-1:] if parts[-1:] != ["onnx"] else parts[-2:-1]
    return (*last, *cached)


def read_json(path: Path) -> Mapping[str, Any]:
    """The object in a model's file; empty where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _own(folder: Path | None) -> Instructions | None:
    prompts = read_json(folder / "config_sentence_transformers.json").get("prompts") if folder else None
    if not isinstance(prompts, dict):
        return None
    found = Instructions(_first(prompts, _QUESTION_KEYS), _first(prompts, _PASSAGE_KEYS))
    return found if found != Instructions() else None


def _first(prompts: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(prompts[key]) for key in keys if prompts.get(key)), "")


def _of_family(names: tuple[str, ...]) -> Instructions:
    family = _family(names)
    return Instructions(str(family.get("question", "")), str(family.get("passage", "")))


def _family(names: tuple[str, ...]) -> Mapping[str, Any]:
    for name in names:
        for family in _families():
            if re.search(family["pattern"], name, re.IGNORECASE):
                return family
    return {}


@cache
def _families() -> tuple[Mapping[str, Any], ...]:
    with _FILE.open("rb") as file:
        return tuple(tomllib.load(file)["family"])


def _chosen(said: str, otherwise: str) -> str:
    if said.strip().lower() == _NOTHING:
        return ""
    return said.replace("\\n", "\n") or otherwise
