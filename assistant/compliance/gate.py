"""The compliance gate: the one judgement over the final text, by rules that are data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from assistant.compliance.clauses import Layout, PolarityReader
from assistant.compliance.disclosures import DisclosureChecker
from assistant.compliance.findings import Finding, Review, Subject, Verdict
from assistant.compliance.grounding import Figure, figures, ungrounded
from assistant.compliance.normalise import Normalised
from assistant.compliance.phrases import find_phrases
from assistant.compliance.privacy import PersonalData, PersonalDataFinder, PersonalSpan
from assistant.compliance.repair import rewrites, with_disclosure
from assistant.compliance.rules import Rule, RulePacks
from assistant.compliance.suitability import conditions
from assistant.compliance.unmasking import Unmasker

LEAKS = frozenset({PersonalData.ID_CARD, PersonalData.BANK_CARD, PersonalData.PASSPORT, PersonalData.OTP})
OWN_CONTACT = ("我的", "我电话", "我手机", "找我", "联系我", "加我", "客户经理", "热线", "客服", "网点", "拨打", "我是")
OWN_AFTER = ("找我", "联系我", "打我", "加我", "是我", "我的", "客服", "热线", "值班")
THEIR_CONTACT = re.compile(
    "[您你](?:本人|的|老公|老婆|爱人|妈|爸|儿子|女儿|朋友|同事|预留|留的)|是[您你]|客户|预留|本人"
)
ADVISED_FIGURES = frozenset({"rate", "money"})


class ComplianceGate:
    """Judges a text for one subject on one day; has no state but its rules."""

    def __init__(self, packs: RulePacks) -> None:
        self.packs = packs
        self._rules = {rule.code: rule for rule in packs.rules}
        self._unmasker = Unmasker.load(packs.folder / "characters.yaml")
        self._polarity = PolarityReader.load(packs.folder / "polarity.yaml")
        self._disclosures = DisclosureChecker.load(packs.folder, self._polarity)
        self.personal_data = PersonalDataFinder.load(packs.folder)

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
        """Judge `text` as it would be sent on `on`, and rewrite it where that is safe.

        Args:
            evidence: passages in force that the text may rest on; None: figures are only advised upon.
            known_names: the bank's product names; one in the text must stand in the evidence, and wordings inside
                a product's name are not judged.
        """
        found = self.findings(text, subject, on=on, evidence=evidence, known_names=known_names)
        faults = [f for f in found if f.severity != "W"]
        if not faults:
            return Review(Verdict.PASS, text, found, self.packs.fingerprint)
        rewrite, added = self._rewrite(text, faults, subject, on, evidence, known_names)
        if any(f.severity == "B" for f in faults) or not rewrite:
            return Review(Verdict.BLOCKED, "", found, self.packs.fingerprint, added, rewrite)
        return Review(Verdict.REVISED, rewrite, found, self.packs.fingerprint, added, rewrite)

    def findings(
        self,
        text: str,
        subject: Subject,
        *,
        on: date,
        evidence: Sequence[str] | None = None,
        known_names: Sequence[str] = (),
    ) -> tuple[Finding, ...]:
        """Everything wrong with `text`, in order of place."""
        copy = self._unmasker.copy(text)
        found = [
            *self._phrases(copy, subject, on, known_names),
            *self._personal(copy, subject, on),
            *self._undisclosed(copy, subject, on),
            *self._figures(text, subject, on, evidence, known_names),
        ]
        return tuple(sorted(merged(found), key=lambda f: (f.start, f.end, f.code)))

    def _in_force(self, code: str, on: date) -> Rule | None:
        rule = self._rules.get(code)
        return rule if rule and rule.in_force_on(on) else None

    def _phrases(self, copy: Normalised, subject: Subject, on: date, known_names: Sequence[str]) -> Iterable[Finding]:
        held, layout = conditions(copy.text, subject), Layout.of(copy.text)
        for rule in self.packs.rules:
            if not rule.in_force_on(on):
                continue
            for hit in find_phrases(layout, rule, self.packs.compiled[rule.code], subject, self._polarity, held):
                start, end = copy.span(hit.start, hit.end)
                if not _inside_a_name(copy.original, start, end, known_names):
                    yield _finding(rule, on, start, end, _unmasked(copy, hit.start, hit.end))

    def _personal(self, copy: Normalised, subject: Subject, on: date) -> Iterable[Finding]:
        rule = self._in_force("PRIVACY_LEAK", on)
        if rule is None:
            return
        spans = self.personal_data.find(copy.original)
        kinds = {span.kind for span in spans}
        for span in spans:
            if _leaks(span, kinds, subject, copy.original):
                yield _finding(rule, on, span.start, span.end)

    def _undisclosed(self, copy: Normalised, subject: Subject, on: date) -> Iterable[Finding]:
        rule = self._in_force("MISSING_RISK_WARNING", on)
        missing = self._disclosures.missing(copy.text, subject) if rule else None
        if rule and missing:
            start, end = copy.span(missing.start, missing.end)
            yield _finding(rule, on, start, end, advice=f"{rule.advice}可附：{missing.text}")

    def _figures(
        self, text: str, subject: Subject, on: date, evidence: Sequence[str] | None, known_names: Sequence[str]
    ) -> Iterable[Finding]:
        rule = self._in_force("W_UNGROUNDED" if evidence is None else "UNGROUNDED", on)
        if rule is None:
            return
        loose: list[Figure]
        if evidence is None:
            loose = [figure for figure in figures(text, on=on) if figure.kind in ADVISED_FIGURES]
        else:
            levels = " ".join(level for level in (subject.customer_level, subject.product_level) if level)
            given = [*evidence, levels]
            loose = ungrounded(text, given, on=on, context=subject.context, product_names=known_names)
        yield from (_finding(rule, on, figure.start, figure.end) for figure in loose)

    def _rewrite(
        self,
        text: str,
        faults: Sequence[Finding],
        subject: Subject,
        on: date,
        evidence: Sequence[str] | None,
        known_names: Sequence[str],
    ) -> tuple[str, tuple[str, ...]]:
        """A version without the faults that passes the gate itself, and the disclosures added; ("", ()) if none."""
        for candidate in rewrites(text, [f for f in faults if f.code != "MISSING_RISK_WARNING"]):
            missing = self._disclosures.missing(self._unmasker.copy(candidate).text, subject)
            added = (missing.text,) if missing else ()
            whole = with_disclosure(candidate, added)
            allowed = None if evidence is None else [*evidence, *added]
            again = self.findings(whole, subject, on=on, evidence=allowed, known_names=known_names)
            if all(f.severity == "W" for f in again):
                return whole, added
        return "", ()


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Findings of one code that overlap become one."""
    result: list[Finding] = []
    for finding in sorted(found, key=lambda f: (f.code, f.start, f.end)):
        last = result[-1] if result else None
        if last and last.code == finding.code and finding.start < last.end:
            result[-1] = Finding(
                last.code, last.start, max(last.end, finding.end), last.severity, last.title, last.basis, last.advice,
                last.matched_as or finding.matched_as,
            )  # fmt: skip
        else:
            result.append(finding)
    return result


