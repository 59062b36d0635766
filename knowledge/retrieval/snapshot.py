"""What one revision of the database says, ready to be looked up; a change makes a new one and leaves the old alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.documents import Passage
from knowledge.retrieval.admission import Filter
from knowledge.retrieval.cached_embeddings import content_key
from knowledge.retrieval.lexical import LexicalView
from knowledge.retrieval.lexical_index import digest_of
from knowledge.retrieval.named_products import NamedProducts
from knowledge.retrieval.passage_table import Entry, PassageTable, PassageWords, version_of
from knowledge.retrieval.source import KnowledgeChange, ProductSheetVersion

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
    passages: PassageTable
    by_version: _Holders
    told: _Holders
    asked: _Holders
    countered: _Holders
    products: NamedProducts
    lexical: LexicalView
    words: PassageWords

    def admits(self, name: str, allowed: Filter | None) -> bool:
        """Whether this revision holds the passage and the filter lets it through; if so, it will be read soon."""
        entry = self.passages.entries.get(name)
        if entry is None or not (allowed is None or allowed.admits(entry.version)):
            return False
        self.words.expect(name)
        return True

    def of_document(self, document_id: str) -> list[Passage]:
        """The passages of a document, of all its versions."""
        entries = self.passages.entries
        named = (
            n
            for names in self.by_version.values()
            if entries[names[0]].version.document_id == document_id
            for n in names
        )
        return list(self.passages.several(named))

    def digests(self) -> dict[str, str]:
        """What changes with everything that is searched, by passage."""
        return {name: entry.digest for name, entry in self.passages.entries.items()}

    def holders(self, key: str) -> Iterator[str]:
        """Passages whose text or known question has this content key."""
        yield from self.told.get(key, ())
        yield from self.asked.get(key, ())

    def keys(self) -> Sequence[str]:
        """Content keys of everything that is compared by vectors, each once, those of a passage near each other."""
        return list(dict.fromkeys((*self.told, *self.asked, *self.countered)))

    def texts_of(self, keys: Sequence[str]) -> list[str]:
        """The texts behind content keys. Raises: KeyError."""
        for key in keys:
            for held in (self.told, self.asked, self.countered):
                if names := held.get(key):
                    self.words.expect(names[0])
        return [self.text_of(key) for key in keys]

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
        was = {name: self.passages.entries[name] for name in sorted(before)}
        after = replace(
            self,
            revision=change.revision,
            passages=PassageTable(dict(self.passages.entries), self.words),
            by_version=dict(self.by_version),
            told=dict(self.told),
            asked=dict(self.asked),
            countered=dict(self.countered),
            products=self.products.changed(change.version_ids, change.sheets),
        )
        for name, entry in was.items():
            after._take_out(name, entry)
        for passage in coming.values():
            after._put_in(passage)
        entries = after.passages.entries
        same = {name for name, entry in was.items() if entries.get(name) == entry}
        touched = {key for entry in (*was.values(), *(entries[name] for name in coming)) for key in _keys_of(entry)}
        held = {key for key in touched if key in after.told or key in after.asked or key in after.countered}
        known = {key for key in touched if key in self.told or key in self.asked or key in self.countered}
        gone = tuple(name for name in was if name not in same)
        new = tuple(passage for name, passage in coming.items() if name not in same)
        return after, Difference(gone, new, frozenset(touched - held), frozenset(held - known))

    def _put_in(self, passage: Passage) -> None:
        name, entry = passage.passage_id, _entry(passage, self._version_like(passage))
        self.passages.entries[name] = entry
        self.words.keep(entry.version, passage)
        for holders, key in self._places(entry):
            holders[key] = (*holders.get(key, ()), name)

    def _take_out(self, name: str, entry: Entry) -> None:
        del self.passages.entries[name]
        for holders, key in self._places(entry):
            left = tuple(other for other in holders.get(key, ()) if other != name)
            if left:
                holders[key] = left
            else:
                holders.pop(key, None)

    def _version_like(self, passage: Passage) -> Passage:
        """What the passages of a version say alike is in memory once."""
        version, others = version_of(passage), self.by_version.get(passage.version_id)
        held = self.passages.entries[others[0]].version if others else None
        return held if held is not None and held == version else version

    def _places(self, entry: Entry) -> Iterator[tuple[_Holders, str]]:
        yield self.by_version, entry.version.version_id
        yield self.told, entry.told
        for key in entry.asked:
            yield self.asked, key
        for key in entry.countered:
            yield self.countered, key


def snapshot_of(
    revision: int,
    passages: Iterable[Passage],
    sheets: Iterable[ProductSheetVersion],
    lexical: LexicalView,
    words: PassageWords,
) -> Snapshot:
    """The snapshot of everything."""
    snapshot = Snapshot(revision, PassageTable({}, words), {}, {}, {}, {}, NamedProducts(sheets), lexical, words)
    for passage in passages:
        snapshot._put_in(passage)
    return snapshot


def told_text(passage: Passage) -> str:
    """What of a passage is embedded beside its questions."""
    return f"{passage.title}\n{passage.text}"


def _entry(passage: Passage, version: Passage) -> Entry:
    asked = tuple(content_key(text) for text in dict.fromkeys(passage.known_questions))
    countered = tuple(content_key(text) for text in dict.fromkeys(passage.counter_questions))
    return Entry(version, digest_of(passage), content_key(told_text(passage)), asked, countered)


def _keys_of(entry: Entry) -> Iterator[str]:
    yield entry.told
    yield from entry.asked
    yield from entry.countered
