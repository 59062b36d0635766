from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import ndcg, percentile, recall, reciprocal_rank

RANKING = ["a", "b", "c", "d"]


def test_ndcg_of_one_relevant_id_is_one_over_the_log_of_its_rank() -> None:
    assert ndcg(RANKING, {"a": 1}, at=10) == 1
    assert ndcg(RANKING, {"b": 1}, at=10) == pytest.approx(1 / log2(3))
    assert ndcg(RANKING, {"d": 1}, at=3) == 0


def test_ndcg_of_graded_labels_by_hand() -> None:
    # found: grade 1, then 3, then nothing, then 2; best order: 3, 2, 1; gain is the grade itself
    found = 1 / log2(2) + 3 / log2(3) + 0 + 2 / log2(5)
    best = 3 / log2(2) + 2 / log2(3) + 1 / log2(4)
    assert ndcg(RANKING, {"a": 1, "b": 3, "d": 2}, at=10) == pytest.approx(found / best)


def test_ndcg_counts_what_was_not_found_in_the_ideal() -> None:
    assert ndcg(["a"], {"a": 1, "z": 1}, at=10) == pytest.approx(1 / (1 + 1 / log2(3)))


def test_the_ideal_holds_no_more_than_was_asked_for() -> None:
    grades = {f"r{number}": 1 for number in range(20)}
    assert ndcg(list(grades), grades, at=10) == pytest.approx(1)


def test_recall_and_reciprocal_rank_by_hand() -> None:
    assert recall(RANKING, {"b": 1, "d": 2, "z": 1}, at=3) == pytest.approx(1 / 3)
    assert recall(RANKING, {"b": 1, "d": 2, "z": 1}, at=4) == pytest.approx(2 / 3)
    assert reciprocal_rank(RANKING, {"c": 1, "d": 1}, at=10) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKING, {"d": 1}, at=3) == 0


def test_grade_zero_is_not_relevant() -> None:
    grades = {"a": 0, "b": 1}
    assert ndcg(RANKING, grades, at=10) == pytest.approx(1 / log2(3))
    assert recall(RANKING, grades, at=1) == 0
    assert reciprocal_rank(RANKING, grades, at=10) == 0.5


@given(st.permutations(RANKING), st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)))
def test_every_metric_lies_between_zero_and_one(ranking: list[str], grades: dict[str, int]) -> None:
    for metric in (ndcg, recall, reciprocal_rank):
        assert 0 <= metric(ranking, grades, at=3) <= 1 + 1e-12


def test_percentiles_are_values_that_occurred() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 0.5) == 3
    assert percentile(values, 0.95) == 5
    assert percentile(list(map(float, range(1, 101))), 0.95) == 95
    assert percentile([], 0.5) == 0
