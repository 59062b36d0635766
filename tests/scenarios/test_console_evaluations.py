"""Evaluations in the console: figures over runs, the report to take away, and a case in two clicks."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from assistant.asking import AskRequest
from assistant.cases import REPORT, LivingCases, ResultsFolder
from connectors.services import Services
from tests.scenarios.console_house import Member
from tests.scenarios.test_console_sign_in import app, engine, services

__all__ = ["app", "engine", "services"]  # fixtures


def keep_run(services: Services, run_id: str, value: float) -> None:
    found = {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 295, "clusters": 131}
    part: dict[str, Any] = {"title": "检索", "split": "all", "cases": 400, "failed": [], "errors": [], "slices": {}}
    summary = {"tasks": {"retrieval": {**part, "metrics": {"recall@5": found}}}, "provenance": {"commit": "abc"}}
    run = {"run_id": run_id, "began": "2026-11-23T01:30:00+00:00"}
    kept = ResultsFolder(services.home / "results").write(run_id, samples=[], summary=summary, run=run)
    (kept.folder / REPORT).write_text("<!doctype html><style></style>报告", encoding="utf-8")


@pytest.fixture
def curator(app: FastAPI) -> Member:
    member = Member(app)
    member.sign_in("curator1")
    return member


def test_before_the_first_run_the_page_says_what_to_do(curator: Member) -> None:
    assert "wainao eval run" in curator.get("/evaluations").text


def test_figures_come_with_their_interval_and_their_way_there(curator: Member, services: Services) -> None:
    keep_run(services, "20261122T010000Z", 0.6)
    keep_run(services, "20261123T010000Z", 0.7)
    page = curator.get("/evaluations").text
    assert "前5段召回率" in page
    assert "0.700" in page
    assert "0.600 – 0.800" in page
    assert page.count("下载报告") == 2
    assert "<polyline" in page


def test_the_report_is_taken_away_and_never_opened_as_a_page_of_the_console(
    curator: Member, services: Services
) -> None:
    keep_run(services, "r1", 0.6)
    answer = curator.get("/evaluations/r1/report")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "报告" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("run_id", ["none", "..", "%2e%2e%2f%2e%2e", "r1%2fx", "r1\\x"])
def test_no_other_file_can_be_taken_away(curator: Member, run_id: str) -> None:
    assert curator.get(f"/evaluations/{run_id}/report").status_code == 404


def test_a_draft_becomes_a_case_and_a_second_click_adds_none(curator: Member, services: Services) -> None:
    asked = AskRequest("客户问：定期没到期能取出来吗，电话13912345678", "rm001")
    draft = services.asking.ask(asked, now=services.now()).draft_id
    for said in ("case_added", "case_known"):
        answer = curator.post("/evaluations/cases", number=draft, expect="")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/console/evaluations?said={said}")
    [case] = LivingCases(services.home / "eval_cases").all()
    assert "13912345678" not in str(case)
    assert case["author"] == "curator1"
    assert "定期没到期" in curator.get("/evaluations").text


def test_a_number_that_nobody_gave_out_is_told(curator: Member) -> None:
    answer = curator.post("/evaluations/cases", number="d-none<script>", expect="")
    assert answer.status_code == 404
    assert "没有编号为" in answer.text
    assert "<script>" not in answer.text.split("没有编号为")[1][:60]


def test_whoever_may_not_curate_makes_no_case(app: FastAPI) -> None:
    head = Member(app)
    head.sign_in("head1")
    assert "做成评测用例" not in head.get("/evaluations").text
    assert head.post("/evaluations/cases", number="d1").status_code == 403
