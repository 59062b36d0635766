"""Load every hostile file beside a served web app: `python -m tests.hostile.run [--out table.md] [--only WORD]`.

The files go through the real ingestor into a real SQLite file, in the process that also answers `/healthz`: whatever
holds that process shows there. Ends with status 1 when any promise is broken.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import text

from assistant.masking import mask
from assistant.records.migrate import upgrade
from assistant.records.records import Records
from connectors.health import health_router
from knowledge.errors import DocumentRefused
from knowledge.ingestion.confinement import MEMORY_BYTES
from knowledge.ingestion.extracted import ExtractedText
from knowledge.ingestion.formats.registry import check_bytes
from knowledge.ingestion.ingest import IngestedFile, Ingestor, Outcome, Upload
from knowledge.ingestion.readers import read_document, refusal_sentence
from knowledge.ingestion.sandbox import Sandbox, shared
from knowledge.ingestion.wording import words
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore
from tests.hostile.cases import LOADED, Hostile
from tests.hostile.generate import hostile_files
from tests.serving import running

HEALTH_S = 2.0
FILE_S = 75.0
UPLOAD = Upload(effective_from=date(2026, 1, 1), uploaded_by="cli")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one file; `problems` are broken promises."""

    name: str
    outcome: str
    seconds: float
    peak_mb: int
    health_ms: int
    problems: tuple[str, ...]


@dataclass
class Witness:
    """Reads files as the service does, and keeps the most memory that a worker held for the last one."""

    sandbox: Sandbox = field(default_factory=shared)
    peak_bytes: int = 0

    def extract(self, data: bytes, suffix: str) -> ExtractedText:
        """As `sandbox.extract`."""
        check_bytes(data, suffix)
        try:
            parsed = self.sandbox.parse(data, suffix)
        except DocumentRefused as exc:
            self.peak_bytes = int(exc.ids.get("peak_bytes", "0"))
            raise
        self.peak_bytes = parsed.peak_bytes
        return parsed.extracted


class Health:
    """Asks `/healthz` ten times a second and keeps the slowest answer since `begin`, in milliseconds."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._slowest = 0.0
        self._failed = False
        self._over = threading.Event()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Forget what was."""
        self._slowest, self._failed = 0.0, False

    def slowest(self) -> int:
        """Waits for one more answer, so that a file that held everything up is seen."""
        self._ask()
        return int(self._slowest)

    @property
    def failed(self) -> bool:
        """Whether an answer was missing, late or not 200."""
        return self._failed

    def stop(self) -> None:
        """End the asking."""
        self._over.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._over.wait(0.1):
            self._ask()

    def _ask(self) -> None:
        started = time.monotonic()
        try:
            with self._opener.open(f"{self._address}/healthz", timeout=HEALTH_S) as answer:
                fine = answer.status == 200
        except (urllib.error.URLError, OSError):
            fine = False
        elapsed = time.monotonic() - started
        self._failed = self._failed or not fine or elapsed > HEALTH_S
        self._slowest = max(self._slowest, elapsed * 1000)


