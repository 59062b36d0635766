from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from knowledge.documents import DocumentKind, VersionStatus
from knowledge.errors import ApproverNotAllowed
from knowledge.ingestion.ingest import IngestedFile, Ingestor, Outcome
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

TODAY = date(2026, 11, 23)


@pytest.fixture
def store(tmp_path: Path) -> KnowledgeStore:
    database = Database(f"sqlite:///{tmp_path}/db/wainao.db", checkpoints=True)
    with database.migrating() as conn:
        tables.metadata.create_all(conn)
    return KnowledgeStore(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def load(store: KnowledgeStore, path: Path, approve_as: str | None = "curator1") -> list[IngestedFile]:
    return Ingestor(store).ingest(path, effective_from=TODAY, uploaded_by="cli", approve_as=approve_as)


def test_a_file_is_loaded_once_and_then_unchanged(store: KnowledgeStore, folder: Path) -> None:
    (folder / "公告.md").write_text("# 公告\n\n利率今天调整。", encoding="utf-8")
    first, second = load(store, folder)[0], load(store, folder / "公告.md")[0]
    assert (first.outcome, second.outcome) == (Outcome.LOADED, Outcome.UNCHANGED)
    assert first.version_ids == second.version_ids
    assert [version.status for version in store.versions()] == [VersionStatus.APPROVED]
    assert store.versions()[0].effective_from == TODAY


def test_new_words_under_the_same_name_are_a_new_version(store: KnowledgeStore, folder: Path) -> None:
    for words in ("利率1.25%。", "利率1.20%。"):
        (folder / "公告.md").write_text(words, encoding="utf-8")
        load(store, folder)
    assert [version.version for version in store.versions()] == [1, 2]
    assert [version.version for version in store.versions() if version.in_force_on(TODAY)] == [2]


def test_without_an_approver_everything_stays_a_draft(store: KnowledgeStore, folder: Path) -> None:
    (folder / "公告.md").write_text("利率今天调整。", encoding="utf-8")
    load(store, folder, approve_as=None)
    assert list(store.passages()) == []
    assert load(store, folder)[0].outcome is Outcome.LOADED
    assert len(list(store.passages())) == 1


def test_the_uploader_cannot_approve(store: KnowledgeStore, folder: Path) -> None:
    with pytest.raises(ApproverNotAllowed):
        load(store, folder, approve_as="cli")


def test_a_refused_file_stops_nothing_and_leaves_nothing(store: KnowledgeStore, folder: Path) -> None:
    (folder / "坏.docx").write_bytes(b"no zip")
    (folder / "好.txt").write_text("可以读。", encoding="utf-8")
    (folder / ".hidden").write_text("x", encoding="utf-8")
    (folder / "~$锁.docx").write_bytes(b"x")
    found = {item.path.name: item for item in load(store, folder)}
    assert {name: item.outcome for name, item in found.items()} == {"坏.docx": "refused", "好.txt": "loaded"}
    assert found["坏.docx"].reason == "wrong_format"
    assert "另存" in found["坏.docx"].message
    assert len(store.versions()) == 1


def test_a_file_that_is_not_there_is_refused(store: KnowledgeStore, folder: Path) -> None:
    assert load(store, folder / "没有.pdf")[0].reason == "unreadable"


def test_files_of_one_name_in_two_folders_are_two_documents(store: KnowledgeStore, folder: Path) -> None:
    for branch in ("城东", "滨河"):
        (folder / branch).mkdir()
        (folder / branch / "值班表.txt").write_text(f"{branch}的安排。", encoding="utf-8")
    found = load(store, folder)
    assert len({item.document_ids for item in found}) == 2
    assert all("同名" in item.warnings[0] for item in found)


def test_what_looks_superseded_waits_for_a_person(store: KnowledgeStore, folder: Path) -> None:
    (folder / "收费办法-旧版.md").write_text("旧的收费。", encoding="utf-8")
    (item,) = load(store, folder)
    assert item.outcome is Outcome.LOADED
    assert item.warnings
    assert store.versions()[0].status is VersionStatus.DRAFT


def test_personal_data_is_masked_before_anything_is_stored(store: KnowledgeStore, folder: Path) -> None:
    (folder / "聊天.txt").write_text("客户：我是王小明，收益多少", encoding="utf-8")
    ingestor = Ingestor(store, mask=lambda text: text.replace("王小明", "〔姓名〕"))
    ingestor.ingest(folder, effective_from=TODAY, uploaded_by="cli", approve_as="curator1")
    assert [passage.text for passage in store.passages()] == ["客户：我是〔姓名〕，收益多少"]


def test_branch_knowledge_carries_its_branches(store: KnowledgeStore, folder: Path) -> None:
    (folder / "a.txt").write_text("城东支行的活动。", encoding="utf-8")
    Ingestor(store).ingest(
        folder,
        effective_from=TODAY,
        uploaded_by="cli",
        approve_as="curator1",
        kind=DocumentKind.PRODUCT,
        branches=frozenset({"chengdong"}),
    )
    (passage,) = store.passages()
    assert (passage.branches, passage.kind) == (frozenset({"chengdong"}), DocumentKind.PRODUCT)
