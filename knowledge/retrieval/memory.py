"""A passage source held in memory: for measuring foreign sets, and wherever no database is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from knowledge.documents import Passage
from knowledge.products import ProductSheet
from knowledge.retrieval.source import KnowledgeChange, ProductSheetVersion

_Sheet = tuple[ProductSheet, date, date | None]


@dataclass
class PassagesInMemory:
    """Passages and sheets as lists; `replace` is a change of knowledge and moves the revision on."""

    rows: tuple[Passage, ...] = ()
    sheets: tuple[_Sheet, ...] = ()
    _revision: int = 1
    _embeddings: dict[str, dict[str, bytes]] = field(default_factory=dict)
    _log: dict[int, frozenset[str]] = field(default_factory=dict)
    _known: dict[str, Passage] = field(default_factory=dict)  # also those that were replaced: a search may want them

    def __post_init__(self) -> None:
        self._known.update((row.passage_id, row) for row in self.rows)

    def replace(self, rows: Iterable[Passage], sheets: Iterable[_Sheet] = ()) -> None:
        """Hold exactly these from now on."""
        before, known = set(self.rows), {held.version_id for held in self.product_sheets()}
        self.rows = tuple(sorted(rows, key=lambda passage: passage.passage_id))
        self._known.update((row.passage_id, row) for row in self.rows)
        self.sheets = tuple(sheets)
        known |= {held.version_id for held in self.product_sheets()}
        self._revision += 1
        self._log[self._revision] = frozenset({p.version_id for p in before ^ set(self.rows)} | known)

    def revision(self) -> int:
        """Grows with every change."""
        return self._revision

    def passages(self) -> Iterator[Passage]:
        """All passages, by id."""
        return iter(self.rows)

    def passages_by_ids(self, passage_ids: Sequence[str]) -> dict[str, Passage]:
        """These passages, as far as there are or were such."""
        return {name: self._known[name] for name in passage_ids if name in self._known}

    def product_sheets(self) -> list[ProductSheetVersion]:
        """Sheets with the days from and until (exclusive) which they hold, for everybody."""
        return [
            ProductSheetVersion(f"sheet-{number}", sheet, first, until)
            for number, (sheet, first, until) in enumerate(self.sheets)
        ]

    def changes_since(self, revision: int) -> KnowledgeChange | None:
        """What changed after a revision, as long as `replace` was used for it."""
        now = self._revision
        if not all(number in self._log for number in range(revision + 1, now + 1)):
            return None
        touched = frozenset(name for number in range(revision + 1, now + 1) for name in self._log[number])
        rows = tuple(row for row in self.rows if row.version_id in touched)
        return KnowledgeChange(now, touched, rows, tuple(self.product_sheets()))

    def days_of(self, version_ids: Iterable[str]) -> dict[str, tuple[date, date | None]]:
        """First day and end (exclusive) of those versions that may still be served."""
        wanted = set(version_ids)
        held = (row for row in self.rows if row.version_id in wanted)
        return {row.version_id: (row.effective_from, row.effective_until) for row in held}

    def embeddings(self, embedder_id: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Those vectors that are kept, by content key, float32 little-endian."""
        held = self._embeddings.get(embedder_id, {})
        return {key: held[key] for key in keys if key in held}

    def store_embeddings(self, embedder_id: str, rows: Mapping[str, bytes]) -> None:
        """Keep vectors for the next start."""
        self._embeddings.setdefault(embedder_id, {}).update(rows)
