"""What a member was sent lately: WeCom silently drops a message that repeats within its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from assistant.clock import SHANGHAI
from assistant.outgoing import text_hash

WINDOW = timedelta(minutes=10)  # longer than WeCom's interval: an answer may have waited in the queue
MOST = 150
HASH_CHARACTERS = 12


class RecentTexts:
    """Short hashes of texts with the time they were queued, oldest first; JSON-ready through `stored`."""

    def __init__(self, stored: Mapping[str, str], now: datetime) -> None:
        self._now = now
        self._times = {key: at for key, at in stored.items() if now - datetime.fromisoformat(at) < WINDOW}

    def holds(self, texts: Iterable[str | None]) -> bool:
        """Whether one of `texts` was sent within the window."""
        return any(text and _key(text) in self._times for text in texts)

    def note(self, text: str) -> None:
        """`text` is sent now."""
        self._times.pop(_key(text), None)
        self._times[_key(text)] = self._now.isoformat()

    def told_apart(self, text: str, number: int) -> str:
        """`text`, with the time behind it when the same was sent lately; `number` tells two of one second apart."""
        if not self.holds([text]):
            return text
        clock = f"{self._now.astimezone(SHANGHAI):%H:%M:%S}"
        marked = f"{text}\n（{clock}）"
        return marked if not self.holds([marked]) else f"{text}\n（{clock}，{number}）"

    @property
    def stored(self) -> dict[str, str]:
        """The newest entries, for the conversation's state."""
        return dict(list(self._times.items())[-MOST:])


def _key(text: str) -> str:
    return text_hash(text)[:HASH_CHARACTERS]
