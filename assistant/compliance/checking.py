"""One line of `wainao check` and of `wainao redact`: parsed, judged, written."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.compliance.findings import Subject, Verdict
from assistant.compliance.gate import ComplianceGate
from assistant.compliance.privacy import PersonalDataFinder, mask

Id = str | int | None


class CheckLine(BaseModel):
    """A text somebody wants to send; unknown keys are ignored so that labelled sets can be fed as they are."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Id = None
    kind: Literal["reply", "moments", "group", "friend_request"] = "reply"
    product_type: str | None = "none"
    customer_level: str | None = None
    product_level: str | None = None
    customer_age: int | None = Field(None, ge=0, le=150)
    context: str | None = None
    text: str
    evidence: list[str] | None = None
    opted_out: bool = False
    sold_as: Literal["own", "agency"] = "own"
    issuer: str = ""

    def subject(self) -> Subject:
        """What the gate needs to know beside the text."""
        return Subject(
            kind=self.kind,
            product_type=self.product_type or "none",
            product_level=self.product_level,
            customer_level=self.customer_level,
            customer_age=self.customer_age,
            context=self.context,
            opted_out=self.opted_out,
            sold_as=self.sold_as,
            issuer=self.issuer,
        )


class CheckFinding(BaseModel):
    """One finding as it is written out."""

    code: str
    start: int
    end: int
    severity: str
    basis: str
    advice: str


class CheckResult(BaseModel):
    """The gate's answer for one line; `revised` is a version that may be sent, or null."""

    id: Id
    blocked: bool
    violations: list[str]
    findings: list[CheckFinding]
    verdict: Verdict
    revised: str | None


class RedactLine(BaseModel):
    """A text whose personal data is to be masked."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Id = None
    text: str


class RedactSpan(BaseModel):
    """Personal data at `start`..`end` (code points, end exclusive)."""

    start: int
    end: int
    type: str


class RedactResult(BaseModel):
    """What was found, and the text without it."""

    id: Id
    spans: list[RedactSpan]
    text: str


def check_line(gate: ComplianceGate, line: CheckLine, *, on: date) -> CheckResult:
    """Judge one line as if it were sent on `on`."""
    review = gate.review(line.text, line.subject(), on=on, evidence=line.evidence)
    codes = dict.fromkeys(f.code for f in review.findings if f.severity != "W")
    return CheckResult(
        id=line.id,
        blocked=review.blocked,
        violations=list(codes),
        findings=[
            CheckFinding(code=f.code, start=f.start, end=f.end, severity=f.severity, basis=f.basis, advice=f.advice)
            for f in review.findings
        ],
        verdict=review.verdict,
        revised=review.suggestion or None,
    )


def redact_line(finder: PersonalDataFinder, line: RedactLine) -> RedactResult:
    """Mask the personal data of one line."""
    spans = finder.find(line.text)
    return RedactResult(
        id=line.id,
        spans=[RedactSpan(start=s.start, end=s.end, type=s.kind.value) for s in spans],
        text=mask(line.text, spans),
    )
