"""ingest and sample load."""

from __future__ import annotations

from pathlib import Path

from tests.unit.connectors.cli.house import House

LEAFLET = "# 静水理财说明\n\n静水理财每月第三个星期二开放，起点一千零一元。\n"


def _leaflet(tmp_path: Path, name: str = "静水.md", text: str = LEAFLET) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_loading_the_sample_twice_changes_nothing(house: House) -> None:
    again = house.json("sample", "load")
    assert set(again) == {"staff", "customers", "branches", "documents_loaded", "documents_unchanged", "passages"}
    assert again["documents_loaded"] == 0
    assert again["staff"] == 15
    assert again["passages"] > 100


def test_an_approved_document_is_found_at_once(house: House, tmp_path: Path) -> None:
    done = house.json("ingest", _leaflet(tmp_path), "--approve-as", "curator1", "--kind", "other")
    assert (done["loaded"], done["unchanged"], done["refused"]) == (1, 0, 0)
    [file] = done["files"]
    assert set(file) == {
        "path",
        "outcome",
        "document_ids",
        "version_ids",
        "passages",
        "warnings",
        "reason",
        "message",
    }
    found = house.json("search", "静水理财什么时候开放", "--top", 3)
    assert file["document_ids"][0] in {passage["document_id"] for passage in found["passages"]}
    again = house.json("ingest", _leaflet(tmp_path), "--approve-as", "curator1", "--kind", "other")
    assert again["unchanged"] == 1


def test_a_document_without_approval_waits_and_says_so(house: House, tmp_path: Path) -> None:
    told = house.told("ingest", _leaflet(tmp_path))
    assert "还没有审批" in told
    found = house.json("search", "静水理财什么时候开放")
    assert not any("静水" in passage["title"] for passage in found["passages"])


def test_the_first_day_is_kept(house: House, tmp_path: Path) -> None:
    house.told("ingest", _leaflet(tmp_path), "--approve-as", "officer1", "--effective-from", "2026-12-01")
    asked = ("search", "静水理财什么时候开放", "--top", 2)
    assert not any("静水" in p["text"] for p in house.json(*asked)["passages"])
    assert any("静水" in p["text"] for p in house.json(*asked, "--on", "2026-12-01")["passages"])


def test_a_refused_file_is_status_1_and_the_others_are_loaded(house: House, tmp_path: Path) -> None:
    empty = _leaflet(tmp_path, "空.md", "")
    done = house.json("ingest", empty, _leaflet(tmp_path), "--approve-as", "curator1", exit_code=1)
    assert (done["loaded"], done["refused"]) == (1, 1)
    refused = next(file for file in done["files"] if file["outcome"] == "refused")
    assert refused["reason"] == "empty"
    assert "重新上传" in refused["message"]
    assert "拒收" in house.told("ingest", empty, exit_code=1)
    assert "absent.md" in house.told("ingest", "absent.md", exit_code=1)


def test_only_a_curator_or_an_officer_approves(house: House, tmp_path: Path) -> None:
    told = house.told("ingest", _leaflet(tmp_path), "--approve-as", "rm001", exit_code=1)
    assert "role_not_allowed" in told
    assert "staff_unknown" in house.told("ingest", _leaflet(tmp_path), "--approve-as", "nobody", exit_code=1)
    assert house.json("ingest", _leaflet(tmp_path))["loaded"] == 1  # nothing of the refused tries was stored


def test_what_was_loaded_stands_in_the_audit_log(house: House, tmp_path: Path) -> None:
    done = house.json("ingest", _leaflet(tmp_path), "--approve-as", "curator1")
    with house.services() as services:
        [entry] = services.records.audit.of_subject(done["files"][0]["document_ids"][0])
    assert entry.event == "document_loaded"
    assert entry.body == {"versions": done["files"][0]["version_ids"], "approved_by": "curator1"}
