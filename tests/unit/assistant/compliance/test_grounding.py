"""Figures and the evidence they must stand in."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.compliance.grounding import figures, ungrounded

ON = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("利率2.75%", "年利率百分之二点七五"),
        ("利率2.75％", "275bp"),
        ("两个半点", "2.5%"),
        ("3个点", "百分之三"),
        ("5万起", "起存金额50,000元"),
        ("五万元起", "50000元起存"),
        ("２０万元起", "20万元起"),
        ("一万两千元", "12000元"),
        ("存一年", "期限12个月"),
        ("一年半", "18个月"),
        ("半年期", "6个月"),
        ("11月1日起", "2026-11-01起售"),
        ("2026年11月1日", "11月1日开售"),
        ("十一月十日", "2026/11/10"),
        ("R2级", "风险等级PR2"),
        ("T+1到账", "赎回T + 1日到账"),
        ("千分之一手续费", "手续费0.1%"),
        ("代码000123", "基金代码 000123"),
        ("90天", "封闭九十天"),
    ],
)
def test_the_same_figure_in_another_form_stands(text: str, evidence: str) -> None:
    assert figures(text, on=ON)
    assert ungrounded(text, [evidence], on=ON) == []


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("利率2.85%", "利率2.75%"),
        ("三个月", "90天"),
        ("5万起", "5000元起"),
        ("11月1日", "2019-11-01"),
        ("R3", "R2"),
        ("T+0到账", "T+1到账"),
        ("2026年12月1日", "2026年11月1日"),
        ("封闭180天", "封闭90天"),
        ("代码000124", "代码000123"),
    ],
)
def test_another_figure_does_not_stand(text: str, evidence: str) -> None:
    assert ungrounded(text, [evidence], on=ON)


def test_interest_that_follows_from_the_evidence_stands() -> None:
    evidence = ["一年期利率1.35%，期限1年"]
    assert ungrounded("10万存一年约1350元", evidence, on=ON, context="我有10万存一年") == []
    assert ungrounded("10万存一年约1530元", evidence, on=ON, context="我有10万存一年")


def test_the_customers_figure_may_be_repeated_as_the_customers() -> None:
    assert ungrounded("您说的3个点我这边没有", [""], on=ON, context="别家有3个点") == []
    assert ungrounded("我们这款有3个点", [""], on=ON, context="别家有3个点")


def test_a_product_name_must_stand_in_the_evidence() -> None:
    loose = ungrounded("可以看看月月宝", ["安心享90天"], on=ON, product_names=["月月宝", "安心享"])
    assert [figure.words for figure in loose] == ["月月宝"]


@pytest.mark.parametrize("text", ["第一时间联系您", "一起看看", "您好，十分感谢", "明天上午", "有一点波动"])
def test_ordinary_words_hold_no_figure(text: str) -> None:
    assert figures(text, on=ON) == []
