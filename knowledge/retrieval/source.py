"""What retrieval reads of the database, and how it hears of changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from knowledge.documents import Passage
from knowledge.products import ProductSheet


@dataclass(frozen=True, slots=True)
class ProductSheetVersion:
    """An approved product sheet: from and until (exclusive) when it holds, and for whom, as a version says it."""

    version_id: str
    sheet: ProductSheet
    effective_from: date
    effective_until: date | None = None
    branches: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnowledgeChange:
    """What differs at `revision` from an earlier one: these versions are exactly these passages and sheets now.

    A version without passages here is no longer served. All of it is from one snapshot of the database.
    """

    revision: int
    version_ids: frozenset[str]
    passages: tuple[Passage, ...] = ()
    sheets: tuple[ProductSheetVersion, ...] = ()


class PassageSource(Protocol):
    """The database, truth of everything that is retrieved."""

    def revision(self) -> int:
        """Grows with every change of servable knowledge."""
        ...

    def passages(self) -> Iterator[Passage]:
        """All passages of approved versions, of any date, ordered by passage_id."""
        ...

    def passages_by_ids(self, passage_ids: Sequence[str]) -> Mapping[str, Passage]:
        """The words of approved passages; of others too, as long as a search may be under way that found them."""
        ...

    def product_sheets(self) -> list[ProductSheetVersion]:
        """Approved sheets of any date, ordered by version_id."""
        ...

    def changes_since(self, revision: int) -> KnowledgeChange | None:
        """What changed after a revision; None when the log of changes does not reach back so far, or it is too much."""
        ...

    def days_of(self, version_ids: Iterable[str]) -> dict[str, tuple[date, date | None]]:
        """First day and end (exclusive) of those versions that may still be served."""
        ...

    def embeddings(self, embedder_id: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Those vectors that are kept, by content key (sha256 of the text), float32 little-endian."""
        ...

    def store_embeddings(self, embedder_id: str, rows: Mapping[str, bytes]) -> None:
        """Keep vectors for the next rebuild."""
        ...
