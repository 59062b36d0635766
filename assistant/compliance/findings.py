"""What the gate is asked and what it answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What may happen with a text."""

    PASS = "pass"  # noqa: S105
    REVISED = "revised"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a text.

    `severity` is "B" (block), "R" (must be revised) or "W" (advice only). `start` and `end` are code points of the
    original text, end exclusive. `basis` names the article, or begins with 待核实 while nobody has read it.
    `matched_as` is the plain wording an obfuscated passage stands for, else "".
    """

    code: str
    start: int
    end: int
    severity: str
    title: str
    basis: str
    advice: str
    matched_as: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a text is about and for whom.

    `kind`: reply, moments, group or friend_request. `product_type`: deposit, structured_deposit, wealth, fund,
    insurance, loan, credit_card, gold, pension, treasury_bond, private or none. `customer_level`: C1-C5, NONE, EXPIRED
    or None (not known). `context` holds the customer's last words. `promotes` None: the gate decides from the words.
    """

    kind: str = "reply"
    product_type: str = "none"
    product_level: str | None = None
    customer_level: str | None = None
    customer_age: int | None = None
    context: str | None = None
    opted_out: bool = False
    promotes: bool | None = None
    sold_as: str = "own"
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """The gate's answer.

    `text` may be sent as it stands ("" when blocked); `suggestion` is, for a blocked text, a rewrite that passes the
    gate, or "". `rule_pack` is the fingerprint of the rules that judged.
    """

    verdict: Verdict
    text: str
    findings: tuple[Finding, ...]
    rule_pack: str
    added_disclosures: tuple[str, ...] = ()
    suggestion: str = ""

    @property
    def blocked(self) -> bool:
        """Whether the text may not go out exactly as it stands."""
        return self.verdict is not Verdict.PASS
