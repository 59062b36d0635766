"""Intervals and tests over clustered cases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.known import KNOWN
from evals.statistics import holm, mean_interval, paired, wilson

CASES = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcd")), min_size=1, max_size=12)


@pytest.mark.parametrize("name", KNOWN)
def test_a_metric_gives_the_answer_that_was_worked_out_by_hand(name: str) -> None:
    compute, wanted = KNOWN[name]
    assert compute() == pytest.approx(wanted, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(CASES)
def test_an_interval_holds_its_mean_and_stays_within_the_values(cases: list[tuple[float, str]]) -> None:
    values = [value for value, _ in cases]
    found = mean_interval(values, [source for _, source in cases])
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(sum(values) / len(values))


def test_the_same_seed_gives_the_same_figures() -> None:
    values, sources = [0.0, 1.0, 0.5, 1.0, 0.0], ["a", "a", "b", "c", "d"]
    assert mean_interval(values, sources) == mean_interval(values, sources)
    assert paired(values, sources) == paired(values, sources)


def test_cases_of_one_source_count_less_than_as_many_of_their_own() -> None:
    values = [1.0] * 10 + [0.0] * 10
    together = mean_interval(values, ["a"] * 10 + ["b"] * 10)
    apart = mean_interval(values, [str(n) for n in range(20)])
    assert together.high - together.low > apart.high - apart.low


def test_nothing_that_failed_is_no_proof_that_nothing_fails() -> None:
    found = mean_interval([1.0] * 30, [str(n) for n in range(30)])
    assert found.value == 1.0
    assert found.low == pytest.approx(wilson(1.0, 30)[0])
    assert found.low < 0.95


def test_a_change_in_one_cluster_is_never_significant() -> None:
    found = paired([0.5] * 40, ["a"] * 40)
    assert found.p == 1.0


def test_correction_keeps_the_order_and_never_exceeds_one() -> None:
    adjusted = holm({"a": 0.001, "b": 0.02, "c": 0.03, "d": 0.9})
    assert adjusted["a"] <= adjusted["b"] <= adjusted["c"] <= adjusted["d"] <= 1.0


def test_no_case_is_an_error_and_not_a_number() -> None:
    with pytest.raises(ValueError, match="no values"):
        mean_interval([], [])
    with pytest.raises(ValueError, match="in common"):
        paired([], [])
