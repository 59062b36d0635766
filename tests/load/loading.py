"""What loading makes of foreign files: `python -m tests.load.loading FOLDER...` prints one line a file.

A `manifest.jsonl` in a folder, or above it, may say per `file` what its passages must hold (`expect_contains`).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from knowledge.errors import DocumentRefused
from knowledge.ingestion.extracted import ExtractedText
from knowledge.ingestion.formats.registry import check_bytes
from knowledge.ingestion.ingest import files_below
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.sandbox import shared

_NOT_DOCUMENTS = {"manifest.jsonl"}


@dataclass(frozen=True, slots=True)
class Loading:
    """One file's outcome. `outcome` is `loaded` or a reason; `missing` is what was expected and not found."""

    file: Path
    outcome: str
    passages: int
    seconds: float
    peak_mb: float
    expected: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Extracting:
    """Reads in the limited process and remembers the most memory that it held."""

    peak_bytes: int = 0
    texts: list[ExtractedText] = field(default_factory=list)

    def __call__(self, data: bytes, suffix: str) -> ExtractedText:
        check_bytes(data, suffix)
        parsed = shared().parse(data, suffix)
        self.peak_bytes = max(self.peak_bytes, parsed.peak_bytes)
        return parsed.extracted


def load(file: Path, expected: tuple[str, ...] = ()) -> Loading:
    """Read one file as ingestion would, without storing anything."""
    extract = _Extracting()
    started = time.perf_counter()
    try:
        documents = read_document(file.read_bytes(), file.name, extract=extract)
    except DocumentRefused as exc:
        peak = max(extract.peak_bytes, int(exc.ids.get("peak_bytes", "0")))
        seconds = time.perf_counter() - started
        return Loading(file, exc.ids.get("reason", ""), 0, seconds, peak / 2**20, expected, expected)
    seconds = time.perf_counter() - started
    passages = [passage.text for document in documents for passage in document.passages]
    whole = "\n".join(passages)
    return Loading(
        file,
        "loaded",
        len(passages),
        seconds,
        extract.peak_bytes / 2**20,
        expected,
        tuple(text for text in expected if text not in whole),
        tuple(dict.fromkeys(doubt.code for document in documents for doubt in document.doubts)),
    )


def load_all(folders: list[Path]) -> Iterator[Loading]:
    """Every file below the folders."""
    for folder in folders:
        expected = _expected(folder)
        for file in files_below(folder):
            if file.name not in _NOT_DOCUMENTS:
                yield load(file, expected.get(file.resolve(), ()))


def _expected(folder: Path) -> dict[Path, tuple[str, ...]]:
    for place in (folder, *folder.resolve().parents):
        manifest = place / "manifest.jsonl"
        if manifest.is_file():
            entries = (json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines())
            return {(place / item["file"]).resolve(): tuple(item.get("expect_contains", ())) for item in entries}
    return {}


def main(folders: list[str]) -> None:
    """Print the table and the totals."""
    table = Table("file", "outcome", "passages", "s", "peak MB", "expected", "doubts")
    found = list(load_all([Path(folder) for folder in folders]))
    for item in found:
        met = f"{len(item.expected) - len(item.missing)}/{len(item.expected)}" if item.expected else ""
        table.add_row(
            item.file.name,
            item.outcome,
            str(item.passages),
            f"{item.seconds:.2f}",
            f"{item.peak_mb:.0f}" if item.peak_mb else "",
            f"{met} {' '.join(item.missing)}".strip(),
            " ".join(item.doubts),
        )
    console = Console()
    console.print(table)
    loaded = sum(item.outcome == "loaded" for item in found)
    hits = sum(len(item.expected) - len(item.missing) for item in found)
    console.print(f"{loaded} loaded, {len(found) - loaded} refused, {sum(item.passages for item in found)} passages")
    console.print(f"expected texts met: {hits} of {sum(len(item.expected) for item in found)}")


if __name__ == "__main__":
    main(sys.argv[1:])
