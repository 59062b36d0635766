"""One hostile file and what may become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LOADED = "loaded"


@dataclass(frozen=True, slots=True)
class Hostile:
    """`allowed` holds reasons of refusal and, where the file may load harmlessly, LOADED.

    `warned` is a doubt that has to be told when it loads. `slow`: takes seconds, so it is left out of the tests.
    """

    name: str
    make: Callable[[], bytes]
    allowed: frozenset[str]
    warned: str = ""
    slow: bool = False

    @property
    def on_disk(self) -> bool:
        """Whether a disk takes the name; others can only come as an upload."""
        return len(self.name.encode("utf-8", "surrogateescape")) <= 255 and not set(self.name) & {"/", "\x00"}


def refused(name: str, make: Callable[[], bytes], *reasons: str, slow: bool = False) -> Hostile:
    """A file that must be refused, for one of these reasons."""
    return Hostile(name, make, frozenset(reasons), slow=slow)


def harmless(name: str, make: Callable[[], bytes], *, warned: str = "", slow: bool = False) -> Hostile:
    """A file that must load and do nothing."""
    return Hostile(name, make, frozenset({LOADED}), warned, slow)


def bounded(name: str, make: Callable[[], bytes], *reasons: str, slow: bool = False) -> Hostile:
    """A file that may load or be refused for one of these reasons, within the limits of time and memory."""
    return Hostile(name, make, frozenset({LOADED, *reasons}), slow=slow)
