"""Services that a process builds when the first request needs them, and only once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.services import Services


@dataclass
class BuiltOnce:
    """Call it for the services; whoever comes while they are being built waits for them."""

    build: Callable[[], Services]
    _built: Services | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Services:
        """The services, built with the first call."""
        with self._lock:
            if self._built is None:
                self._built = self.build()
            return self._built

    def close(self) -> None:
        """Let go of what was built, if anything was."""
        with self._lock:
            if self._built is not None:
                self._built.close()
                self._built = None
