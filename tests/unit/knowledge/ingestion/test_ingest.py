from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.masking import mask
from knowledge.documents import DocumentKind, VersionStatus
from knowledge.errors import ApproverNotAllowed
from knowledge.ingestion.extracted import Block, BlockKind, joined
from knowledge.ingestion.ingest import IngestedFile, Ingestor, Outcome, Upload
from knowledge.ingestion.masked import masked_text
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.files import FileStore
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


NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def upload(**changes: Any) -> Upload:
    fields: dict[str, Any] = {"effective_from": TODAY, "uploaded_by": "curator2", "now": NOW}
    return Upload(**{**fields, **changes})


def put(store: KnowledgeStore, text: str, name: str, **changes: Any) -> IngestedFile:
    return Ingestor(store, mask=mask).ingest_bytes(text.encode(), name, upload(**changes))


MASKED_FILES = {
    "公告.md": "# 公告\n\n有事打 13812345678 找网点。\n\n利率不变。",
    "名单.csv": "网点,电话,楼层\n城东,13812345678,2\n滨河,13912345678,3\n",
    "聊天.txt": "客户：我手机13812345678\n客户经理：好的，记下了\n客户：谢谢",
    "问答.csv": "问题,答案\n打哪个电话,打 13812345678\n几点开门,九点\n",
    "题.yaml": "- {id: F1, question: 打哪个, situation: x, answer: 打 13812345678, effective_from: 2026-01-01}",
}


@pytest.mark.parametrize("name", MASKED_FILES)
def test_passages_are_stretches_of_the_masked_text_that_is_stored(store: KnowledgeStore, name: str) -> None:
    done = put(store, MASKED_FILES[name], name)
    kept = FileStore(store.database).get(done.file_hash)
    assert kept.content is None
    assert kept.extracted is not None
    assert done.masked > 0
    passages = store.passages_of(done.version_ids[0])
    assert passages
    for passage in passages:
        assert kept.extracted.text[passage.source.start : passage.source.end] == passage.text
    everything = json.dumps(kept.extracted.to_json(), ensure_ascii=False) + str(store.versions()) + str(passages)
    assert "13812345678" not in everything


def test_bytes_are_kept_only_where_nothing_was_masked_and_never_of_a_chat(store: KnowledgeStore) -> None:
    contents = {
        "clean.md": "# 公告\n\n利率不变。",
        "front.md": "---\nauthor: 13812345678\n---\n# 公告\n\n利率又变。",
        "chat.txt": "客户：利率多少\n客户经理：看公告\n",
    }
    kept = {name: FileStore(store.database).get(put(store, text, name).file_hash) for name, text in contents.items()}
    assert {name: file.content is not None for name, file in kept.items()} == {
        "clean.md": True,
        "front.md": False,
        "chat.txt": False,
    }


def test_an_upload_tells_its_steps_and_carries_audience_title_and_document(store: KnowledgeStore) -> None:
    steps: list[str] = []
    first = put(store, "利率1.25%。", "甲.txt")
    audience = {"roles": frozenset({"rm"}), "lines": frozenset({"wealth"}), "branches": frozenset({"chengdong"})}
    known = upload(document_id=first.document_ids[0], title="利率公告", effective_until=date(2027, 1, 1), **audience)
    second = Ingestor(store).ingest_bytes("利率1.20%。".encode(), "乙.txt", known, steps.append)
    assert steps == ["reading", "cutting", "storing"]
    version = store.version(second.version_ids[0])
    assert (version.document_id, version.version, version.title) == (first.document_ids[0], 2, "利率公告")
    assert (version.roles, version.lines, version.branches) == tuple(audience.values())
    assert version.effective_until == date(2027, 1, 1)
    assert version.file_hash == second.file_hash


def test_the_same_bytes_under_another_name_are_the_document_that_is_there(store: KnowledgeStore) -> None:
    first, second = put(store, "# 公告\n\n利率不变。", "甲.md"), put(store, "# 公告\n\n利率不变。", "乙.md")
    assert second.outcome is Outcome.UNCHANGED
    assert second.version_ids == first.version_ids
    assert "公告" in second.warnings[0]
    assert len(store.versions()) == 1
    store.withdraw(first.version_ids[0], "officer1", note="作废")
    assert put(store, "# 公告\n\n利率不变。", "丙.md").outcome is Outcome.LOADED


def test_a_proposed_product_gives_no_product_facts_even_when_approved(store: KnowledgeStore) -> None:
    text = "产品名称：稳盈\n产品代码：A1\n风险等级：R2\n起点金额：1万元\n"
    done = put(store, text, "单页.txt", approve_as="curator1")
    assert store.products() == []
    assert [passage.version_id for passage in store.passages()] == list(done.version_ids)
    assert store.version(done.version_ids[0]).product_code == "A1"


def test_hidden_text_is_quoted_masked_wherever_the_quotation_ends() -> None:
    for lead in range(40, 104):
        hidden = Block(BlockKind.PARAGRAPH, "字" * lead + "13800138000后面", hidden=True)
        clean, _ = masked_text(joined([Block(BlockKind.PARAGRAPH, "正文。"), hidden]), mask)
        assert "1380" not in str(clean.warnings), lead
