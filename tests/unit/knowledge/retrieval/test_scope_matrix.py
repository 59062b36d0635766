"""Who finds what on which day: every asker against every audience, over a real database, counted cell by cell."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from knowledge.documents import DocumentKind, PassageText, Scope, VersionStatus
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.retrieval.vectors import ExactVectors, VectorIndex
from knowledge.stores import tables
from knowledge.stores.chroma import ChromaVectors
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore, passage_rows

# Three levels: head office, two branches, two sub-branches each. A document of a branch reaches those below it.
PARENTS = {"head": None, "east": "head", "west": "head", "e1": "east", "e2": "east", "w1": "west", "w2": "west"}
ROLES, LINES = ("relationship_manager", "compliance_officer"), ("wealth", "loans")
DAYS = (date(2026, 1, 15), date(2026, 3, 1), date(2026, 6, 1))
QUESTION = "积存金提前赎回的费用怎么收"
CROWD = 2_000
STATUSES = ("approved", "draft", "withdrawn", "superseded")
PERIODS = ((date(2026, 1, 1), None), (date(2026, 2, 1), date(2026, 4, 1)), (date(2026, 5, 1), None))


@dataclass(frozen=True)
class Document:
    """What was stored, and in which words of its own that no other document has."""

    name: str
    words: str
    branches: frozenset[str]
    roles: frozenset[str]
    lines: frozenset[str]
    first: date
    until: date | None
    status: str

    def may_be_found(self, branch: str, role: str, line: str, on: date) -> bool:
        """Said once more in plain words, apart from the code under test."""
        above: set[str] = set()
        step: str | None = branch
        while step is not None:
            above.add(step)
            step = PARENTS[step]
        return (
            self.status == "approved"
            and self.first <= on
            and (self.until is None or on < self.until)
            and (not self.branches or any(one in above for one in self.branches))
            and (not self.roles or role in self.roles)
            and (not self.lines or line in self.lines)
        )


def scope_of(branch: str, role: str, line: str) -> Scope:
    """As the assistant makes it: the own branch and those above."""
    own, step = [], branch
    while step:
        own.append(step)
        step = PARENTS[step] or ""
    return Scope(frozenset(own), frozenset({role}), frozenset({line}))


def documents() -> list[Document]:
    """Audiences of every sort, each in two statuses or periods drawn by a fixed seed."""
    chance = random.Random(20260301)
    audiences: list[tuple[set[str], set[str], set[str]]] = [
        (set(branches), set(roles), set(lines))
        for branches, roles, lines in product(
            [(), ("east",), ("e1",), ("w2", "e2"), ("head",)], [(), (ROLES[0],), (ROLES[1],)], [(), (LINES[0],)]
        )
    ]
    found: list[Document] = []
    for number, (branches, roles, lines) in enumerate(audiences):
        for status in ("approved", chance.choice(STATUSES)):
            first, until = chance.choice(PERIODS)
            words = "".join(chance.choices([chr(code) for code in range(0x5000, 0x5400)], k=6))
            name = f"d{number:02}-{status}-{len(found):03}"
            audience = (frozenset(branches), frozenset(roles), frozenset(lines))
            found.append(Document(name, words, *audience, first, until, status))
    return found


def put(store: KnowledgeStore, document: Document) -> None:
    """Through the store's own doors, as far as its status asks."""
    about = PassageText(f"{QUESTION}：{document.words}")
    version = store.add_version(
        document.name,
        DocumentKind.OTHER,
        "积存金",
        [about],
        effective_from=document.first,
        effective_until=document.until,
        branches=document.branches,
        roles=document.roles,
        lines=document.lines,
        uploaded_by="c1",
    )
    if document.status != "draft":
        store.approve(version.version_id, by="c2")
    if document.status == "withdrawn":
        store.withdraw(version.version_id, by="c2")
    if document.status == "superseded":
        later = store.add_version(
            document.name,
            DocumentKind.OTHER,
            "别的",
            [PassageText("改为另行通知。")],
            effective_from=document.first,
            uploaded_by="c1",
        )
        store.approve(later.version_id, by="c2")