def _finding(rule: Rule, on: date, start: int, end: int, matched_as: str = "", advice: str = "") -> Finding:
    return Finding(
        rule.code, start, end, rule.severity, rule.title, rule.cited_on(on), advice or rule.advice, matched_as
    )


def _unmasked(copy: Normalised, start: int, end: int) -> str:
    """The plain wording when a trick was undone inside it; full-width letters and the like are no trick."""
    return copy.text[start:end] if copy.was_rewritten(start, end) else ""


def _inside_a_name(text: str, start: int, end: int, names: Sequence[str]) -> bool:
    for name in names:
        at = text.find(name) if name else -1
        while at >= 0:
            if at <= start and end <= at + len(name):
                return True
            at = text.find(name, at + 1)
    return False


def _leaks(span: PersonalSpan, kinds: set[PersonalData], subject: Subject, text: str) -> bool:
    """Whether this personal data may not stand in a text that goes out."""
    if span.kind in LEAKS:
        return True
    public = subject.kind in ("moments", "group")
    named = PersonalData.NAME in kinds
    if span.kind is PersonalData.PHONE:
        return (named or public or _customers_number(text, span)) and not _own_number(text, span)
    if span.kind in (PersonalData.EMAIL, PersonalData.WECHAT):
        return named and public and not _own_number(text, span)
    if span.kind in (PersonalData.ADDRESS, PersonalData.PLATE):
        return named
    if span.kind is PersonalData.BALANCE:
        return public or named
    return False


def _own_number(text: str, span: PersonalSpan) -> bool:
    before, after = text[max(0, span.start - 16) : span.start], text[span.end : span.end + 12]
    return any(cue in before for cue in OWN_CONTACT) or any(cue in after for cue in OWN_AFTER)


def _customers_number(text: str, span: PersonalSpan) -> bool:
    return THEIR_CONTACT.search(text[max(0, span.start - 12) : span.end + 8]) is not None
