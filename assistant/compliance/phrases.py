"""Finds forbidden wordings in a normalised text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.compliance.clauses import Layout, Polarity, PolarityReader
from assistant.compliance.findings import Subject
from assistant.compliance.rules import CompiledDetector, Rule, RuleScope

INNER_NEGATION = re.compile(
    r"没有?(?!问题|事|关系)|(?<!要)不(?!少|但|仅|止|同|用|必|妨|限|错|会亏待)|无(?!限|忧|上限|需)|未|勿|禁"
)
ENOUGH = 100  # a text at fault so often is blocked; nobody reads a longer list


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's wording found; offsets are of the normalised text."""

    rule: Rule
    detector_id: str
    start: int
    end: int


def find_phrases(
    layout: Layout,
    rule: Rule,
    detectors: tuple[CompiledDetector, ...],
    subject: Subject,
    reader: PolarityReader,
    conditions: frozenset[str] = frozenset(),
) -> Iterator[Hit]:
    """The claimed wordings of `rule` in the text, the first ENOUGH of them; overlapping hits merged by the caller.

    Args: conditions: what holds for this subject, see suitability.conditions.
    """
    if not _admits(rule.scope, subject):
        return
    found_so_far = 0
    for compiled in detectors:
        if compiled.detector.when not in conditions | {"always"} or not _applies(compiled, subject):
            continue
        if compiled.detector.where == "text" and not _surroundings_allow(compiled, layout.text):
            continue
        for found in compiled.wording.finditer(layout.text):
            if found.start() < found.end() and _stands(layout, found, compiled, reader):
                yield Hit(rule, compiled.detector.id, found.start(), found.end())
                found_so_far += 1
                if found_so_far >= ENOUGH:
                    return


def _admits(scope: RuleScope, subject: Subject) -> bool:

    return scope.admits(subject.kind, subject.product_type, subject.customer_level, subject.customer_age)


def _applies(compiled: CompiledDetector, subject: Subject) -> bool:
    if not _admits(compiled.detector.scope, subject):
        return False
    if compiled.context is None:
        return True
    refused = compiled.context.search(subject.context or "") is not None
    return refused or (compiled.detector.opted_out and subject.opted_out)


def _stands(layout: Layout, found: re.Match[str], compiled: CompiledDetector, reader: PolarityReader) -> bool:
    detector = compiled.detector
    if detector.where != "text" and not _surroundings_allow(compiled, _area(layout, found, detector.where == "clause")):
        return False
    if compiled.unless_sentence and compiled.unless_sentence.search(_area(layout, found, False)):
        return False
    if detector.inner_negation and INNER_NEGATION.search(found[0]):
        return False
    return not detector.polar or reader.polarity(layout, found.start(), found.end()) is Polarity.CLAIMED


def _surroundings_allow(compiled: CompiledDetector, area: str) -> bool:
    if compiled.needs and not compiled.needs.search(area):
        return False
    return not (compiled.unless and compiled.unless.search(area))


def _area(layout: Layout, found: re.Match[str], clause: bool) -> str:
    piece = layout.clause_at(found.start()) if clause else layout.sentence_at(found.start())
    return layout.text[piece.start : max(piece.end, found.end())]
