"""Group commit: what several threads want to store at the same moment becomes one transaction.

Committing costs a disk flush and, on SQLite, the turn of the one writer. The first thread that gets the turn stores
what all others have asked for meanwhile; everybody waits until their own row is on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from knowledge.errors import DatabaseUnavailable

Row = Mapping[str, Any]
Store = Callable[[Sequence[Row]], list[bool]]


@dataclass
class _Wish:
    row: Row
    stored: bool = False
    error: Exception | None = None
    settled: bool = False


@dataclass
class GroupCommit:
    """Stores rows through `store`, which gets one or more, says for each whether it was new, and commits them all."""

    _waiting: list[_Wish] = field(default_factory=list)
    _list: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def put(self, row: Row, store: Store) -> bool:
        """Store one row; committed when this returns. Raises what `store` raises."""
        wish = _Wish(row)
        with self._list:
            self._waiting.append(wish)
        with self._turn:
            if not wish.settled:
                with self._list:
                    together, self._waiting = self._waiting, []
                _settle(together, store)
        if wish.error is not None:
            raise wish.error
        return wish.stored


def _settle(wishes: Sequence[_Wish], store: Store) -> None:
    try:
        for wish, stored in zip(wishes, store([wish.row for wish in wishes]), strict=True):
            wish.stored = stored
    except Exception as error:  # noqa: BLE001 - told to every thread that waits for its row
        if len(wishes) > 1 and not isinstance(error, DatabaseUnavailable):
            for wish in wishes:  # one row that cannot be stored must not take the others with it
                _settle([wish], store)
        else:
            for wish in wishes:
                wish.error = error
    for wish in wishes:
        wish.settled = True
