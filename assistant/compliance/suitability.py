"""Who may be offered what: the matrix of customer and product levels, assessments, age.

Source: 金融机构产品适当性管理办法 articles 12, 13, 18, 19, 22, 29; see the basis in rules/suitability.yaml.
"""

from __future__ import annotations

import re

from assistant.compliance.findings import Subject

INVESTMENT_TYPES = frozenset(
    {"structured_deposit", "wealth", "fund", "insurance", "gold", "pension", "private", "none"}
)
LEVEL_IN_TEXT = re.compile(r"(?<![a-z0-9])p?r([1-5])(?![a-z0-9.])")
ELDERLY_FROM = 65
ADULT_FROM = 18
HIGH_RISK_FROM = 3


def rank(level: str | None) -> int | None:
    """1-5 for C1-C5 and R1-R5, None for anything else."""
    return int(level[1]) if level and re.fullmatch(r"[CRcr][1-5]", level) else None


def product_rank(text: str, subject: Subject) -> int | None:
    """The product's level: the one in the metadata; without one, the highest the text names."""
    known = rank(subject.product_level)
    if known is not None:
        return known
    named = [int(found[1]) for found in LEVEL_IN_TEXT.finditer(text)]
    return max(named) if named else None


def is_suitable(customer_level: str | None, product_level: str | None) -> bool:
    """Whether a product of this level may be recommended to a customer of that level."""
    customer, product = rank(customer_level), rank(product_level)
    return customer is not None and product is not None and product <= customer


def conditions(text: str, subject: Subject) -> frozenset[str]:
    """What holds for this subject; detectors name these in `when`. `text` is normalised."""
    held: set[str] = {"opted_out"} if subject.opted_out else set()
    investment = subject.product_type in INVESTMENT_TYPES
    product, customer = product_rank(text, subject), rank(subject.customer_level)
    age = subject.customer_age
    if investment and product is not None and customer is not None and product > customer:
        held.add("mismatch")
    if investment and subject.product_type != "none" and subject.customer_level in ("NONE", "EXPIRED"):
        held.add("unassessed")
    if age is not None and age >= ELDERLY_FROM:
        held.add("elderly")
        if investment and product is not None and product >= HIGH_RISK_FROM:
            held.add("elderly_high")
    if age is not None and age < ADULT_FROM and investment and subject.product_type != "none":
        held.add("minor")
    return frozenset(held)
