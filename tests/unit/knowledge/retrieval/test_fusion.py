import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.retrieval.fusion import reciprocal_rank, scaled, weighted

RANKINGS = st.lists(st.lists(st.sampled_from("abcdef"), unique=True), max_size=4)
SCORES = st.dictionaries(st.sampled_from("abcdef"), st.floats(-5, 50, allow_nan=False), max_size=6)


@given(RANKINGS)
def test_fusing_ranks_loses_no_passage(rankings: list[list[str]]) -> None:
    assert {name for name, _ in reciprocal_rank(rankings)} == {name for ranking in rankings for name in ranking}


@given(RANKINGS, st.integers(1, 100))
def test_rank_scores_stay_in_their_bounds_and_fall(rankings: list[list[str]], k: int) -> None:
    scores = [score for _, score in reciprocal_rank(rankings, k=k)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= len(rankings) / (k + 1) + 1e-12 for score in scores)


def test_a_rank_offset_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="k must"):
        reciprocal_rank([["a"]], k=0)


@given(st.dictionaries(st.sampled_from(["text", "dense"]), SCORES), st.floats(0.01, 2), st.floats(0.01, 2))
def test_weighted_scores_lose_nothing_and_stay_between_zero_and_one(
    stages: dict[str, dict[str, float]], text: float, dense: float
) -> None:
    fused = weighted(stages, {"text": text, "dense": dense})
    assert {name for name, _ in fused} == {name for scores in stages.values() for name in scores}
    assert all(0 <= score <= 1 + 1e-9 for _, score in fused)


def test_the_best_of_a_stage_counts_one() -> None:
    assert scaled({"a": 4.0, "b": 1.0, "c": -1.0}) == {"a": 1.0, "b": 0.25, "c": 0.0}


def test_a_stage_that_found_nothing_takes_no_share() -> None:
    assert weighted({"text": {"a": 3.0}, "dense": {}}, {"text": 0.9, "dense": 0.1}) == [("a", 1.0)]
