"""The commands of the harness: what they say and with which exit status."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.connectors.cli.house import House


def test_a_run_is_kept_shown_and_gated(house: House, tmp_path: Path) -> None:
    ran = house.json("eval", "run", "gate", "redaction", "--split", "dev", "--out", tmp_path / "one")
    assert ran["tasks"]["gate"]["split"] == "dev"
    assert (tmp_path / "one" / "report.html").is_file()
    kept = house.json("eval", "baseline", tmp_path / "one", "--out", tmp_path / "baseline.json")
    assert Path(kept["file"]).is_file()
    found = house.json("eval", "compare", tmp_path / "baseline.json", tmp_path / "one")
    assert {each["verdict"] for each in found["metrics"]} == {"same"}
    told = house.told("eval", "gate", tmp_path / "one", exit_code=2)
    assert "没测成" in told
    assert house.json("eval", "gate", tmp_path / "one", exit_code=2)["outcome"] == "unmeasured"


def test_a_task_that_does_not_exist_is_a_wrong_usage(house: House) -> None:
    assert "retrieval" in house.told("eval", "run", "retreival", exit_code=2)
    assert "dev" in house.told("eval", "run", "gate", "--split", "train", exit_code=2)


def test_without_any_run_the_gate_is_shut_and_the_others_say_why(house: House) -> None:
    assert house.run("eval", "gate").exit_code == 2
    assert "results_missing" in house.told("eval", "compare", "a", "b", exit_code=1)
    assert "results_missing" in house.told("eval", "report", exit_code=1)


def test_a_case_is_made_of_a_draft_once(house: House) -> None:
    house.told("sample", "load")
    draft = house.json("ask", "客户问：定期没到期能取出来吗，我电话13912345678", "--as", "rm001")["draft_id"]
    first = house.json("eval", "case", "add", "--draft", draft, "--expect", "draft")
    assert (first["added"], house.json("eval", "case", "add", "--draft", draft)["added"]) == (True, False)
    case = json.loads(Path(first["file"]).read_text(encoding="utf-8"))
    assert "13912345678" not in str(case)
    assert "case_source_missing" in house.told("eval", "case", "add", "--ticket", "t0", exit_code=1)
    assert house.run("eval", "case", "add").exit_code == 2
