"""What the gate says about a text while somebody writes it."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.compliance.findings import Finding, Review


@dataclass(frozen=True, slots=True)
class GateView:
    """What _gate.html shows. `words` of each finding as they stand in the text; `empty`: nothing written yet."""

    empty: bool
    blocked: bool
    findings: tuple[tuple[str, Finding], ...]
    suggestion: str


NOTHING_YET = GateView(empty=True, blocked=False, findings=(), suggestion="")


def gate_view(text: str, review: Review) -> GateView:
    """A review of `text` for the page."""
    said = text.strip()
    findings = tuple((said[finding.start : finding.end], finding) for finding in review.findings)
    return GateView(not said, review.blocked, findings, review.suggestion if review.blocked else "")
