"""Redaction: no personal data left standing, and little else taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assistant.compliance.checking import RedactLine, redact_line
from evals.cases import RedactionCase
from evals.house import House
from evals.scores import Score


def run(house: House, case: RedactionCase) -> dict[str, Any]:
    """What `wainao redact` answers for the text."""
    result = redact_line(house.gate.personal_data, RedactLine(text=case.text))
    return {"spans": [span.model_dump() for span in result.spans], "text": result.text}


def spans(case: RedactionCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Characters of personal data that are masked, and masked characters that are personal data."""
    wanted = _characters((span.start, span.end) for span in case.spans)
    masked = _characters((span["start"], span["end"]) for span in output["spans"])
    if wanted:
        left = [case.text[s.start : s.end] for s in case.spans if not set(range(s.start, s.end)) <= masked]
        yield Score("masked", len(wanted & masked) / len(wanted), f"{len(left)} left standing" if left else "")
        yield Score("leak", float(bool(left)), f"{len(left)} left standing" if left else "")
    if masked:
        yield Score("mask_precision", len(wanted & masked) / len(masked))
    if not wanted:
        yield Score("clean_kept", float(not masked), f"masked {len(masked)} characters of nobody" if masked else "")


def types(case: RedactionCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Spans found with exactly their ends and their type."""
    if case.spans:
        found = {(span["start"], span["end"], span["type"]) for span in output["spans"]}
        hits = sum((span.start, span.end, span.type) in found for span in case.spans)
        yield Score("exact_spans", hits / len(case.spans))


def _characters(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {place for start, end in ranges for place in range(start, end)}


SCORERS = (spans, types)
