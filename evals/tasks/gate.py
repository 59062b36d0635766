"""The gate: every violation found, by its code; clean texts let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assistant.compliance.checking import CheckLine, check_line
from evals.cases import GateCase
from evals.house import House
from evals.scores import Score

_ASKED = ("kind", "product_type", "product_level", "customer_level", "customer_age", "context", "text")


def run(house: House, case: GateCase) -> dict[str, Any]:
    """What `wainao check` answers for the text."""
    line = CheckLine.model_validate({name: getattr(case, name) for name in _ASKED})
    result = check_line(house.gate, line, on=case.on)
    severe = {rule.code for rule in house.gate.packs.rules if rule.severity == "B"}
    return {
        "blocked": result.blocked,
        "codes": result.violations,
        "red_lines": sorted(severe & set(case.codes)),
        "verdict": str(result.verdict),
    }


def caught(case: GateCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """A violating text does not go out as it stands; a clean one does."""
    if case.codes:
        metric = "red_line_recall" if output["red_lines"] else "other_recall"
        yield Score(metric, float(output["blocked"]), "" if output["blocked"] else f"let through: {case.codes[0]}")
    else:
        wrong = ", ".join(output["codes"])
        yield Score("false_block", float(output["blocked"]), wrong)


def named(case: GateCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The codes themselves."""
    if case.codes:
        missed = set(case.codes) - set(output["codes"])
        share = 1 - len(missed) / len(set(case.codes))
        yield Score("code_recall", share, f"missed {', '.join(sorted(missed))}" if missed else "")


SCORERS = (caught, named)
