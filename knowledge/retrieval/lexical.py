"""The lexical index: BM25 over characters, pairs and figures, with date and scope filters inside the search.

Each passage is one entry (title, body); each known question is an entry of its own that points to its passage, and a
passage counts by its best one: a question that was asked before should find its answer however many others there are.

The folder is a replica of the database, never the truth. One process keeps it (an OS file lock); another process that
finds it in step with the database reads it, else builds its own copy in memory. A folder that is absent, old, of
another format or damaged is built anew.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any

import tantivy

from knowledge.documents import DocumentKind, Passage, Scope
from knowledge.retrieval.locking import FolderLock
from knowledge.retrieval.text import tokens

log = logging.getLogger(__name__)

FORMAT = "lexical-1"  # raise when fields, folding or terms change: folders of another format are rebuilt
_EVERYBODY = "*"
_NEVER = date.max.toordinal() + 1
_WRITER_BYTES = 64_000_000
_MERGE_AT = 5_000  # so many changed passages are built anew rather than patched
_FILTERED = ("branches", "roles", "kind", "product", "passage_id")
_DAMAGE = (ValueError, OSError, KeyError, TypeError, RuntimeError)  # what tantivy and the state file raise on bad files


@dataclass(frozen=True, slots=True)
class Filter:
    """What may be found: knowledge in force on the day, within the scope, of these kinds and this product if given."""

    on: date
    scope: Scope
    kinds: frozenset[DocumentKind] | None = None
    product_codes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """How much a hit in the title counts beside one in the body."""

    title: float = 1.0
    body: float = 1.0


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """BM25 by passage id: of title and body together, and of the best known question."""

    text: dict[str, float]
    question: dict[str, float]


@dataclass
class _State:
    """What the files hold: the revision they follow and, per passage, its slot number and a digest of its content."""

    revision: int = -1
    slots: dict[str, tuple[int, str]] = field(default_factory=dict)
    next_slot: int = 0


class LexicalIndex:
    """See the module. Not thread-safe while `follow` runs; `search` may be called from many threads."""

    def __init__(self, folder: Path | None = None, weights: FieldWeights | None = None) -> None:
        self._folder = folder
        self._weights = weights or FieldWeights()
        self._lock = FolderLock(folder / "lock") if folder else None
        self._schema = _schema()
        self._index: tantivy.Index | None = None
        self._state = _State()
        self._ids: dict[int, str] = {}
        self._in_memory = folder is None

    @property
    def revision(self) -> int:
        """The revision of the database this index shows; -1: nothing yet."""
        return self._state.revision

    def follow(self, revision: int, passages: Sequence[Passage]) -> None:
        """Make the index show exactly `passages`: reads or patches what is there, else builds anew."""
        if self._index is None and not self._open(revision):
            self._start_empty()
        if self._state.revision != revision:
            if not self._may_write():
                self._start_empty()
            self._bring_up_to(revision, passages)
        self._ids = {slot: name for name, (slot, _) in self._state.slots.items()}

    def search(self, question: str, *, allowed: Filter, limit: int) -> LexicalScores:
        """The best `limit` passages by text and by known question each."""
        if self._index is None:
            return LexicalScores({}, {})
        terms = Counter(tokens(question))
        searcher = self._index.searcher()
        text = self._run(searcher, self._text_query(terms), allowed, limit)
        asked = self._run(searcher, self._field_query(terms, "question", 1.0), allowed, limit * 3)
        return LexicalScores(text, dict(list(asked.items())[:limit]))

    @property
    def entries(self) -> int:
        """Number of passages and known questions."""
        return int(self._index.searcher().num_docs) if self._index else 0

    def frequency(self, term: str) -> int:
        """In how many entries a term stands (an upper bound where deleted entries linger)."""
        if self._index is None:
            return 0
        searcher = self._index.searcher()
        return max(int(searcher.doc_freq(name, term)) for name in ("title", "body", "question"))

    def close(self) -> None:
        """Let go of the folder."""
        self._index = None
        self._state = _State()
        if self._lock:
            self._lock.release()

    # -- searching

    def _text_query(self, terms: Mapping[str, int]) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        title = self._field_query(terms, "title", self._weights.title) if self._weights.title else []
        return title + self._field_query(terms, "body", self._weights.body)

    def _field_query(
        self, terms: Mapping[str, int], name: str, weight: float
    ) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        clauses = []
        for term, count in terms.items():
            query = tantivy.Query.term_query(self._schema, name, term, "freq")
            clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(query, weight * count)))
        return clauses

    def _run(
        self,
        searcher: tantivy.Searcher,
        clauses: list[tuple[tantivy.Occur, tantivy.Query]],
        allowed: Filter,
        limit: int,
    ) -> dict[str, float]:
        """Best score per passage, best first."""
        if not clauses:
            return {}
        ranked = tantivy.Query.boolean_query(clauses)
        must = [(tantivy.Occur.Must, query) for query in [ranked, *self._filters(allowed)]]
        hits = searcher.search(tantivy.Query.boolean_query(must), limit, count=False).hits
        slots = searcher.fast_field_values("slot", [address for _, address in hits])
        best: dict[str, float] = {}
        for (score, _), slot in zip(hits, slots, strict=True):
            name = self._ids.get(int(slot)) if slot is not None else None
            if name is not None:
                best.setdefault(name, float(score))
        return best

    def _filters(self, allowed: Filter) -> list[tantivy.Query]:
        day = allowed.on.toordinal()
        integer = tantivy.FieldType.Integer
        found = [
            tantivy.Query.range_query(self._schema, "effective_from", integer, None, day),
            tantivy.Query.range_query(self._schema, "effective_until", integer, day + 1, None),
            self._any_of("branches", [_EVERYBODY, *allowed.scope.branches]),
            self._any_of("roles", [_EVERYBODY, *allowed.scope.roles]),
        ]
        if allowed.kinds is not None:
            found.append(self._any_of("kind", [kind.value for kind in allowed.kinds]))
        if allowed.product_codes is not None:
            found.append(self._any_of("product", list(allowed.product_codes)))
        return [tantivy.Query.const_score_query(query, 0.0) for query in found]

    def _any_of(self, name: str, values: list[str]) -> tantivy.Query:
        return tantivy.Query.term_set_query(self._schema, name, values)

    # -- following the database

    def _may_write(self) -> bool:
        return self._in_memory or (self._lock is not None and self._lock.acquire())

    def _open(self, revision: int) -> bool:
        """Open the folder if it is whole and, for a process that may not write, in step with the database."""
        if self._folder is None or not (self._folder / "state.json").is_file():
            return False
        try:
            state = _read_state(self._folder / "state.json")
            if state.revision != revision and not self._may_write():
                return False
            index = tantivy.Index(self._schema, str(self._folder / "segments"), reuse=True)
            index.searcher().search(tantivy.Query.all_query(), 1)
        except _DAMAGE as exc:
            log.warning("lexical_index_rebuilt", extra={"cause": type(exc).__name__})
            return False
        self._index, self._state = index, state
        return True

    def _start_empty(self) -> None:
        self._in_memory = not (self._folder is not None and self._lock is not None and self._lock.acquire())
        path = None
        if not self._in_memory and self._folder is not None:
            (self._folder / "state.json").unlink(missing_ok=True)
            shutil.rmtree(self._folder / "segments", ignore_errors=True)
            (self._folder / "segments").mkdir(parents=True)
            path = str(self._folder / "segments")
        self._index = tantivy.Index(self._schema, path)
        self._state = _State()

    def _bring_up_to(self, revision: int, passages: Sequence[Passage]) -> None:
        digests = {passage.passage_id: _digest(passage) for passage in passages}
        held = self._state.slots
        gone = [name for name in held if held[name][1] != digests.get(name)]
        if len(gone) > _MERGE_AT:
            self._start_empty()
            held, gone = self._state.slots, []
        new = [p for p in passages if p.passage_id not in held or held[p.passage_id][1] != digests[p.passage_id]]
        state = _State(revision, {name: held[name] for name in held if name not in set(gone)}, self._state.next_slot)
        if gone or new:
            self._write(gone, new, state, digests)
        self._state = state
        self._save_state()

    def _write(self, gone: Iterable[str], new: Iterable[Passage], state: _State, digests: Mapping[str, str]) -> None:
        if not self._in_memory and self._folder is not None:
            (self._folder / "state.json").unlink(missing_ok=True)  # a crash from here on leaves a folder to be rebuilt
        index = self._index or tantivy.Index(self._schema)
        writer = index.writer(_WRITER_BYTES, 1)
        for name in gone:
            writer.delete_documents_by_term("passage_id", name)
        for passage in new:
            state.slots[passage.passage_id] = (state.next_slot, digests[passage.passage_id])
            for entry in _entries(passage, state.next_slot):
                writer.add_document(entry)
            state.next_slot += 1
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._index = index

    def _save_state(self) -> None:
        if self._in_memory or self._folder is None:
            return
        target = self._folder / "state.json"
        body = {"format": FORMAT, "revision": self._state.revision, "next_slot": self._state.next_slot}
        part = target.with_suffix(".part")
        part.write_text(json.dumps({**body, "slots": self._state.slots}), encoding="utf-8")
        part.replace(target)


def _read_state(path: Path) -> _State:
    """Raises: ValueError, KeyError or TypeError when the file is not a state of this format."""
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if body["format"] != FORMAT:
        raise ValueError(body["format"])
    slots = {name: (int(slot), str(digest)) for name, (slot, digest) in body["slots"].items()}
    return _State(int(body["revision"]), slots, int(body["next_slot"]))


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("title", "body", "question"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    for name in _FILTERED:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("effective_from", indexed=True, fast=True)
    builder.add_integer_field("effective_until", indexed=True, fast=True)
    builder.add_unsigned_field("slot", indexed=False, fast=True)
    return builder.build()


def _entries(passage: Passage, slot: int) -> Iterable[tantivy.Document]:
    """One entry for the passage, one for each known question; all carry what the filters ask for."""
    yield _entry(passage, slot, title=passage.title, body=passage.text)
    for question in passage.known_questions:
        yield _entry(passage, slot, question=question)


def _entry(passage: Passage, slot: int, **texts: str) -> tantivy.Document:
    document = tantivy.Document()
    for name, text in texts.items():
        document.add_text(name, " ".join(tokens(text)))
    document.add_text("passage_id", passage.passage_id)
    document.add_text("kind", passage.kind.value)
    if passage.product_code:
        document.add_text("product", passage.product_code)
    for branch in passage.branches or {_EVERYBODY}:
        document.add_text("branches", branch)
    for role in passage.roles or {_EVERYBODY}:
        document.add_text("roles", role)
    document.add_integer("effective_from", passage.effective_from.toordinal())
    document.add_integer("effective_until", passage.effective_until.toordinal() if passage.effective_until else _NEVER)
    document.add_unsigned("slot", slot)
    return document


def _digest(passage: Passage) -> str:
    """Changes with everything the index holds of a passage."""
    parts: list[object] = [passage.title, passage.text, *passage.known_questions, passage.kind, passage.product_code]
    parts += [passage.effective_from, passage.effective_until, sorted(passage.branches), sorted(passage.roles)]
    return blake2b("\x1f".join(map(str, parts)).encode(errors="replace"), digest_size=12).hexdigest()
