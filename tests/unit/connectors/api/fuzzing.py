"""Every operation of the API asked with whatever its description allows, and with what it does not allow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.unit.connectors.api.house import MAY_READ, ApiHouse

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROLES = ("curator2", "officer1", "rm1")
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
KNOWN_IDS = {
    "document_id": st.sampled_from([*MAY_READ, "draft", "asked"]),
    "version_id": st.sampled_from(["draft@v1", "asked@v1", "open@v1", "life@v1", "上级/文件@v1", "gone@v1"]),
    "passage_id": st.sampled_from(["draft@v1#p1", "open@v1#p2", "asked@v1#p1"]),
    "upload_id": st.just("none"),
    "recall_id": st.just("none"),
}


@dataclass
class Fuzzed:
    """Answers by status, and operations asked."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)

    @property
    def asked(self) -> int:
        """How many requests were sent."""
        return sum(self.statuses.values())


def fuzz(house: ApiHouse, *, examples: int, roles: tuple[str, ...] = ROLES, seeded: bool = True) -> Fuzzed:
    """`examples` requests per operation, role and mode. Raises: schemathesis' failures."""
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", house.app)
    fuzzed = Fuzzed()
    for result in schema.get_all_operations():
        # A description that cannot be read has no ok() and ends the run here.
        operation: Any = result.ok()  # type: ignore[union-attr]
        fuzzed.operations.add(operation.label)
        for role in roles:
            for mode in MODES:
                _ask(house, operation, role, mode, fuzzed, examples=examples, seeded=seeded)
    return fuzzed


def _ask(
    house: ApiHouse, operation: Any, role: str, mode: GenerationMode, fuzzed: Fuzzed, *, examples: int, seeded: bool
) -> None:
    headers = {"Authorization": f"Bearer {house.tokens[role]}"}
    names = [parameter.name for parameter in operation.path_parameters]
    known = st.fixed_dictionaries({name: KNOWN_IDS[name] for name in names})

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=seeded,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), ids=st.none() | known)
    def ask(case: Any, ids: dict[str, str] | None) -> None:
        if ids:
            case.path_parameters = ids
        place = unquote("".join(map(str, (case.path_parameters or {}).values())))
        assume("\n" not in place)  # no route at all matches it, so the answer is not the API's
        response = case.call_and_validate(headers=headers, checks=CHECKS)
        fuzzed.statuses[response.status_code] += 1

    ask()
