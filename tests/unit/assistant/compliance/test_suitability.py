"""Who may be offered what."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.compliance.findings import Subject
from assistant.compliance.gate import ComplianceGate
from assistant.compliance.suitability import conditions, is_suitable

ON = date(2026, 11, 22)


@pytest.mark.parametrize("customer", range(1, 6))
@pytest.mark.parametrize("product", range(1, 6))
def test_a_product_fits_up_to_the_customers_level(customer: int, product: int) -> None:
    assert is_suitable(f"C{customer}", f"R{product}") == (product <= customer)


@pytest.mark.parametrize("level", [None, "NONE", "EXPIRED", "C6", ""])
def test_nothing_fits_a_customer_without_valid_assessment(level: str | None) -> None:
    assert not is_suitable(level, "R1")


@pytest.mark.parametrize(
    ("subject", "condition"),
    [
        (Subject(product_type="fund", product_level="R4", customer_level="C3"), "mismatch"),
        (Subject(product_type="fund", product_level="R2", customer_level="EXPIRED"), "unassessed"),
        (Subject(product_type="fund", product_level="R3", customer_level="C5", customer_age=65), "elderly_high"),
        (Subject(product_type="fund", product_level="R1", customer_level="C5", customer_age=16), "minor"),
    ],
)
def test_conditions_follow_from_both_levels_and_age(subject: Subject, condition: str) -> None:
    assert condition in conditions("", subject)


def test_a_level_named_in_the_text_counts_when_the_metadata_has_none() -> None:
    assert "mismatch" in conditions("这款r4不错", Subject(product_type="fund", customer_level="C2"))


def test_deposits_and_loans_are_outside() -> None:
    for kind in ("deposit", "loan", "treasury_bond"):
        assert not conditions("", Subject(product_type=kind, product_level="R5", customer_level="NONE"))


@pytest.mark.parametrize("text", ["这款R4您来五万，有风险", "给您留了额度，有风险", "超了等级，填个声明就能买，有风险"])
def test_pushing_above_the_level_is_blocked(gate: ComplianceGate, text: str) -> None:
    subject = Subject(product_type="fund", product_level="R4", customer_level="C2")
    assert "SUITABILITY_MISMATCH" in {f.code for f in gate.review(text, subject, on=ON).findings}


@pytest.mark.parametrize("text", ["这款R4高于您的C2，我不能推荐", "您持有的这款由R2调整为R4，可选择赎回，有风险"])
def test_explaining_a_mismatch_passes(gate: ComplianceGate, text: str) -> None:
    subject = Subject(product_type="fund", product_level="R4", customer_level="C2")
    assert not gate.review(text, subject, on=ON).blocked
