"""The harness over the real product: planted faults are caught, two runs are the same, gates have exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app import evaluated_house
from assistant.cases import REPORT, RUN, SAMPLES, SUMMARY, Results, ResultsFolder, ResultsMissing
from assistant.settings import Settings
from evals.commands import Evaluations
from evals.house import House
from evals.selftest import CASES, selftest
from tests.unit.evals.test_cases import write

TASKS = ("retrieval", "drafting", "gate")
NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), llm_base_url="", embedder="hash")
    with evaluated_house(settings, seed=1, with_phone=False) as opened:
        yield opened


@pytest.fixture
def harness(house: House, tmp_path: Path) -> Evaluations:
    """Over the small data of the self-test; the house is shared by all tests of this file."""

    @contextmanager
    def opened(with_phone: bool) -> Iterator[House]:
        yield house

    return Evaluations(ResultsFolder(tmp_path / "results"), opened, lambda: NOW, datasets=CASES)


@pytest.fixture
def baseline(harness: Evaluations, tmp_path: Path) -> Path:
    harness.run(TASKS, out=tmp_path / "before")
    return harness.keep_baseline(str(tmp_path / "before"), tmp_path / "baseline.json")


def lenient(results: Results, baseline: Path, harness: Evaluations) -> list[dict[str, Any]]:
    """What blocks, floors of the product's quality aside: these few cases are not there to judge it."""
    checked, _ = harness.gated(str(results.folder), baseline=baseline)
    return [each for each in checked if each["outcome"] != "pass" and not each["wanted"].startswith(("≥", "≤", "["))]


def test_every_planted_fault_is_caught(house: House) -> None:
    assert [trial for trial in selftest(house) if not trial.caught] == []


def test_two_runs_are_the_same_to_the_byte(harness: Evaluations, tmp_path: Path) -> None:
    one = harness.run(TASKS, out=tmp_path / "one")
    other = harness.run(TASKS, out=tmp_path / "other")
    for name in (SAMPLES, SUMMARY):
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name


def test_one_task_alone_gives_the_samples_that_it_gives_among_others(harness: Evaluations, tmp_path: Path) -> None:
    whole = harness.run(TASKS, out=tmp_path / "one").samples()
    alone = harness.run(("drafting",), out=tmp_path / "other").samples()
    assert [sample for sample in whole if sample["task"] == "drafting"] == alone


def test_the_summary_says_where_the_results_come_from(harness: Evaluations) -> None:
    results = harness.run(("gate",))
    origin = results.summary["provenance"]
    assert {"commit", "code", "rules", "embedder", "prompts", "settings", "seed"} <= set(origin)
    assert origin["embedder"]
    assert results.summary["tasks"]["gate"]["dataset"]["sha256"]
    assert "began" in json.loads((results.folder / RUN).read_text(encoding="utf-8"))
    assert "2026-11-23T01" not in (results.folder / SUMMARY).read_text(encoding="utf-8")


def test_an_unchanged_product_is_never_worse_than_its_baseline(harness: Evaluations, baseline: Path) -> None:
    assert lenient(harness.run(TASKS), baseline, harness) == []


def test_a_task_that_was_left_out_could_not_be_measured(harness: Evaluations, baseline: Path) -> None:
    results = harness.run(("gate",))
    checked, status = harness.gated(results.run_id, baseline=baseline)
    assert status == 2
    missing = {each["task"] for each in checked if each["outcome"] == "unmeasured" and each["wanted"] == "baseline"}
    assert missing == {"retrieval", "drafting"}


def test_without_a_baseline_or_a_run_nothing_is_let_live(harness: Evaluations, tmp_path: Path) -> None:
    assert harness.gated("latest")[1] == 2
    harness.run(("gate",))
    assert harness.gated("latest")[1] == 2


def test_data_that_changed_needs_a_new_baseline(harness: Evaluations, baseline: Path, tmp_path: Path) -> None:
    case = json.loads((CASES / "gate" / "v1" / "cases.jsonl").read_text(encoding="utf-8").splitlines()[0])
    write(tmp_path / "data", case)
    results = replace(harness, datasets=tmp_path / "data").run(("gate",))
    checked, status = harness.gated(results.run_id, baseline=baseline)
    assert status == 2
    assert any("the data differs" in each["reason"] for each in checked)


def test_a_set_that_cannot_be_read_blocks(harness: Evaluations, tmp_path: Path) -> None:
    results = replace(harness, datasets=tmp_path / "nothing").run(("gate",))
    assert results.summary["tasks"]["gate"]["errors"]
    assert harness.gated(results.run_id)[1] == 2