def crowd(store: KnowledgeStore) -> None:
    """Whole-bank passages that say nearly what is asked, far more of them than are ever fetched at once."""
    with store.database.writing() as conn:
        conn.execute(insert(tables.documents), {"document_id": "crowd", "kind": DocumentKind.OTHER.value})
        row = dict(conn.execute(select(tables.versions).limit(1)).mappings().one())
        row |= {"version_id": "crowd@v1", "document_id": "crowd", "version": 1, "title": "积存金", "branches": []}
        row |= {"status": VersionStatus.APPROVED.value, "roles": [], "lines": [], "content_hash": "crowd"}
        row |= {"effective_from": date(2026, 1, 1), "effective_until": None, "file_hash": ""}
        conn.execute(insert(tables.versions), row)
        texts = [PassageText(f"{QUESTION}，第{number}问") for number in range(CROWD)]
        conn.execute(insert(tables.passages), passage_rows("crowd@v1", texts))


@pytest.fixture(scope="module")
def store(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeStore]:
    path = tmp_path_factory.mktemp("matrix") / "wainao.db"
    path.write_bytes(migrated_file.read_bytes())
    opened = KnowledgeStore(Database(f"sqlite:///{path}"))
    for document in documents():
        put(opened, document)
    crowd(opened)
    yield opened
    opened.database.close()


@pytest.fixture(scope="module", params=["exact", "chroma"])
def retriever(
    request: pytest.FixtureRequest, store: KnowledgeStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KnowledgeRetriever]:
    folder = tmp_path_factory.mktemp("index")
    vectors: VectorIndex = ChromaVectors(folder / "chroma") if request.param == "chroma" else ExactVectors()
    opened = KnowledgeRetriever(store, folder=folder / "index", vectors=vectors)
    yield opened
    opened.close()


def found(retriever: KnowledgeRetriever, question: str, scope: Scope, on: date, top_k: int) -> set[str]:
    result = retriever.search(question, scope=scope, on=on, top_k=top_k)
    every = (evidence.passage for evidence in result.evidence)
    return {passage.document_id for passage in every if passage.version == 1}


def test_nobody_finds_what_is_not_theirs_and_everybody_finds_what_is(retriever: KnowledgeRetriever) -> None:
    every, cells = documents(), 0
    for branch, role, line, on in product(PARENTS, ROLES, LINES, DAYS):
        scope = scope_of(branch, role, line)
        right = {document.name for document in every if document.may_be_found(branch, role, line, on)}
        addressed = {d.name for d in every if d.name in right and (d.branches or d.roles or d.lines)}
        listed = found(retriever, QUESTION, scope, on, top_k=100) - {"crowd"}
        assert listed <= right, (branch, role, line, on)
        assert addressed <= listed, (branch, role, line, on)
        cells += len(every)
    assert cells >= 500


def test_each_asker_finds_a_document_by_its_own_words_exactly_when_allowed(retriever: KnowledgeRetriever) -> None:
    every, chance = documents(), random.Random(5)
    cells = list(product(PARENTS, ROLES, LINES, DAYS, every))
    for branch, role, line, on, document in chance.sample(cells, 500):
        first = retriever.search(document.words, scope=scope_of(branch, role, line), on=on, top_k=1).evidence
        hit = bool(first) and first[0].passage.version_id == f"{document.name}@v1"
        assert hit == document.may_be_found(branch, role, line, on), (branch, role, line, on, document)


def test_abstention_does_not_depend_on_what_an_asker_may_not_read(retriever: KnowledgeRetriever) -> None:
    stranger = Scope(frozenset({"elsewhere"}))
    for document in documents():
        readable = document.may_be_found("head", "", "", DAYS[1]) and not document.branches
        assert retriever.search(document.words, scope=stranger, on=DAYS[1]).abstained != readable, document
