"""The API keeps to its own description, whatever it is sent."""

from __future__ import annotations

import pytest

from tests.unit.connectors.api.fuzzing import fuzz
from tests.unit.connectors.api.house import ApiHouse


@pytest.mark.filterwarnings("default")  # of the tool that asks, not ours
def test_no_request_ends_in_a_server_error(house: ApiHouse) -> None:
    for roles, examples in ((("rm1", "officer1"), 1), (("curator2",), 2)):
        fuzzed = fuzz(house, examples=examples, roles=roles)
        assert fuzzed.asked > 100
        assert {200, 403, 404, 422} & set(fuzzed.statuses) >= {200, 404, 422}
        assert all(status < 500 for status in fuzzed.statuses)
    assert house.services.records.audit.verify().whole
