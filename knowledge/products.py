"""Product sheets: the bank's products as typed data, and how people call them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class ProductKind(StrEnum):
    """Product families that differ in rules and disclosures."""

    DEPOSIT = "deposit"
    LARGE_CD = "large_cd"
    STRUCTURED_DEPOSIT = "structured_deposit"
    WEALTH = "wealth"
    FUND = "fund"
    INSURANCE = "insurance"
    CONSUMER_LOAN = "consumer_loan"
    BUSINESS_LOAN = "business_loan"
    MORTGAGE = "mortgage"
    CARD_INSTALMENT = "card_instalment"
    GOLD = "gold"
    PENSION = "pension"
    TREASURY_BOND = "treasury_bond"
    PAYROLL = "payroll"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Term(_Part):
    """`days` is the minimum holding or closed period in days; None when open-ended or not in days."""

    text: str
    days: int | None = None


class Minimum(_Part):
    """Smallest first amount."""

    text: str
    amount: Decimal | None = None
    currency: str = "CNY"


class Fee(_Part):
    """One fee a customer can meet, with its rate as printed."""

    name: str
    rate: str
    note: str = ""


class Benchmark(_Part):
    """A performance benchmark; never shown without `basis` and `statement`."""

    text: str
    basis: str
    as_of: date
    statement: str


class Rate(_Part):
    """A published rate, annualised and simple unless `note` says otherwise."""

    name: str
    rate: str
    as_of: date
    note: str = ""


class PastPerformance(_Part):
    """A past result, complete with interval, source and benchmark."""

    text: str
    interval: str
    source: str
    benchmark: str
    as_of: date


class Redemption(_Part):
    """How money comes back: the ordinary way and, in `early`, before the term ends."""

    text: str
    early: str = ""


class ProductSheet(_Part):
    """One product as the bank describes it, read from the front matter of its file."""

    kind: Literal["product"] = "product"
    code: str
    name: str
    nicknames: tuple[str, ...] = ()
    product_kind: ProductKind
    issuer: str
    sold_as: Literal["own", "agency"]
    registration: str | None = None
    risk_level: Literal["R1", "R2", "R3", "R4", "R5"] | None = None
    term: Term
    minimum: Minimum
    fees: tuple[Fee, ...] = ()
    benchmark: Benchmark | None = None
    rates: tuple[Rate, ...] = ()
    past_performance: PastPerformance | None = None
    redemption: Redemption
    limits: tuple[str, ...] = ()
    currency: str = "CNY"
    selling_points: tuple[str, ...] = ()
    success_stories: tuple[str, ...] = ()
    fit: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    must_say: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    version: int = 1
    effective_from: date
    effective_until: date | None = None
    owner: str = ""
    scope: str = "bank"

    @property
    def names(self) -> tuple[str, ...]:
        """Every way to call it: code, full name, nicknames."""
        return (self.code, self.name, *self.nicknames)
