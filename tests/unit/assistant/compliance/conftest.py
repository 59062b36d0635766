"""One gate for all tests of the compliance room: loading it compiles every rule."""

from __future__ import annotations

import pytest

from assistant.compliance.gate import ComplianceGate


@pytest.fixture(scope="session")
def gate() -> ComplianceGate:
    return ComplianceGate.load()
