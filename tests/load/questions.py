"""What RMs type, for load tests: `questions.txt` read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("questions.txt")


@lru_cache(maxsize=1)
def messages() -> tuple[tuple[str, str], ...]:
    """Every message as (type, text); the text of other types than `text` is empty."""
    lines = (line.strip() for line in FILE.read_text(encoding="utf-8").splitlines())
    return tuple(
        (line[1:], "") if line.startswith("!") else ("text", line) for line in lines if line and line[0] != "#"
    )


def texts() -> tuple[str, ...]:
    """The text messages alone."""
    return tuple(text for kind, text in messages() if kind == "text")
