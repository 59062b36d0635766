"""A passage source held in memory: for measuring foreign sets, and wherever no database is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from knowledge.documents import Passage
from knowledge.products import ProductSheet


@dataclass
class PassagesInMemory:
    """Passages and sheets as lists; `replace` is a change of knowledge and moves the revision on."""

    rows: tuple[Passage, ...] = ()
    sheets: tuple[tuple[ProductSheet, date, date | None], ...] = ()
    _revision: int = 1
    _embeddings: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def replace(self, rows: Iterable[Passage], sheets: Iterable[tuple[ProductSheet, date, date | None]] = ()) -> None:
        """Hold exactly these from now on."""
        self.rows = tuple(sorted(rows, key=lambda passage: passage.passage_id))
        self.sheets = tuple(sheets)
        self._revision += 1

    def revision(self) -> int:
        """Grows with every change."""
        return self._revision

    def passages(self) -> Iterator[Passage]:
        """All passages, by id."""
        return iter(self.rows)

    def products(self) -> list[tuple[ProductSheet, date, date | None]]:
        """Sheets with the days from and until (exclusive) which they hold."""
        return list(self.sheets)

    def cached_embeddings(self, embedder_id: str) -> dict[str, bytes]:
        """Vectors by content key, float32 little-endian."""
        return dict(self._embeddings.get(embedder_id, {}))

    def store_embeddings(self, embedder_id: str, rows: Mapping[str, bytes]) -> None:
        """Keep vectors for the next start."""
        self._embeddings.setdefault(embedder_id, {}).update(rows)
