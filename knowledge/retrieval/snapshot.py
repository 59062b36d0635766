"""What one revision of the database says, ready to be looked up; a change makes a new one and leaves the old alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from knowledge.documents import Passage
from knowledge.retrieval.admission import Filter
from knowledge.retrieval.cached_embeddings import content_key
from knowledge.retrieval.lexical import LexicalView
from knowledge.retrieval.named_products import NamedProducts
from knowledge.retrieval.source import KnowledgeChange, ProductSheetVersion

_T = TypeVar("_T")
_Holders = dict[str, tuple[str, ...]]  # content key -> passages


@dataclass(frozen=True, slots=True)
class Difference:
    """What the indexes have to do to follow: passages taken out and put in, and the same for content keys."""

    gone: tuple[str, ...]
    new: tuple[Passage, ...]
    gone_keys: frozenset[str]
    new_keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Passages by id and by version, and which of them hold a text, a known question or a counter-question."""

    revision: int
    passages: dict[str, Passage]
    by_version: _Holders
    told: _Holders
    asked: _Holders
    countered: _Holders
    products: NamedProducts
    lexical: LexicalView
    _interned: dict[object, object] = field(default_factory=dict)

    def admits(self, name: str, allowed: Filter | None) -> bool:
        """Whether this revision holds the passage and the filter lets it through."""
        passage = self.passages.get(name)
        return passage is not None and (allowed is None or allowed.admits(passage))

    def holders(self, key: str) -> Iterator[str]:
        """Passages whose text or known question has this content key."""
        yield from self.told.get(key, ())
        yield from self.asked.get(key, ())

    def keys(self) -> set[str]:
        """Content keys of everything that is compared by vectors."""
        return {*self.told, *self.asked, *self.countered}

    def text_of(self, key: str) -> str:
        """The text behind a content key. Raises: KeyError."""
        if names := self.told.get(key):
            return told_text(self.passages[names[0]])
        for holders, countered in ((self.asked, False), (self.countered, True)):
            for name in holders.get(key, ()):
                passage = self.passages[name]
                for text in passage.counter_questions if countered else passage.known_questions:
                    if content_key(text) == key:
                        return text
        raise KeyError(key)

    def showing(self, lexical: LexicalView) -> Snapshot:
        """The same with the lexical index that belongs to it, which asks this snapshot what a filter lets through."""
        shown = replace(self, lexical=lexical)
        return replace(shown, lexical=replace(lexical, admits=shown.admits))

    def changed(self, change: KnowledgeChange) -> tuple[Snapshot, Difference]:
        """The snapshot after a change, still with the lexical index from before, and what the indexes have to do."""
        coming = {passage.passage_id: passage for passage in change.passages}
        before = {name for version in change.version_ids for name in self.by_version.get(version, ())}
        same = {name for name in before if coming.get(name) == self.passages[name]}
        gone = [self.passages[name] for name in sorted(before - same)]
        new = [_interned(passage, self._interned) for name, passage in coming.items() if name not in same]
        after = replace(
            self,
            revision=change.revision,
            passages=dict(self.passages),
            by_version=dict(self.by_version),
            told=dict(self.told),
            asked=dict(self.asked),
            countered=dict(self.countered),
            products=self.products.changed(change.version_ids, change.sheets),
        )
        for passage in gone:
            after._take_out(passage)
        for passage in new:
            after._put_in(passage)
        touched = {key for passage in (*gone, *new) for key in _keys_of(passage)}
        held = {key for key in touched if key in after.told or key in after.asked or key in after.countered}
        known = {key for key in touched if key in self.told or key in self.asked or key in self.countered}
        names = tuple(passage.passage_id for passage in gone)
        return after, Difference(names, tuple(new), frozenset(touched - held), frozenset(held - known))

    def _put_in(self, passage: Passage) -> None:
        self.passages[passage.passage_id] = passage
        for holders, key in self._places(passage):
            holders[key] = (*holders.get(key, ()), passage.passage_id)

    def _take_out(self, passage: Passage) -> None:
        del self.passages[passage.passage_id]
        for holders, key in self._places(passage):
            left = tuple(name for name in holders.get(key, ()) if name != passage.passage_id)
            if left:
                holders[key] = left
            else:
                holders.pop(key, None)

    def _places(self, passage: Passage) -> Iterator[tuple[_Holders, str]]:
        yield self.by_version, passage.version_id
        yield self.told, content_key(told_text(passage))
        for text in dict.fromkeys(passage.known_questions):
            yield self.asked, content_key(text)
        for text in dict.fromkeys(passage.counter_questions):
            yield self.countered, content_key(text)


def snapshot_of(
    revision: int, passages: Iterable[Passage], sheets: Iterable[ProductSheetVersion], lexical: LexicalView
) -> Snapshot:
    """The snapshot of everything."""
    snapshot = Snapshot(revision, {}, {}, {}, {}, {}, NamedProducts(sheets), lexical)
    for passage in passages:
        snapshot._put_in(_interned(passage, snapshot._interned))
    return snapshot


def told_text(passage: Passage) -> str:
    """What of a passage is embedded beside its questions."""
    return f"{passage.title}\n{passage.text}"


def _keys_of(passage: Passage) -> Iterator[str]:
    yield content_key(told_text(passage))
    for text in (*passage.known_questions, *passage.counter_questions):
        yield content_key(text)


def _interned(passage: Passage, seen: dict[object, object]) -> Passage:
    """The same passage; what all passages of a version say alike is held in memory once."""

    def once(value: _T) -> _T:
        return seen.setdefault(value, value)  # type: ignore[return-value]

    return replace(
        passage,
        version_id=once(passage.version_id),
        document_id=once(passage.document_id),
        title=once(passage.title),
        branches=once(passage.branches),
        roles=once(passage.roles),
        lines=once(passage.lines),
        effective_from=once(passage.effective_from),
        effective_until=once(passage.effective_until),
        source=replace(passage.source, file=once(passage.source.file), heading=once(passage.source.heading)),
    )