def test_a_fault_in_one_rule_is_a_regression(harness: Evaluations, baseline: Path, tmp_path: Path) -> None:
    results = harness.run(TASKS)
    lines = (results.folder / SAMPLES).read_text(encoding="utf-8")
    worse = lines.replace('"red_line_recall": 1.0', '"red_line_recall": 0.0')
    (results.folder / SAMPLES).write_text(worse, encoding="utf-8")
    blocking = lenient(results, baseline, harness)
    assert [(each["metric"], each["outcome"]) for each in blocking] == [("red_line_recall", "regression")]


def test_comparing_shows_what_changed_and_in_which_direction(harness: Evaluations, baseline: Path) -> None:
    results = harness.run(TASKS)
    found = harness.compared(str(baseline), results.run_id)
    assert {each["verdict"] for each in found["metrics"]} == {"same"}
    assert (found["changes"], found["falls"], found["apart"]) == ([], [], {})


def test_a_conversation_case_leaves_nothing_to_the_next(house: House, tmp_path: Path) -> None:
    case = {
        "id": "d1", "split": "dev", "source": "s", "author": "w", "created": "2026-11-23", "on": "2026-11-23",
        "as": "rm001", "says": ["客户问：定期没到期能取出来吗", "李姐说：别再给我发消息了", "被客户拉黑了"],
        "effect": "outcome:blocked",
    }  # fmt: skip
    write(tmp_path, case, {**case, "id": "d2", "says": ["采用"], "effect": "nothing"}, name="decisions")
    before = house.records.customers.of_owner("rm001")

    @contextmanager
    def opened(with_phone: bool) -> Iterator[House]:
        yield house

    harness = Evaluations(ResultsFolder(tmp_path / "results"), opened, lambda: NOW, datasets=tmp_path)
    samples = harness.run(("decisions",)).samples()
    assert [sample["output"]["effect"] for sample in samples] == ["outcome:blocked", "nothing"]
    assert house.records.customers.of_owner("rm001") == before


def test_the_report_needs_nothing_from_outside_and_runs_no_script(harness: Evaluations, baseline: Path) -> None:
    results = harness.run(TASKS, baseline=baseline)
    page = (results.folder / REPORT).read_text(encoding="utf-8")
    assert not re.search(r"https?://|<script|<link|<img|@import|url\(", page)
    assert "检索" in page
    assert "最差的" in page
    assert "逐条一样" in page
    assert "<svg" in page


def test_what_customers_say_stays_text_in_the_report(harness: Evaluations, tmp_path: Path) -> None:
    case = json.loads((CASES / "gate" / "v1" / "cases.jsonl").read_text(encoding="utf-8").splitlines()[0])
    write(tmp_path / "data", {**case, "text": "<script>alert(1)</script>", "codes": ["RISK_DENIAL"]})
    results = replace(harness, datasets=tmp_path / "data").run(("gate",))
    page = (results.folder / REPORT).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_runs_are_found_by_id_by_folder_and_as_the_latest(harness: Evaluations) -> None:
    results = harness.run(("gate",))
    assert harness.find("latest").run_id == results.run_id
    assert harness.find(str(results.folder)).run_id == results.run_id
    for name in ("../secrets", "none", ""):
        with pytest.raises(ResultsMissing):
            harness.results.read(name)


def test_a_message_goes_through_wecoms_door_and_its_answer_arrives(tmp_path: Path) -> None:
    common = {"split": "dev", "source": "s", "author": "w", "created": "2026-11-23", "on": "2026-11-23"}
    asked = {**common, "id": "w1", "says": ["客户问：定期没到期能取出来吗", "采用"], "expect": [{"any": ["采用"]}]}
    write(tmp_path, asked, {**common, "id": "w2", "says": ["帮助"], "as": "rm002"}, name="wecom")
    settings = Settings(home=tmp_path / "home", llm_base_url="", embedder="hash")
    harness = Evaluations(
        ResultsFolder(tmp_path / "results"),
        lambda with_phone: evaluated_house(settings, seed=1, with_phone=with_phone),
        lambda: NOW,
        datasets=tmp_path,
    )
    summary = harness.run(("wecom",)).summary["tasks"]["wecom"]
    assert summary["failed"] == []
    assert summary["metrics"]["answered"]["value"] == 1
    assert summary["metrics"]["content"]["value"] == 1
    assert not (tmp_path / "home").exists()
