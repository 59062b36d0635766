"""Parse a file: text formats here, everything else in a limited child process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from knowledge.errors import DocumentRefused
from knowledge.ingestion.archives import check_archive
from knowledge.ingestion.extracted import ExtractedText
from knowledge.ingestion.formats.registry import IN_CHILD, check_bytes, parser

WALL_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[2]
# Nothing of our own variables, which may hold secrets; one thread, since each reserves address space.
_VARIABLES = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


def extract(data: bytes, suffix: str) -> ExtractedText:
    """The text of a file of this format (`.pdf`, `.docx`, `.csv`...).

    Raises: DocumentRefused with ids["reason"].
    """
    check_bytes(data, suffix)
    if suffix not in IN_CHILD:
        return parser(suffix)(data)
    if suffix != ".pdf":
        check_archive(data, suffix)
    return in_child(data, suffix)


def in_child(data: bytes, suffix: str, *, wall_seconds: float = WALL_SECONDS) -> ExtractedText:
    """Parse in a process of its own that may use 1.5 GB, 30 s of CPU and no network. Raises: DocumentRefused."""
    command = [sys.executable, "-m", "knowledge.ingestion.child", suffix]
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module, the file comes on stdin
            command, input=data, capture_output=True, timeout=wall_seconds, env=_VARIABLES, cwd="/", check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise DocumentRefused(reason="too_slow") from exc
    if done.returncode != 0:
        slow = done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}
        memory = b"MemoryError" in done.stderr or b"bad_alloc" in done.stderr
        raise DocumentRefused(reason="too_slow" if slow else "too_much_memory" if memory else "broken")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise DocumentRefused(reason=answer["refused"])
    return ExtractedText.from_json(answer["extracted"])
