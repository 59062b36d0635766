"""All knowledge as files: every version with its metadata, every passage."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from knowledge.stores.repository import KnowledgeStore

VERSIONS, PASSAGES = "versions.jsonl", "passages.jsonl"


def export_knowledge(store: KnowledgeStore, folder: Path) -> dict[str, int]:
    """Write versions of every status and their passages into `folder`; returns how many `versions` and `passages`."""
    counts = {"versions": 0, "passages": 0}
    with (
        (folder / VERSIONS).open("w", encoding="utf-8") as versions,
        (folder / PASSAGES).open("w", encoding="utf-8") as passages,
    ):
        for version in store.versions():
            versions.write(_line(asdict(version)))
            counts["versions"] += 1
            for passage in store.passages_of(version.version_id):
                passages.write(_line({**asdict(passage), "status": version.status.value}))
                counts["passages"] += 1
    return counts


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(type(value).__name__)
