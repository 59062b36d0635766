"""What goes out as a folder comes back the same in another installation, and only what is whole comes in."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.masking import mask
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from assistant.transferring import Transferring
from knowledge.checked_folder import KnowledgeFolder
from knowledge.documents import DocumentKind, PassageText, Scope, Source, VersionStatus
from knowledge.errors import CuratorNotAllowed, ImportRefused
from knowledge.export import export_knowledge, export_zip
from knowledge.folder_format import KNOWN_NAME, MANIFEST, SourceCard, VersionCard, document_folder
from knowledge.folder_sources import DiskFolder, ZipFolder
from knowledge.importing import Importing, ImportReport
from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText, joined
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.stores.database import Database
from knowledge.stores.editing import DraftEditing
from knowledge.stores.files import FileStore
from knowledge.stores.repository import KnowledgeStore
from tests.conftest import DatabaseFactory

NOW = datetime(2026, 3, 2, 1, 0, 30, 123456, tzinfo=UTC)
SINCE = date(2026, 3, 2)


def exported(database: Database, folder: Path) -> dict[str, bytes]:
    """The folder written anew, as path to bytes."""
    folder.mkdir()
    export_knowledge(database, folder)
    return files_of(folder)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def taken_in(database: Database, folder: Path, *, trust: bool = True, by: str = "officer9") -> ImportReport:
    opened = KnowledgeFolder.opened(DiskFolder(folder))
    with database.writing() as conn:
        return Importing(database, mask).store(conn, opened, by=by, trust=trust)


def odd_knowledge(database: Database) -> None:
    """Every status and every column, ids and texts that file systems and readers trip over."""
    store, editing, files = KnowledgeStore(database), DraftEditing(KnowledgeStore(database)), FileStore(database)
    content = b"%PDF-1.7 odd \x00 bytes"
    file_hash = hashlib.sha256(content).hexdigest()
    blocks = [Block(BlockKind.HEADING, "标题", level=1), Block(BlockKind.PARAGRAPH, "正文")]
    with database.writing() as conn:
        name, size = "奇怪/..\\名字.pdf", len(content)
        files.keep(conn, file_hash, name=name, size=size, content=content, extracted=joined(blocks), now=NOW)
        files.keep(conn, "0" * 64, name="masked", size=9, content=None, extracted=ExtractedText("", ()), now=NOW)

    def add(document_id: str, *texts: str, since: date = SINCE, **more: Any) -> str:
        passages = [
            PassageText(t, Source("f", 3, "表", "B3:D3", "章\n节", 1, 9, 2), ("问？",), ("反？",)) for t in texts
        ]
        kind = DocumentKind.PRODUCT
        options: dict[str, Any] = {"content_hash": f"{texts}{since}", "uploaded_by": "curator1", "now": NOW, **more}
        return store.add_version(document_id, kind, "题\n目", passages, effective_from=since, **options).version_id

    for document_id in ("../../etc/passwd", "a/b", "a_b", "CON", "长" * 300, "点.", "UPPER", "upper", "emoji😀 空格"):
        add(document_id, "一行\u2028两行\r\n第三行", "", file_hash=file_hash)
    first = add("life", "旧", branches=["b1"], roles=["r"], lines=["l"], product_code="P1")
    second = add("life", "新", since=date(2026, 5, 1), effective_until=date(2027, 1, 1), file_hash="0" * 64)
    store.submit(first, "curator1", now=NOW)
    for version_id in (first, second):
        store.approve(version_id, "officer1", now=NOW)
    store.withdraw(add("gone", "撤"), "officer1", note="错了", now=NOW)
    store.submit(add("asked", "审"), "curator2", now=NOW)
    store.send_back(store.submit(add("back", "退"), "curator2", now=NOW).version_id, "改一改")
    edited = add("edited", "甲", "乙", "丙", payload={"content": "product_sheet", "n": 1.5, "z": None, "a": ["x", {}]})
    with database.writing() as conn:
        changed = PassageText("甲二", Source(), ("新问",))
        editing.edit(conn, f"{edited}#p1", changed, by="curator3", now=NOW, expected="甲")
        editing.remove(conn, f"{edited}#p2", by="curator3", now=NOW)
        editing.copy_version(conn, second, effective_from=date(2026, 9, 1), by="curator3", now=NOW)
    add("empty")


def test_what_another_installation_reads_back_it_hands_out_the_same(
    new_database: DatabaseFactory, tmp_path: Path
) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    _goes_round(here, there, tmp_path)


def _goes_round(here: Database, there: Database, tmp_path: Path) -> None:
    first = exported(here, tmp_path / "one")
    report = taken_in(there, tmp_path / "one")
    assert len(report.new) == report.versions > 5
    assert exported(there, tmp_path / "two") == first
    again = taken_in(there, tmp_path / "two")
    assert (again.new, again.changed, len(again.unchanged)) == ([], [], report.versions)
    theirs = {version.version_id: version for version in KnowledgeStore(there).versions()}
    for mine in KnowledgeStore(here).versions():
        assert mine == theirs.pop(mine.version_id)
        assert KnowledgeStore(here).passages_of(mine.version_id) == KnowledgeStore(there).passages_of(mine.version_id)
    assert theirs == {}


def test_one_engine_reads_what_the_other_wrote(new_database: DatabaseFactory, tmp_path: Path, engine: str) -> None:
    here, there = new_database(), new_database(engine="postgresql" if engine == "sqlite" else "sqlite")
    odd_knowledge(here)
    first = exported(here, tmp_path / "one")
    taken_in(there, tmp_path / "one")
    assert exported(there, tmp_path / "two") == first


def test_what_was_approved_elsewhere_waits_for_a_second_person(new_database: DatabaseFactory, tmp_path: Path) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    exported(here, tmp_path / "one")
    report = taken_in(there, tmp_path / "one", trust=False, by="curator7")
    store = KnowledgeStore(there)
    assert report.waiting == 2
    arrived = {version.version_id: version for version in store.versions()}
    assert {version.status for version in arrived.values()} == {
        VersionStatus.DRAFT,
        VersionStatus.IN_REVIEW,
        VersionStatus.WITHDRAWN,
    }
    assert all("curator7" in version.editors for version in arrived.values())
    assert arrived["life@v1"].approved_by is None
    assert arrived["life@v1"].effective_from == SINCE
    assert list(store.passages()) == []
    vouched = taken_in(there, tmp_path / "one", trust=True)
    assert "life@v1" in vouched.changed
    assert exported(there, tmp_path / "two") == files_of(tmp_path / "one")


def test_retrieval_follows_an_import(new_database: DatabaseFactory, tmp_path: Path, engine: str) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    exported(here, tmp_path / "one")
    retriever = KnowledgeRetriever(KnowledgeStore(there))
    scope = Scope(frozenset({"b1"}), frozenset({"r"}), frozenset({"l"}))
    assert retriever.search("旧", scope=scope, on=SINCE).evidence == ()
    taken_in(there, tmp_path / "one")
    assert [found.passage.version_id for found in retriever.search("旧", scope=scope, on=SINCE).evidence] == ["life@v1"]
    assert retriever.search("旧", scope=Scope(), on=SINCE).evidence == ()
    retriever.close()


def test_a_withdrawal_here_outlives_every_import(new_database: DatabaseFactory, tmp_path: Path) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    exported(here, tmp_path / "one")
    taken_in(there, tmp_path / "one")
    KnowledgeStore(there).withdraw("life@v2", "officer1", note="召回", now=NOW)
    taken_in(there, tmp_path / "one")
    assert KnowledgeStore(there).version("life@v2").status is VersionStatus.WITHDRAWN


def test_personal_data_that_nobody_vouches_for_is_masked(new_database: DatabaseFactory, tmp_path: Path) -> None:
    here, there = new_database(), new_database()
    phone = "13912345678"
    content = f"客户电话{phone}".encode()
    with here.writing() as conn:
        text = joined([Block(BlockKind.PARAGRAPH, f"客户电话{phone}")])
        name, file_hash = "a.txt", hashlib.sha256(content).hexdigest()
        FileStore(here).keep(conn, file_hash, name=name, size=9, content=content, extracted=text, now=NOW)
    KnowledgeStore(here).add_version(
        "chat",
        DocumentKind.OTHER,
        f"致电{phone}",
        [PassageText(f"电话{phone}", Source(), (f"{phone}是谁",))],
        effective_from=SINCE,
        payload={"content": "x", "who": phone},
        file_hash=file_hash,
    )
    exported(here, tmp_path / "one")
    taken_in(there, tmp_path / "one", trust=False)
    held = b"".join(exported(there, tmp_path / "two").values())
    assert phone.encode() not in held
    assert FileStore(there).get(file_hash).content is None


def test_only_who_may_curate_vouches(new_database: DatabaseFactory, tmp_path: Path) -> None:
    database = new_database()
    odd_knowledge(database)
    exported(database, tmp_path / "one")
    records = Records.of(database)
    with database.writing() as conn:
        for userid, role in (("rm001", "relationship_manager"), ("curator1", "curator")):
            records.staff.save(conn, StaffMember(userid, userid, role, None, NOW))
    transferring, source = Transferring(records), DiskFolder(tmp_path / "one")
    for by, trust in (("rm001", False), ("nobody", False), (None, True)):
        with pytest.raises(CuratorNotAllowed):
            transferring.take_in(source, by=by, trust_approvals=trust, now=NOW)
    report = transferring.take_in(source, by="curator1", trust_approvals=True, now=NOW)
    assert len(report.unchanged) == report.versions
    [row] = records.audit.of_subject(report.fingerprint)
    assert (row.actor, row.event, row.body["trust_approvals"]) == ("curator1", "knowledge_imported", True)


def test_a_dry_run_says_what_would_happen_and_stores_nothing(new_database: DatabaseFactory, tmp_path: Path) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    exported(here, tmp_path / "one")
    transferring = Transferring(Records.of(there))
    told = transferring.take_in(DiskFolder(tmp_path / "one"), by=None, dry_run=True, now=NOW)
    assert KnowledgeStore(there).versions() == []
    assert transferring.take_in(DiskFolder(tmp_path / "one"), by=None, now=NOW) == told


def test_the_same_knowledge_gives_the_same_zip_and_comes_back_from_it(
    new_database: DatabaseFactory, tmp_path: Path
) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    one, two = io.BytesIO(), io.BytesIO()
    export_zip(here, one)
    opened = KnowledgeFolder.opened(ZipFolder(one))
    with there.writing() as conn:
        Importing(there, mask).store(conn, opened, by="officer9", trust=True)
    export_zip(there, two)
    assert one.getvalue() == two.getvalue()


# -- what is not whole stays out

Spoil = Callable[[Path], object]


def _version_file(folder: Path) -> Path:
    return folder / "documents" / document_folder("life") / "v1" / "version.json"


def _reworded(folder: Path, **changes: Any) -> None:
    """Change version.json and its checksum too, as somebody who knows the format would."""
    path = _version_file(folder)
    card = {**json.loads(path.read_bytes()), **changes}
    path.write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")
    _sealed(folder, path)


def _sealed(folder: Path, path: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    data = path.read_bytes()
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    manifest["files"][path.relative_to(folder).as_posix()] = entry
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")


def _manifest(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


def _another_text(folder: Path) -> None:
    path = _version_file(folder).with_name("passages.jsonl")
    path.write_bytes(path.read_bytes().replace("旧".encode(), "假".encode()))


SPOILT: dict[str, tuple[str, Spoil]] = {
    "no manifest": ("no_manifest", lambda folder: (folder / MANIFEST).unlink()),
    "newer format": ("format", lambda folder: _manifest(folder, format_version=2)),
    "another format": ("format", lambda folder: _manifest(folder, format="zip")),
    "unknown key": ("invalid", lambda folder: _manifest(folder, more=1)),
    "wrong count": ("count", lambda folder: _manifest(folder, passages=1)),
    "no JSON": ("invalid", lambda folder: (folder / MANIFEST).write_text("{", encoding="utf-8")) ,
    "deep JSON": ("invalid", lambda folder: (folder / MANIFEST).write_text("[" * 200_000, encoding="utf-8")),
    "changed passage": ("checksum", _another_text),
    "missing file": ("missing", lambda folder: _version_file(folder).unlink()),
    "file not listed": ("not_listed", lambda folder: _version_file(folder).with_name("history.jsonl").touch()),
    "foreign file": ("path", lambda folder: (folder / "run.sh").write_text("x", encoding="utf-8")),
    "link": ("link", lambda folder: os.symlink("/etc/passwd", folder / "files" / "link")),
    "linked folder": ("link", lambda folder: os.symlink("/etc", folder / "documents" / "etc")),
    "pipe": ("link", lambda folder: os.mkfifo(folder / "versions.fifo")),
    "another document's place": ("misplaced", lambda folder: _reworded(folder, document_id="gone")),
    "another number": ("misplaced", lambda folder: _reworded(folder, version=7)),
    "another id": ("ids", lambda folder: _reworded(folder, version_id="gone@v1")),
    "unknown column": ("invalid", lambda folder: _reworded(folder, approved="yes")),
    "unknown status": ("invalid", lambda folder: _reworded(folder, status="live")),
    "no date": ("invalid", lambda folder: _reworded(folder, effective_from="0000-00-00")),
    "a time out of range": ("invalid", lambda folder: _reworded(folder, uploaded_at="0001-01-01T00:00:00+14:00")),
    "a huge number": ("invalid", lambda folder: _reworded(folder, passages=10**30)),
    "own approval": ("own_approval", lambda folder: _reworded(folder, approved_by="curator1")),
    "approved by nobody": ("own_approval", lambda folder: _reworded(folder, approved_by=None)),
    "a sheet that nobody can read": ("invalid", lambda folder: _reworded(folder, payload={"content": "product"})),
    "a payload of no JSON": ("invalid", lambda folder: _reworded(folder, payload={"content": "x", "n": float("nan")})),
    "two in force at once": ("overlap", lambda folder: _reworded(folder, effective_until=None, superseded_by=None)),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("name", SPOILT)
def test_a_folder_that_is_not_whole_stays_out(name: str, new_database: DatabaseFactory, tmp_path: Path) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    exported(here, tmp_path / "one")
    reason, spoil = SPOILT[name]
    spoil(tmp_path / "one")
    with pytest.raises(ImportRefused) as refused:
        taken_in(there, tmp_path / "one")
    assert refused.value.ids["reason"] == reason
    assert KnowledgeStore(there).versions() == []


def test_another_wording_under_the_same_id_is_a_conflict(new_database: DatabaseFactory, tmp_path: Path) -> None:
    here, there = new_database(), new_database()
    odd_knowledge(here)
    exported(here, tmp_path / "one")
    KnowledgeStore(there).add_version("life", DocumentKind.PRODUCT, "别的", [], effective_from=SINCE, now=NOW)
    with pytest.raises(ImportRefused) as refused:
        taken_in(there, tmp_path / "one")
    assert refused.value.ids == {"reason": "conflict", "version_id": "life@v1"}
    assert len(KnowledgeStore(there).versions()) == 1


def _zip(*entries: tuple[str, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out


HOSTILE = {
    "path upwards": ("path", _zip(("../manifest.json", b"{}"))),
    "absolute path": ("path", _zip(("/etc/passwd", b"x"))),
    "backslash": ("path", _zip(("documents\\a\\v1\\version.json", b"x"))),
    "program": ("path", _zip(("run.exe", b"MZ"))),
    "bomb": ("ratio", _zip(("versions.jsonl", b"0" * 60_000_000))),
    "too large": ("too_large", _zip(("versions.jsonl", b"0" * (129 << 20)))),
    "no zip": ("broken", io.BytesIO(b"PK\x03\x04 nothing")),
    "empty": ("broken", io.BytesIO(b"")),
    "no manifest": ("no_manifest", _zip(("versions.jsonl", b"{}"))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_stays_out(name: str) -> None:
    reason, data = HOSTILE[name]
    with pytest.raises(ImportRefused) as refused:
        KnowledgeFolder.opened(ZipFolder(data))
    assert refused.value.ids["reason"] in {reason, "ratio"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_stay_out() -> None:
    with pytest.raises(ImportRefused) as refused:
        ZipFolder(_zip((MANIFEST, b"{}"), (MANIFEST, b"[]")))
    assert refused.value.ids["reason"] == "duplicate"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.integers(0, 4000))
def test_whatever_bytes_are_put_into_a_zip_it_is_refused_with_a_reason(noise: bytes, at: int) -> None:
    raw = bytearray(_zip((MANIFEST, b'{"format": "wainao-knowledge"}'), ("versions.jsonl", b"{}\n" * 50)).getvalue())
    at %= len(raw)
    raw[at : at + len(noise)] = noise
    with pytest.raises(ImportRefused):
        KnowledgeFolder.opened(ZipFolder(io.BytesIO(bytes(raw))))


@given(st.text(min_size=1, max_size=80))
def test_every_document_has_a_folder_of_its_own_with_a_name_that_every_file_system_takes(document_id: str) -> None:
    name = document_folder(document_id)
    assert KNOWN_NAME.fullmatch(f"documents/{name}/v1/version.json")
    assert len(name.encode()) < 200
    assert name not in {".", ".."}


def test_the_cards_have_every_column() -> None:
    from dataclasses import fields

    from knowledge.documents import DocumentVersion

    assert set(VersionCard.model_fields) == {field.name for field in fields(DocumentVersion)} | {"passages"}
    assert set(SourceCard.model_fields) == {field.name for field in fields(Source)}
