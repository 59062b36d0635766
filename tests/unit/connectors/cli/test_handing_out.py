"""export feedback, export knowledge, evidence."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

from assistant.records.decisions import OutcomeRecord
from tests.unit.connectors.cli.house import House

ROOT = Path(__file__).resolve().parents[4]
QUESTION = "客户问：稳盈90天能提前取吗"
PHONE = "13800138000"


def _decided(house: House, decision: str = "edited") -> str:
    draft = house.json("ask", QUESTION, "--as", "rm001")
    more = ("--text", f"{draft['text']}我是林晓，电话{PHONE}。") if decision == "edited" else ()
    house.told("decide", draft["draft_id"], decision, *more, "--as", "rm001")
    return str(draft["draft_id"])


def _feedback(house: House, *args: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in house.run("export", "feedback", *args).stdout.splitlines()]


def test_a_feedback_line_has_the_keys_of_the_contract_and_of_its_document(house: House) -> None:
    draft_id = _decided(house)
    with house.services() as services, services.records.database.writing() as conn:
        services.records.decisions.add_outcome(
            conn, OutcomeRecord("o1", draft_id, "replied", "rm001", house.now, {"note": PHONE})
        )
    [line] = _feedback(house)
    assert list(line) == [
        "feedback_id",
        "draft_id",
        "at",
        "relationship_manager",
        "kind",
        "decision",
        "draft_text",
        "final_text",
        "edits",
        "reason",
        "citations",
        "prompt",
        "rule_pack",
        "drafter",
        "sent",
        "outcomes",
    ]
    assert set(line["sent"]) == {"how", "text_hash"}
    assert line["sent"]["how"] == "cli"
    assert [set(edit) for edit in line["edits"]] == [{"op", "before", "after", "category"}] * len(line["edits"])
    assert [set(outcome) for outcome in line["outcomes"]] == [{"kind", "at", "recorded_by", "body"}]
    document = (ROOT / "docs" / "feedback-schema.md").read_text(encoding="utf-8")
    nested = {"edits": line["edits"][0], "citations": line["citations"][0], "outcomes": line["outcomes"][0]}
    for key in line:
        assert f"`{key}`" in document
    for parent, row in [*nested.items(), ("sent", line["sent"])]:
        for key in row:
            assert f"`{parent}.{key}`" in document.replace("[]", "")


def test_nobody_can_be_recognised_in_the_export(house: House) -> None:
    _decided(house)
    text = house.run("export", "feedback").stdout
    for secret in (PHONE, "林晓", "rm001"):
        assert secret not in text


def test_pseudonyms_are_stable_and_keyed(house: House, sample_home: Path, tmp_path: Path) -> None:
    _decided(house)
    first, second = _feedback(house)[0], _feedback(house)[0]
    assert first["relationship_manager"] == second["relationship_manager"]
    key = house.home / "pseudonym.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.unlink()
    assert _feedback(house)[0]["relationship_manager"] != first["relationship_manager"]


def test_what_was_sent_follows_from_the_decision(house: House) -> None:
    for decision in ("accepted", "rejected", "edited"):
        _decided(house, decision)
    accepted, rejected, edited = sorted(_feedback(house), key=lambda line: line["decision"] == "edited")[:3]
    by_decision = {line["decision"]: line for line in (accepted, rejected, edited)}
    assert by_decision["accepted"]["final_text"] == by_decision["accepted"]["draft_text"]
    assert by_decision["rejected"]["final_text"] is None
    assert by_decision["edited"]["final_text"].endswith("。")


def test_the_export_can_begin_on_a_day_and_go_to_a_file(house: House, tmp_path: Path) -> None:
    _decided(house)
    assert len(_feedback(house, "--since", "2026-11-23")) == 1
    assert _feedback(house, "--since", "2026-11-24") == []
    house.told("export", "feedback", "--out", tmp_path / "feedback.jsonl")
    assert len((tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_knowledge_goes_out_with_its_metadata(house: House, tmp_path: Path) -> None:
    counts = house.json("export", "knowledge", "--out", tmp_path / "out")
    assert set(counts) == {"path", "versions", "passages"}
    versions, passages = (
        [json.loads(line) for line in (tmp_path / "out" / name).read_text(encoding="utf-8").splitlines()]
        for name in ("versions.jsonl", "passages.jsonl")
    )
    assert (len(versions), len(passages)) == (counts["versions"], counts["passages"])
    assert {passage["version_id"] for passage in passages} <= {version["version_id"] for version in versions}
    assert "folder_not_empty" in house.told("export", "knowledge", "--out", tmp_path / "out", exit_code=1)


def test_the_evidence_of_a_draft_can_be_read_and_checked_years_later(house: House, tmp_path: Path) -> None:
    draft_id = _decided(house)
    done = house.json("evidence", draft_id, "--out", tmp_path / "pack")
    assert set(done) == {"draft_id", "path", "files"}
    folder = tmp_path / "pack"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == set(done["files"])
    named = {"draft.json", "verdict.json", "decisions.json", "audit.jsonl", "references.json", "README.zh.txt"}
    assert named < files
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    events = [json.loads(line)["event"] for line in (folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    assert events == ["draft_made", "decision"]
    references = json.loads((folder / "references.json").read_text(encoding="utf-8"))
    assert references["audit_chain_whole"] is True
    assert references["rule_pack_unchanged"] is True


def test_the_passages_in_the_pack_are_those_that_were_cited(house: House, tmp_path: Path) -> None:
    draft = house.json("ask", QUESTION, "--as", "rm001")
    with house.services() as services:
        texts = [services.store.passage(citation["passage_id"]).text for citation in draft["citations"]]
    house.told("evidence", draft["draft_id"], "--out", tmp_path / "pack")
    packed = [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "pack" / "passages").iterdir())]
    assert len(packed) >= len(texts) > 0
    for text in texts:
        assert any(text in page for page in packed)


def test_there_is_no_pack_for_an_unknown_draft(house: House, tmp_path: Path) -> None:
    assert "draft_not_found" in house.told("evidence", "d-none", "--out", tmp_path / "pack", exit_code=1)
    assert not (tmp_path / "pack").exists()
