"""The lexical index as a replica of the database: follows by patches, is built anew when anything is in doubt.

One process keeps the folder, under a lock of the operating system. Any other takes a copy of it (links to the same
files, so that disk and memory are shared) and follows the database in its own copy. A folder that is absent, of another
format, half written or damaged is built anew; where nothing can be written the index is built in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import tantivy

from knowledge.documents import Passage
from knowledge.retrieval.lexical import FieldWeights, LexicalView, entry, lexical_schema
from knowledge.retrieval.locking import FolderLock
from knowledge.retrieval.replica import Replica, ReplicaState

log = logging.getLogger(__name__)

_WRITER_BYTES = 64_000_000
_PATCH_WRITER_BYTES = 16_000_000  # the least that tantivy takes is 15 MB
_PATCH_AT_MOST = 5_000  # with more passages changed, the index is built anew: one compact segment, sooner done
_DAMAGE = (ValueError, OSError)  # what tantivy raises for files it cannot read or write


class LexicalIndex:
    """See the module. One thread at a time may change it; `view` is safe to use from any, at any time."""

    def __init__(self, folder: Path | None = None, weights: FieldWeights | None = None) -> None:
        self._schema = lexical_schema()
        self._empty = LexicalView(self._schema, weights or FieldWeights())
        self._folder = Replica(folder) if folder else None
        self._lock = FolderLock(folder / "lock") if folder else None
        self._replica: Replica | None = None  # the folder itself, a copy of it, or None: in memory
        self._index: tantivy.Index | None = None
        self._state = ReplicaState()
        self._ids: dict[int, str] = {}
        self._view = self._empty

    @property
    def view(self) -> LexicalView:
        """What is to be searched now."""
        return self._view

    @property
    def on_disk(self) -> bool:
        """Whether what is searched is the folder or a copy of it on disk, rather than memory."""
        return self._replica is not None

    def follow(self, revision: int, passages: Iterable[Passage], digests: Mapping[str, str] | None = None) -> None:
        """Show exactly `passages`: by reading the folder, by patching it, or by building anew.

        Args:
            passages: may be gone through more than once; need not be in memory.
            digests: of each of them, where they are known; then they are gone through only if there is work to do.
        """
        if digests is None:
            digests = {passage.passage_id: digest_of(passage) for passage in passages}
        self._settle()
        if not self._in_step(revision, digests):
            try:
                self._bring_up_to(revision, passages, digests)
            except _DAMAGE as exc:
                if self._replica is None:
                    raise
                self._leave_folder(exc)
                self._bring_up_to(revision, passages, digests)
        self._show()

    def patch(self, revision: int, gone: Collection[str], new: Sequence[Passage]) -> bool:
        """Take out the passages `gone` and put in `new`, replacing those of the same id.

        Returns: False when that is not possible or not worth while, and `follow` has to be called with everything.
        """
        if self._index is None or len(gone) + len(new) > _PATCH_AT_MOST or self._takes_over():
            return False
        try:
            self._change(self._index, revision, gone, new, {p.passage_id: digest_of(p) for p in new})
        except _DAMAGE as exc:
            self._leave_folder(exc)
            return False
        self._show()
        return True

    def close(self) -> None:
        """Let go of the folder, and remove the copy of it."""
        self._forget()
        self._view = self._empty
        if self._replica and self._replica is not self._folder:
            self._replica.remove()
        self._replica = None
        if self._lock:
            self._lock.release()

    # -- where the files are

    def _settle(self) -> None:
        """Own the folder if nobody does, else copy it; a copy or an index in memory that stands is kept."""
        if self._folder is None or self._lock is None or self._replica is self._folder:
            return
        if self._lock.acquire():
            if self._replica:
                self._replica.remove()
            self._replica = self._folder
            self._folder.sweep_copies()
            self._forget()
            self._open(self._folder)
        elif self._index is None and (copy := self._folder.copy()) is not None:
            self._replica = copy
            self._open(copy)

    def _takes_over(self) -> bool:
        """Whether the owner of the folder is gone, so that this process is to follow there from now on."""
        waiting = self._folder is not None and self._lock is not None and not self._lock.held
        return waiting and self._lock is not None and self._lock.acquire()

    def _open(self, replica: Replica) -> None:
        state = replica.read()
        if state is None:
            return
        try:
            index = tantivy.Index(self._schema, str(replica.segments), reuse=True)
            index.config_reader("manual")
            index.reload()
        except _DAMAGE as exc:
            log.warning("lexical_folder_damaged", extra={"cause": type(exc).__name__})
            return
        self._index, self._state = index, state
        self._ids = {slot: name for name, (slot, _) in state.slots.items()}

    def _leave_folder(self, exc: BaseException) -> None:
        """From now on in memory: the folder cannot be used."""
        log.warning("lexical_folder_left", extra={"cause": type(exc).__name__})
        if self._replica and self._replica is not self._folder:
            self._replica.remove()
        self._folder, self._replica = None, None
        self._forget()
        if self._lock:
            self._lock.release()

    def _forget(self) -> None:
        self._index, self._state, self._ids = None, ReplicaState(), {}

    # -- what they hold

    def _in_step(self, revision: int, digests: Mapping[str, str]) -> bool:
        """Whether the index already holds just this."""
        if self._index is None or self._state.revision != revision:
            return False
        return {name: digest for name, (_, digest) in self._state.slots.items()} == digests

    def _bring_up_to(self, revision: int, passages: Iterable[Passage], digests: Mapping[str, str]) -> None:
        held = self._state.slots
        gone = {name for name, (_, digest) in held.items() if digest != digests.get(name)}
        index = self._index
        if index is None or len(gone) > _PATCH_AT_MOST:
            index, gone = self._empty_index(), set()
        fresh = self._index is None
        self._index = index
        new = {name: digest for name, digest in digests.items() if fresh or name in gone or name not in held}
        self._change(index, revision, gone, passages, new)

    def _empty_index(self) -> tantivy.Index:
        self._forget()
        if self._replica is None:
            index = tantivy.Index(self._schema)
        else:
            self._replica.clear()
            index = tantivy.Index(self._schema, str(self._replica.segments))
        index.config_reader("manual")
        return index

    def _change(
        self,
        index: tantivy.Index,
        revision: int,
        gone: Collection[str],
        passages: Iterable[Passage],
        new: Mapping[str, str],
    ) -> None:
        """Take out `gone`; put in those of `passages` that `new` names, with their digests.

        Slots are never used twice, so `_ids` may grow under the eyes of an older view.
        """
        state, outdated = self._state, {*gone, *new} & self._state.slots.keys()
        if self._replica:
            self._replica.begin()
        added = {name: (state.next_slot + n, digest) for n, (name, digest) in enumerate(new.items())}
        if outdated or new:
            documents = (entry(p, added[p.passage_id][0]) for p in passages if p.passage_id in added)
            self._write(index, outdated, documents if new else (), len(new))
        for name in outdated:
            del state.slots[name]
        state.slots.update(added)
        self._ids.update((slot, name) for name, (slot, _) in added.items())
        state.next_slot, state.revision = state.next_slot + len(new), revision
        if self._replica:
            self._replica.commit(state, outdated, added)

    @staticmethod
    def _write(index: tantivy.Index, outdated: Collection[str], new: Iterable[tantivy.Document], count: int) -> None:
        writer = index.writer(_PATCH_WRITER_BYTES if count <= _PATCH_AT_MOST else _WRITER_BYTES, 1)
        for name in outdated:
            writer.delete_documents_by_term("passage_id", name)
        for document in new:
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()

    def _show(self) -> None:
        if self._index is not None:
            searcher, entries = self._index.searcher(), len(self._state.slots)
            self._view = LexicalView(self._schema, self._empty.weights, searcher, self._ids, entries)


def digest_of(passage: Passage) -> str:
    """Changes with everything the index holds of a passage."""
    parts: list[object] = [passage.title, passage.text, *passage.known_questions, passage.kind, passage.product_code]
    parts += [passage.effective_from, passage.effective_until, sorted(passage.branches), sorted(passage.roles)]
    parts.append(sorted(passage.lines))
    return blake2b("\x1f".join(map(str, parts)).encode(errors="replace"), digest_size=12).hexdigest()
