"""Changes that reach retrieval, over a real database, in the owner of the indexes and in another reader."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from knowledge.documents import WHOLE_BANK, DocumentKind, Passage, PassageText, Scope
from knowledge.retrieval import passage_table
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.retrieval.source import KnowledgeChange
from knowledge.stores.chroma import ChromaVectors
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore
from tests.unit.knowledge.retrieval.passages import ON, passage

NEW_YEAR = date(2026, 1, 1)


class Counting(KnowledgeStore):
    """The store, which also says how often everything was read."""

    readings: int = 0

    def passages(self) -> Iterator[Passage]:
        object.__setattr__(self, "readings", self.readings + 1)
        return super().passages()


@pytest.fixture
def store(migrated_file: Path, tmp_path: Path) -> Iterator[Counting]:
    path = tmp_path / "wainao.db"
    path.write_bytes(migrated_file.read_bytes())
    opened = Counting(Database(f"sqlite:///{path}"))
    yield opened
    opened.database.close()


def add(store: KnowledgeStore, name: str, *texts: str, first: date = NEW_YEAR, approve: bool = True) -> str:
    passages = [PassageText(text) for text in texts]
    version = store.add_version(name, DocumentKind.OTHER, name, passages, effective_from=first, uploaded_by="c1")
    return store.approve(version.version_id, by="c2").version_id if approve else version.version_id


def found(retriever: KnowledgeRetriever, question: str, on: date = ON, scope: Scope = WHOLE_BANK) -> list[str]:
    result = retriever.search(question, scope=scope, on=on)
    return [evidence.passage.version_id for evidence in result.evidence]


def test_every_change_is_followed_without_reading_everything_again(store: Counting, tmp_path: Path) -> None:
    add(store, "gold", "黄金积存一克起。", "黄金随时可卖。")
    owner = KnowledgeRetriever(store, folder=tmp_path / "index", vectors=ChromaVectors(tmp_path / "chroma"))
    other = KnowledgeRetriever(store, folder=tmp_path / "index")
    for retriever in (owner, other):
        assert found(retriever, "黄金") == ["gold@v1", "gold@v1"]
    assert store.readings == 2
    steps: list[Callable[[], str]] = [
        lambda: add(store, "bond", "国债三年期。"),
        lambda: add(store, "gold", "黄金积存两克起。", first=date(2026, 2, 1)),
        lambda: store.withdraw("bond@v1", by="c2").version_id,
        lambda: add(store, "draft", "国债五年期。", approve=False),
    ]
    for step in steps:
        step()
        fresh = KnowledgeRetriever(store)
        for retriever in (owner, other):
            for question in ("黄金", "国债"):
                for day in (ON, date(2026, 1, 15)):
                    assert found(retriever, question, day) == found(fresh, question, day)
        assert owner.status.revision == other.status.revision == store.revision()
    assert store.readings == 2 + len(steps)
    assert other.status.lexical_on_disk
    owner.close()
    other.close()


def test_the_difference_between_revisions_names_exactly_what_changed(store: Counting) -> None:
    add(store, "gold", "黄金。")
    before = store.revision()
    add(store, "bond", "国债。")
    add(store, "gold", "黄金两克。", first=date(2026, 2, 1))
    store.withdraw("bond@v1", by="c2")
    change = store.changes_since(before)
    assert change is not None
    assert change.revision == store.revision()
    assert change.version_ids == {"bond@v1", "gold@v1", "gold@v2"}
    ends = {row.version_id: row.effective_until for row in change.passages}
    assert ends == {"gold@v1": date(2026, 2, 1), "gold@v2": None}
    assert store.changes_since(store.revision()) == KnowledgeChange(store.revision(), frozenset())


def test_a_log_with_a_gap_or_a_database_that_went_back_means_reading_everything(store: Counting) -> None:
    add(store, "gold", "黄金。")
    assert store.changes_since(store.revision() - 5) is None
    assert store.changes_since(store.revision() + 1) is None


def test_a_restart_reads_the_indexes_and_follows_from_there(store: Counting, tmp_path: Path) -> None:
    add(store, "gold", "黄金积存一克起。")
    first = KnowledgeRetriever(store, folder=tmp_path / "index")
    first.refresh()
    first.close()
    add(store, "bond", "国债三年期。")
    again = KnowledgeRetriever(store, folder=tmp_path / "index")
    assert found(again, "国债")[0] == "bond@v1"
    add(store, "fund", "基金定投。")
    assert found(again, "基金")[0] == "fund@v1"
    again.close()


class Slow(PassagesInMemory):
    """A database of which a change takes as long to read as the test wants."""

    reading: threading.Event
    go_on: threading.Event

    def changes_since(self, revision: int) -> KnowledgeChange | None:
        self.reading.set()
        self.go_on.wait(30)
        return super().changes_since(revision)


def test_while_one_thread_follows_others_go_on_without_what_was_withdrawn() -> None:
    rows = (passage("gold", "黄金积存一克起。"), passage("bond", "黄金与国债。"))
    source = Slow(rows=rows)
    source.reading, source.go_on = threading.Event(), threading.Event()
    retriever = KnowledgeRetriever(source)
    assert sorted(found(retriever, "黄金")) == ["bond@v1", "gold@v1"]
    source.replace([rows[0], passage("new", "黄金新规。")])
    follower = threading.Thread(target=retriever.refresh)
    follower.start()
    assert source.reading.wait(10)
    assert found(retriever, "黄金") == ["gold@v1"]  # neither the withdrawn one nor yet the new one
    source.go_on.set()
    follower.join()
    assert sorted(found(retriever, "黄金")) == ["gold@v1", "new@v1"]


def test_a_change_that_fails_half_way_is_tried_again(store: Counting) -> None:
    add(store, "gold", "黄金积存一克起。")

    class Failing(Counting):
        broken = True

        def embeddings(self, embedder_id: str, keys: object) -> dict[str, bytes]:
            if Failing.broken and KnowledgeStore.revision(self) > first:
                raise RuntimeError("the disk is full")
            return super().embeddings(embedder_id, keys)  # type: ignore[arg-type]

    first = store.revision()
    retriever = KnowledgeRetriever(Failing(store.database))
    retriever.refresh()
    add(store, "bond", "国债三年期。")
    with pytest.raises(RuntimeError):
        found(retriever, "国债")
    Failing.broken = False
    assert found(retriever, "国债")[0] == "bond@v1"


def test_words_that_are_not_in_memory_are_read_together_and_as_the_snapshot_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passage_table, "_GENERATION", 600)
    rows = [
        passage(f"p{n:04}", f"赎回规则第{n}条。", version_id=f"d{n // 3}@v1", document_id=f"d{n // 3}")
        for n in range(2_000)
    ]
    source = Reading(rows=tuple(rows))
    retriever = KnowledgeRetriever(source)
    evidence = retriever.search("赎回规则", scope=WHOLE_BANK, on=ON, top_k=10).evidence
    assert {found.passage for found in evidence} <= set(rows)
    assert len(evidence) == 10
    reads = source.reads
    assert retriever.search("第77条赎回规则", scope=WHOLE_BANK, on=ON, top_k=10).evidence[0].passage == rows[77]
    assert source.reads <= reads + 3
    assert retriever.readable(scope=WHOLE_BANK, on=ON, document_id="d5") == tuple(rows[15:18])
    source.replace(row for row in rows if row.passage_id != "p0077")
    found_then = retriever.search("第77条赎回规则", scope=WHOLE_BANK, on=ON, top_k=200).evidence
    assert "p0077" not in {found.passage.passage_id for found in found_then}


class Reading(PassagesInMemory):
    """Says how often passages were read by their ids."""

    reads: int = 0

    def passages_by_ids(self, passage_ids: Sequence[str]) -> dict[str, Passage]:
        self.reads += 1
        return super().passages_by_ids(passage_ids)
