"""The lines of `wainao check` and `wainao redact`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from assistant.compliance.checking import CheckLine, RedactLine, check_line, redact_line
from assistant.compliance.gate import ComplianceGate

ON = date(2026, 11, 22)
EXAMPLES = Path(__file__).parents[5] / "shared" / "compliance-examples.jsonl"


def test_a_checked_line_has_the_contracts_keys(gate: ComplianceGate) -> None:
    line = CheckLine.model_validate({"id": "a", "kind": "moments", "product_type": "wealth", "text": "保本理财，找我"})
    result = check_line(gate, line, on=ON).model_dump(mode="json")
    assert set(result) == {"id", "blocked", "violations", "findings", "verdict", "revised"}
    assert set(result["findings"][0]) == {"code", "start", "end", "severity", "basis", "advice"}
    assert result["blocked"] is True
    assert result["verdict"] == "blocked"
    assert "GUARANTEED_RETURN" in result["violations"]


def test_an_advisory_is_listed_but_never_blocks(gate: ComplianceGate) -> None:
    result = check_line(gate, CheckLine(product_type="deposit", text="三年期1.55%"), on=ON)
    assert (result.blocked, result.violations, result.verdict.value) == (False, [], "pass")
    assert [finding.code for finding in result.findings] == ["W_UNGROUNDED"]


def test_a_line_without_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        CheckLine.model_validate({"id": 1})


def test_a_redacted_line_shows_spans_of_the_original(gate: ComplianceGate) -> None:
    result = redact_line(gate.personal_data, RedactLine(id="r", text="电话13812345678"))
    assert result.text == "电话[电话]"
    assert [(s.start, s.end, s.type) for s in result.spans] == [(2, 13, "PHONE")]


def test_the_shared_examples_hold(gate: ComplianceGate) -> None:
    if not EXAMPLES.exists():
        pytest.skip("shared/compliance-examples.jsonl is not beside this project")
    wrong = []
    for text in EXAMPLES.read_text("utf-8").splitlines():
        case = json.loads(text)
        if case["hard_negative"] and check_line(gate, CheckLine.model_validate(case), on=ON).blocked:
            wrong.append(case["id"])
    assert wrong == []
