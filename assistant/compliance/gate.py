"""The compliance gate: the one judgement over the final text, by rules that are data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from assistant.compliance.clauses import PolarityReader
from assistant.compliance.findings import Finding, Review, Subject, Verdict
from assistant.compliance.normalise import Normalised
from assistant.compliance.phrases import Hit, find_phrases
from assistant.compliance.rules import RulePacks
from assistant.compliance.unmasking import Unmasker


class ComplianceGate:
    """Judges a text for one subject on one day; has no state but its rules."""

    def __init__(self, packs: RulePacks) -> None:
        self.packs = packs
        self._unmasker = Unmasker.load(packs.folder / "characters.yaml")
        self._polarity = PolarityReader.load(packs.folder / "polarity.yaml")

    @classmethod
    def load(cls, folder: Path | None = None) -> ComplianceGate:
        """Read the rules of `folder` (default: the shipped ones)."""
        return cls(RulePacks.load(folder))

    def review(
        self,
        text: str,
        subject: Subject,
        *,
        on: date,
        evidence: Sequence[str] | None = None,
        known_names: Sequence[str] = (),
    ) -> Review:
        """Judge `text` as it would be sent on `on`."""
        findings = self.findings(text, subject, on=on)
        blocked = any(f.severity in "BR" for f in findings)
        verdict = Verdict.BLOCKED if blocked else Verdict.PASS
        return Review(verdict, "" if blocked else text, findings, self.packs.fingerprint)

    def findings(self, text: str, subject: Subject, *, on: date) -> tuple[Finding, ...]:
        """Everything wrong with `text`, in order of place."""
        copy = self._unmasker.copy(text)
        found: list[Finding] = []
        for rule in self.packs.rules:
            if rule.in_force_on(on):
                hits = list(find_phrases(copy.text, rule, self.packs.compiled[rule.code], subject, self._polarity))
                found.extend(self._finding(copy, hit, on) for hit in hits)
        return tuple(sorted(set(found), key=lambda f: (f.start, f.end, f.code)))

    @staticmethod
    def _finding(copy: Normalised, hit: Hit, on: date) -> Finding:
        start, end = copy.span(hit.start, hit.end)
        plain = copy.text[hit.start : hit.end]
        matched_as = plain if plain != copy.original[start:end] else ""
        rule = hit.rule
        return Finding(rule.code, start, end, rule.severity, rule.title, rule.cited_on(on), rule.advice, matched_as)
