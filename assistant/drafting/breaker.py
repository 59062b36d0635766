"""A circuit breaker: after failures in a row, nobody waits for a dead endpoint."""

from __future__ import annotations

import itertools
import threading

FAILURES_TO_OPEN = 3
OPEN_S = 30.0


class Breaker:
    """Counts failures in a row; safe in many threads. Instants are seconds of one monotonic clock.

    Closed: everybody may call. Open: nobody may, for `open_s`. Then one probe may; it closes or opens it again.
    """

    def __init__(self, failures_to_open: int = FAILURES_TO_OPEN, open_s: float = OPEN_S) -> None:
        self._failures_to_open, self._open_s = failures_to_open, open_s
        self._lock = threading.Lock()
        self._tickets = itertools.count(1)
        self._failures = 0
        self._opened_at: float | None = None
        self._probe: int | None = None

    def allow(self, now: float) -> int | None:
        """A ticket for one call, to be handed back once to `report`; None while calls are refused."""
        with self._lock:
            if self._opened_at is None:
                return next(self._tickets)
            if self._probe is not None or now - self._opened_at < self._open_s:
                return None
            self._probe = next(self._tickets)
            return self._probe

    def report(self, ticket: int, healthy: bool | None, now: float) -> None:
        """The outcome of a call; None when it says nothing about the endpoint."""
        with self._lock:
            if self._opened_at is not None:
                if ticket != self._probe:
                    return  # it started before the breaker opened
                self._probe = None
            if healthy:
                self._failures, self._opened_at = 0, None
            elif healthy is False:
                self._failures += 1
                if self._failures >= self._failures_to_open:
                    self._opened_at = now

    @property
    def is_open(self) -> bool:
        """Whether calls are refused or only a probe is out."""
        with self._lock:
            return self._opened_at is not None
