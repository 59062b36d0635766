"""import knowledge."""

from __future__ import annotations

from pathlib import Path

from knowledge.stores import tables
from knowledge.stores.repository import note_changes
from tests.unit.connectors.cli.house import House

QUESTION = "稳盈90天能提前取吗"


def _forget(house: House) -> None:
    """Leave another installation: the same people, no knowledge."""
    with house.services() as services, services.records.database.writing() as conn:
        for table in (tables.passages, tables.versions, tables.documents, tables.knowledge_changes):
            conn.execute(table.delete())
        note_changes(conn, "-")


def test_a_folder_goes_out_and_comes_back(house: House, tmp_path: Path) -> None:
    out = house.json("export", "knowledge", "--out", tmp_path / "one")
    before = house.json("search", QUESTION)
    _forget(house)
    told = house.json("import", "knowledge", tmp_path / "one", "--dry-run")
    assert (told["new"], told["waiting"] > 300, told["dry_run"]) == (out["versions"], True, True)
    assert house.json("search", QUESTION)["passages"] == []
    back = house.json("import", "knowledge", tmp_path / "one", "--as", "officer1", "--trust-approvals")
    assert (back["versions"], back["passages"], back["waiting"]) == (out["versions"], out["passages"], 0)
    assert [p["passage_id"] for p in house.json("search", QUESTION)["passages"]] == [
        p["passage_id"] for p in before["passages"]
    ]
    assert f"原有 {out['versions']} 个" in house.told("import", "knowledge", tmp_path / "one")


def test_nobody_vouches_without_a_name_or_a_role(house: House, tmp_path: Path) -> None:
    house.told("export", "knowledge", "--out", tmp_path / "one")
    house.told("import", "knowledge", tmp_path / "one", "--trust-approvals", exit_code=2)
    refused = house.told("import", "knowledge", tmp_path / "one", "--as", "rm001", exit_code=1)
    assert "curator_not_allowed" in refused


def test_what_is_no_folder_of_ours_is_refused_with_the_reason(house: House, tmp_path: Path) -> None:
    assert "import_refused" in house.told("import", "knowledge", tmp_path / "none", exit_code=1)
    (tmp_path / "empty").mkdir()
    assert "manifest.json" in house.told("import", "knowledge", tmp_path / "empty", exit_code=1)
