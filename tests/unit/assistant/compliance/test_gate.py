"""The gate as a whole: verdicts, rewrites, dates, promises about itself."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.compliance.findings import Subject, Verdict
from assistant.compliance.gate import ComplianceGate

ROOT = Path(__file__).parents[4]
CASES = [json.loads(line) for line in (ROOT / "tests/data/gate_cases.jsonl").read_text("utf-8").splitlines()]
UNSEEN = [json.loads(line) for line in (ROOT / "tests/data/gate_unseen.jsonl").read_text("utf-8").splitlines()]
ON = date(2026, 11, 22)
WEALTH = Subject(product_type="wealth", product_level="R2", customer_level="C3")
NINE = (
    "GUARANTEED_RETURN",
    "RISK_DENIAL",
    "EXPECTED_YIELD",
    "INDUCING_TERM",
    "DEPOSIT_REBATE",
    "SUITABILITY_MISMATCH",
    "MISSING_RISK_WARNING",
    "PRIVACY_LEAK",
    "HARASSMENT",
)
GATE = ComplianceGate.load()


def subject_of(case: dict[str, object]) -> Subject:
    names = ("kind", "product_type", "product_level", "customer_level", "customer_age", "context")
    return Subject(**{name: case[name] for name in names})  # type: ignore[arg-type]


@pytest.mark.parametrize("case", [c for c in CASES if not c["codes"]], ids=lambda c: c["id"])
def test_an_innocent_text_passes(gate: ComplianceGate, case: dict[str, object]) -> None:
    review = gate.review(str(case["text"]), subject_of(case), on=ON)
    assert not review.blocked, review.findings


@pytest.mark.parametrize("code", NINE)
def test_most_texts_of_each_code_are_caught(gate: ComplianceGate, code: str) -> None:
    cases = [c for c in CASES if code in c["codes"]]
    caught = [c for c in cases if gate.review(c["text"], subject_of(c), on=ON).blocked]
    assert len(cases) >= 10
    assert len(caught) >= 0.85 * len(cases)


def test_the_half_that_was_not_tuned_on_keeps_its_floor(gate: ComplianceGate) -> None:
    """Rules were tuned on the other half only, but by the author of both: a floor for regressions, no estimate."""
    held_out = UNSEEN[1::2]
    faulty, innocent = [c for c in held_out if c["codes"]], [c for c in held_out if not c["codes"]]
    caught = [c for c in faulty if gate.review(c["text"], subject_of(c), on=ON).blocked]
    blocked = [c["id"] for c in innocent if gate.review(c["text"], subject_of(c), on=ON).blocked]
    assert len(caught) >= 0.8 * len(faulty)
    assert len(blocked) <= 0.05 * len(innocent), blocked


def test_a_blocked_text_comes_with_reason_article_and_place(gate: ComplianceGate) -> None:
    text = "这款宝 本，产品有风险"
    review = gate.review(text, WEALTH, on=ON)
    finding = review.findings[0]
    assert review.verdict is Verdict.BLOCKED
    assert review.text == ""
    assert text[finding.start : finding.end] == "宝 本"
    assert finding.matched_as == "保本"
    assert finding.basis == "金融产品网络营销管理办法 第十条第三项"
    assert finding.advice


def test_a_missing_warning_is_added(gate: ComplianceGate) -> None:
    review = gate.review("推荐您看看这款稳盈90天，周三开售。", WEALTH, on=ON)
    assert review.verdict is Verdict.REVISED
    assert review.text == "推荐您看看这款稳盈90天，周三开售。理财非存款、产品有风险、投资须谨慎。"
    assert review.added_disclosures == ("理财非存款、产品有风险、投资须谨慎。",)


def test_an_agency_product_names_its_issuer(gate: ComplianceGate) -> None:
    subject = Subject(product_type="wealth", sold_as="agency", issuer="远山理财", promotes=True)
    review = gate.review("这款90天的您可以了解一下。", subject, on=ON)
    assert "本产品由远山理财发行与管理，我行为代销机构。" in review.text


def test_an_inducing_clause_is_dropped(gate: ComplianceGate) -> None:
    review = gate.review("生意周转找我，秒到账，审批以系统为准，年化（单利）3.5%起", Subject("moments", "loan"), on=ON)
    assert review.verdict is Verdict.REVISED
    assert review.text == "生意周转找我，审批以系统为准，年化（单利）3.5%起"


def test_a_blocked_text_may_have_a_suggestion_that_passes(gate: ComplianceGate) -> None:
    review = gate.review("这款R2每月第一个工作日开放。稳赚不赔。产品有风险。", WEALTH, on=ON)
    assert review.verdict is Verdict.BLOCKED
    assert "稳赚" not in review.suggestion
    assert not gate.review(review.suggestion, WEALTH, on=ON).blocked


def test_a_rule_holds_only_from_its_first_day(gate: ComplianceGate) -> None:
    text = "低门槛，产品有风险"
    assert gate.review(text, WEALTH, on=date(2026, 9, 30)).blocked
    assert not gate.review(text, WEALTH, on=date(2026, 9, 29)).blocked


def test_a_standing_refusal_counts_without_the_words(gate: ComplianceGate) -> None:
    text = "再给您推一款存款，考虑一下"
    assert gate.review(text, Subject(product_type="deposit", opted_out=True), on=ON).blocked
    assert not gate.review(text, Subject(product_type="deposit"), on=ON).blocked


def test_a_wording_inside_a_products_name_is_not_judged(gate: ComplianceGate) -> None:
    text = "您持有的稳赚宝下周到期"
    assert gate.review(text, WEALTH, on=ON).blocked
    assert not gate.review(text, WEALTH, on=ON, known_names=["稳赚宝"]).blocked


def test_a_figure_without_evidence_is_dropped_with_its_sentence(gate: ComplianceGate) -> None:
    text = "这款封闭90天。业绩比较基准2.9%。产品有风险。"
    review = gate.review(text, WEALTH, on=ON, evidence=["封闭期90天，到期自动赎回"])
    assert review.verdict is Verdict.REVISED
    assert review.text == "这款封闭90天。产品有风险。"
    assert [f.code for f in review.findings] == ["UNGROUNDED"]


def test_without_evidence_a_figure_is_only_advised_upon(gate: ComplianceGate) -> None:
    review = gate.review("三年期利率1.55%", Subject(product_type="deposit"), on=ON)
    assert review.verdict is Verdict.PASS
    assert [f.code for f in review.findings] == ["W_UNGROUNDED"]


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("这款评级R2，在您C3的评估范围内，封闭90天。产品有风险，投资须谨慎。", "风险等级R2，封闭期90天"),
        ("别家收益高，先看是什么产品、能不能随时取。产品有风险，投资须谨慎。", ""),
        ("净值型产品会涨会跌，我没法保证什么时候回来。要用就按规则赎回，T+1到账。", "赎回T+1到账"),
        ("业绩比较基准2.6%，不等于预期收益率，不代表未来表现和实际收益，产品有风险。", "业绩比较基准百分之二点六"),
    ],
)
def test_a_good_grounded_reply_passes_as_it_stands(gate: ComplianceGate, text: str, evidence: str) -> None:
    assert gate.review(text, WEALTH, on=ON, evidence=[evidence]).verdict is Verdict.PASS


def test_an_empty_text_passes(gate: ComplianceGate) -> None:
    assert not gate.review("", Subject(), on=ON).blocked


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([c["text"] for c in CASES]), min_size=1, max_size=3))
def test_what_may_be_sent_passes_the_gate_again(texts: list[str]) -> None:
    review = GATE.review("。".join(texts), WEALTH, on=ON)
    assert (review.text != "") == (review.verdict is not Verdict.BLOCKED)
    for sendable in (review.text, review.suggestion):
        assert not sendable or not GATE.review(sendable, WEALTH, on=ON).blocked


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=80))
def test_findings_stand_inside_any_text(text: str) -> None:
    for finding in GATE.review(text, WEALTH, on=ON).findings:
        assert 0 <= finding.start < finding.end <= len(text)


UNITS = (
    *(
        "收益，",
        "1",
        "保 ",
        "bao",
        "您可以买",
        "一二三四",
        "一二三",
        "。",
        "。\n",
        "王小明",
        "保本",
        "不保本",
        "139",
        "买",
        "，",
    ),
    *(
        "存五万送",
        "领取大米",
        "本金",
        "有风险",
        "路1号",
        "“",
        "年化3%",
        "到期",
        "张伟的",
        "一分不少",
        "每天",
        "a@",
        "￥1,000.",
    ),
)


@pytest.mark.parametrize("unit", UNITS)
def test_twenty_thousand_characters_take_under_a_second(gate: ComplianceGate, unit: str) -> None:
    """Processor time, so that a busy machine does not fail it."""
    text = (unit * 20_000)[:20_000]
    started = time.process_time()
    gate.review(text, WEALTH, on=ON)
    assert time.process_time() - started < 1
