"""Read foreign files where they can do no harm: checked first, then parsed in a limited process, two at a time."""

from __future__ import annotations

import base64
import os
import signal
import threading
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.confinement import MEMORY_BYTES
from knowledge.ingestion.extracted import Doubt, ExtractedText
from knowledge.ingestion.formats.registry import check_bytes, parser
from knowledge.ingestion.warm import Answer, WarmProcess

WALL_SECONDS = 60.0
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's text, and the most memory that its worker held, in bytes."""

    extracted: ExtractedText
    peak_bytes: int


@dataclass(frozen=True)
class Sandbox:
    """A warm process and how many workers it may have at once; a third file waits for its turn."""

    process: WarmProcess = field(default_factory=WarmProcess)
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    def parse(self, data: bytes, suffix: str, *, wall_seconds: float = WALL_SECONDS) -> Parsed:
        """The text of a file of this format. Raises: DocumentRefused with ids `reason` and `peak_bytes`."""
        answer = self._ask(data, suffix=suffix, wall_seconds=wall_seconds)
        head, *rest = answer.lines
        whole: dict[str, Any] = head["extracted"]
        whole["blocks"] = [block for line in rest for block in line.get("blocks", ())]
        extracted = ExtractedText.from_json(whole)
        doubts = tuple(Doubt(code, tuple((name, value) for name, value in slots)) for code, slots in head["doubts"])
        return Parsed(replace(extracted, warnings=(*extracted.warnings, *doubts)), answer.peak_bytes)

    def picture(self, data: bytes, page: int, width: int) -> bytes:
        """A page of a PDF (from 1) as PNG. Raises: DocumentRefused with ids `reason` and `peak_bytes`."""
        answer = self._ask(data, suffix=".pdf", wall_seconds=WALL_SECONDS, page=page, width=width)
        return base64.b64decode(answer.lines[0]["picture"])

    def _ask(self, data: bytes, *, suffix: str, wall_seconds: float, **more: int) -> Answer:
        """A complete answer. Raises: DocumentRefused."""
        with self.turns:
            try:
                answer = self.process.ask(data, suffix=suffix, wall_seconds=wall_seconds, **more)
            except OSError as exc:
                raise DocumentRefused(reason="too_slow") from exc
        peak = str(answer.peak_bytes)
        if answer.cut:
            raise DocumentRefused(reason="too_large", peak_bytes=peak)
        for line in answer.lines:
            if "refused" in line:
                full = line["refused"]["reason"] == "broken" and answer.peak_bytes > MEMORY_BYTES * 0.85
                reason = {"reason": "too_much_memory"} if full else {}
                raise DocumentRefused(**{**line["refused"], **reason, "peak_bytes": peak})
        if not answer.lines or "done" not in answer.lines[-1]:
            raise DocumentRefused(reason=_how_it_died(answer), peak_bytes=peak)
        return answer


def _how_it_died(answer: Answer) -> str:
    number = os.WTERMSIG(answer.status) if os.WIFSIGNALED(answer.status) else 0
    if answer.peak_bytes > MEMORY_BYTES // 2 and number not in {signal.SIGXCPU, signal.SIGVTALRM}:
        return "too_much_memory"
    return "too_slow" if number in {signal.SIGXCPU, signal.SIGVTALRM, signal.SIGKILL} else "broken"


@cache
def shared() -> Sandbox:
    """The one of this process, since the limit on workers holds for the whole process."""
    return Sandbox()


def extract(data: bytes, suffix: str) -> ExtractedText:
    """The text of a file of this format (`.pdf`, `.docx`, `.csv`...). Raises: DocumentRefused with ids["reason"]."""
    check_bytes(data, suffix)
    return in_child(data, suffix)


def in_child(data: bytes, suffix: str, *, wall_seconds: float = WALL_SECONDS) -> ExtractedText:
    """Parse in a process of its own that may use 1.5 GB, 30 s of CPU and no network. Raises: DocumentRefused."""
    return shared().parse(data, suffix, wall_seconds=wall_seconds).extracted


def parse_here(data: bytes, suffix: str) -> ExtractedText:
    """As `extract`, without a worker: only for files that come with the package."""
    return parser(suffix)(data)


def page_picture(data: bytes, page: int, width: int) -> bytes:
    """One page of a PDF (from 1) as PNG, `width` pixels wide, drawn in the limited process. Raises: DocumentRefused."""
    check_bytes(data, ".pdf")
    return shared().picture(data, page, width)