@dataclass
class Trial:
    """A home, a served app and an ingestor, for one file after the other."""

    home: Path
    database: Database
    health: Health
    witness: Witness = field(default_factory=Witness)

    def try_file(self, case: Hostile) -> Tried:
        """Load one file and judge."""
        data = case.make()
        self.witness.peak_bytes = 0
        before = self._rows()
        self.health.begin()
        started = time.monotonic()
        try:
            result = self._loaded(case, data)
        except Exception as exc:  # noqa: BLE001  # whatever it is, the file did it
            result = IngestedFile(Path(case.name), Outcome.REFUSED, reason=f"{type(exc).__name__}!")
        seconds = time.monotonic() - started
        health_ms = self.health.slowest()
        unchanged = before == self._rows()
        return Tried(
            case.name if len(case.name) <= 40 else f"{case.name[:8]}…（{len(case.name)} 字）",
            result.reason if result.outcome is Outcome.REFUSED else LOADED,
            seconds,
            self.witness.peak_bytes >> 20,
            health_ms,
            tuple(self._problems(case, result, seconds, unchanged)),
        )

    def _loaded(self, case: Hostile, data: bytes) -> IngestedFile:
        ingestor = Ingestor(KnowledgeStore(self.database), mask=mask, extract=self.witness.extract)
        if case.on_disk:
            file = self.home / case.name
            file.write_bytes(data)
            try:
                (result,) = ingestor.ingest_paths([file], UPLOAD)
            finally:
                file.unlink()
            return result
        try:
            read_document(data, case.name, extract=self.witness.extract)
        except DocumentRefused as exc:
            return IngestedFile(Path(), Outcome.REFUSED, reason=exc.ids["reason"], message=refusal_sentence(exc))
        return IngestedFile(Path(), Outcome.LOADED)

    def _problems(self, case: Hostile, result: IngestedFile, seconds: float, unchanged: bool) -> Iterator[str]:
        refused = result.outcome is Outcome.REFUSED
        if (result.reason if refused else LOADED) not in case.allowed:
            yield f"expected {', '.join(sorted(case.allowed))}"
        if refused and not unchanged:
            yield "half-stored"
        if refused and (
            "$" in result.message or result.message.count("。") < 2 or result.reason not in words("reasons")
        ):
            yield "no clear sentence"
        if not refused and case.warned and not any(_says(warning, case.warned) for warning in result.warnings):
            yield f"no warning {case.warned}"
        if self.health.failed:
            yield "the service did not answer in time"
        if self.witness.peak_bytes > MEMORY_BYTES:
            yield "over the memory cap"
        if seconds > FILE_S:
            yield "took too long"

    def _rows(self) -> dict[str, int]:
        """Rows of every table."""
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        with self.database.reading() as conn:
            tables = [row[0] for row in conn.execute(text(names))]
            return {name: int(conn.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()) for name in tables}


def _says(warning: str, code: str) -> bool:
    return warning.startswith(str(words("warnings")[code]).split("$")[0])


@contextmanager
def trial(home: Path) -> Iterator[Trial]:
    """A fresh home with its app being served from this process."""
    database = Database(f"sqlite:///{home / 'wainao.db'}")
    upgrade(database)
    app = FastAPI()
    app.include_router(health_router(Records.of(database), lambda: 0, 0))
    with running(app) as address:
        health = Health(address)
        try:
            yield Trial(home, database, health)
        finally:
            health.stop()
    database.close()


def try_all(cases: list[Hostile], say: Callable[[Tried], None]) -> list[Tried]:
    """Every file, one after the other."""
    tried = []
    with tempfile.TemporaryDirectory() as folder, trial(Path(folder)) as running_trial:
        for case in cases:
            tried.append(running_trial.try_file(case))
            say(tried[-1])
    return tried


def table(tried: list[Tried]) -> str:
    """Markdown."""
    lines = ["| file | outcome | s | peak MB | slowest /healthz ms | problems |", "|---|---|---|---|---|---|"]
    for one in tried:
        shown = "".join(char if char.isprintable() else "\ufffd" for char in one.name).replace("|", "\\|")
        lines.append(
            f"| {shown} | {one.outcome} | {one.seconds:.2f} | {one.peak_mb} | {one.health_ms} "
            f"| {'; '.join(one.problems)} |"
        )
    return "\n".join(lines) + "\n"


def summary(tried: list[Tried]) -> str:
    """One line of figures."""
    loaded = sum(one.outcome == LOADED for one in tried)
    broken = sum(bool(one.problems) for one in tried)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return (
        f"{len(tried)} files: {len(tried) - loaded} refused, {loaded} loaded harmlessly, {broken} broken promises; "
        f"longest {max(one.seconds for one in tried):.1f} s, in all {sum(one.seconds for one in tried):.0f} s; "
        f"workers at most {max(one.peak_mb for one in tried)} MB, this process {own} MB; "
        f"slowest /healthz {max(one.health_ms for one in tried)} ms"
    )


def main() -> None:
    """Try, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the table here as markdown")
    parser.add_argument("--only", default="", help="files with this in their name")
    chosen = parser.parse_args()
    cases = [case for case in hostile_files() if chosen.only in case.name]
    tried = try_all(cases, lambda one: print(table([one]).splitlines()[-1], flush=True))  # noqa: T201
    print(summary(tried))  # noqa: T201
    if chosen.out is not None:
        chosen.out.write_text(f"{summary(tried)}\n\n{table(tried)}", encoding="utf-8")
    sys.exit(any(one.problems for one in tried))


if __name__ == "__main__":
    main()
