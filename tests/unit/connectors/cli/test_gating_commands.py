"""check and redact: no database, no data folder, one JSON a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.connectors.cli.house import House

PROMISE = "这款理财保本保息，稳赚不赔，放心买"
PLAIN = "好的，您周三下午方便来网点吗？"


def _lines(path: Path, *rows: Any) -> Path:
    text = "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_promise_is_blocked_and_that_is_no_failure(bare_house: House) -> None:
    result = bare_house.json("check", PROMISE, "--product-type", "wealth")
    assert set(result) == {"id", "blocked", "violations", "findings", "verdict", "revised"}
    assert result["blocked"]
    assert "GUARANTEED_RETURN" in result["violations"]
    for finding in result["findings"]:
        assert set(finding) == {"code", "start", "end", "severity", "basis", "advice"}
    assert not bare_house.home.exists()


def test_people_see_what_is_wrong_and_why(bare_house: House) -> None:
    told = bare_house.told("check", PROMISE, "--product-type", "wealth")
    assert "不能发" in told
    assert "禁止" in told
    assert "可以发。" in bare_house.told("check", PLAIN)


def test_the_text_may_come_from_standard_input(bare_house: House) -> None:
    assert "不能发" in bare_house.told("check", "-", input=PROMISE)
    assert "[电话]" in bare_house.told("redact", "-", input="我的手机13800138000")


def test_lines_are_judged_one_by_one(bare_house: House, tmp_path: Path) -> None:
    source = _lines(
        tmp_path / "in.jsonl",
        {"id": "a", "kind": "reply", "product_type": "wealth", "text": PROMISE, "labels": ["more keys are fine"]},
        "",
        {"id": 2, "kind": "moments", "text": PLAIN},
    )
    assert bare_house.told("check", "--jsonl", source, "--out", tmp_path / "out.jsonl") == ""
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    assert (first["id"], first["blocked"]) == ("a", True)
    assert (second["id"], second["blocked"], second["verdict"]) == (2, False, "pass")
    assert not bare_house.home.exists()


def test_lines_go_to_standard_output_unless_a_file_is_named(bare_house: House, tmp_path: Path) -> None:
    source = _lines(tmp_path / "in.jsonl", {"id": "a", "text": "手机13800138000"}, {"id": "b", "text": PLAIN})
    for out in ((), ("--out", "-")):
        first, second = map(json.loads, bare_house.run("redact", "--jsonl", source, *out).stdout.splitlines())
        assert set(first) == {"id", "spans", "text"}
        assert first["spans"] == [{"start": 2, "end": 13, "type": "PHONE"}]
        assert "13800138000" not in first["text"]
        assert (second["spans"], second["text"]) == ([], PLAIN)
    assert not bare_house.home.exists()


def test_a_line_that_cannot_be_read_is_named_and_leaves_no_half_file(bare_house: House, tmp_path: Path) -> None:
    for bad in ("not json", '{"id": "x"}', '{"id": "x", "text": "好", "kind": "poem"}'):
        source = _lines(tmp_path / "in.jsonl", {"id": "a", "text": PLAIN}, bad)
        told = bare_house.told("check", "--jsonl", source, "--out", tmp_path / "out.jsonl", exit_code=1)
        assert "in.jsonl" in told
        assert "第 2 行" in told
        assert "Traceback" not in told
        assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_missing_file_is_a_failure_with_its_name(bare_house: House) -> None:
    assert "absent.jsonl" in bare_house.told("redact", "--jsonl", "absent.jsonl", exit_code=1)


def test_the_day_decides_which_rules_are_in_force(bare_house: House) -> None:
    assert bare_house.json("check", PROMISE, "--on", "2026-01-05")["blocked"]


def test_markup_in_a_text_is_only_text(bare_house: House) -> None:
    assert "[bold red]保本[/bold red]" in bare_house.told("check", "[bold red]保本[/bold red]")
