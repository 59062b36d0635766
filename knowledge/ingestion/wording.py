"""The Chinese words of loading documents, read from `prompts/ingestion.zh.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

_FILE = Path(__file__).resolve().parents[2] / "prompts" / "ingestion.zh.toml"


@cache
def words(table: str) -> Mapping[str, Any]:
    """One table of the file; shared, so treat it as read-only. Raises: KeyError."""
    with _FILE.open("rb") as file:
        found = tomllib.load(file)[table]
    return dict(found)


def sentence(table: str, key: str, **slots: str) -> str:
    """A sentence with its slots filled; a slot without a value stays empty."""
    template = Template(str(words(table)[key]))
    return template.substitute({name: slots.get(name, "") for name in template.get_identifiers()})


def reason_sentence(reason: str, **ids: str) -> str:
    """What to tell people about a refused file and what to do next; `reason` is DocumentRefused.ids["reason"]."""
    kinds = words("file_types")
    actual = str(kinds.get(ids.get("actual", ""), kinds["unknown"]))
    return sentence("reasons", reason if reason in words("reasons") else "broken", **ids, actual_name=actual)


def warning_sentence(warning: str, **slots: str) -> str:
    """What to tell people about a file that was loaded with a doubt."""
    return sentence("warnings", warning, **slots)
