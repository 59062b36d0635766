"""Scorers are pure: a case and what came of it in, scores with reasons out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pytest

from evals.cases import (
    Case,
    CopyCase,
    DecisionCase,
    DoorCase,
    DraftingCase,
    GateCase,
    RedactionCase,
    RetrievalCase,
    UnderstandingCase,
)
from evals.running import scored
from evals.scores import Score
from evals.tasking import load_task

DAY = date(2026, 11, 23)
COMMON = {"id": "a", "split": "dev", "source": "s", "author": "w", "created": DAY}


def values(task: str, case: Case, output: Mapping[str, Any]) -> dict[str, float]:
    loaded = load_task(task)
    scores, errors = scored(loaded.scorers, case, output, known=loaded.definition.metrics)
    assert errors == []
    return {score.metric: score.value for score in scores}


def passage(document: str, text: str = "", *, version: int = 1, **more: Any) -> dict[str, Any]:
    found = {"document": document, "version": f"{document}@v{version}", "text": text, "kind": "product", "title": ""}
    return {**found, "score": 1.0, "in_force": True, "in_scope": True, **more}


def retrieval(**more: Any) -> RetrievalCase:
    return RetrievalCase.model_validate({**COMMON, "question": "三年定期利率", "on": DAY, **more})


def test_the_passage_that_says_it_counts_and_its_neighbour_does_not() -> None:
    case = retrieval(relevant=[{"document": "d", "says": "1.25%", "grade": 3}])
    beside = {"abstained": False, "evidence": [passage("d", "一年期 0.95%")]}
    right = {"abstained": False, "evidence": [passage("d", "一年期 0.95%"), passage("d", "三年期１．２５％")]}
    assert values("retrieval", case, beside)["recall@5"] == 0
    assert values("retrieval", case, right)["recall@5"] == 1
    assert values("retrieval", case, right)["mrr@10"] == 0.5


def test_a_stale_or_foreign_passage_counts_wherever_it_stands() -> None:
    case = retrieval(relevant=[{"document": "d"}])
    shown = [passage("d")] + [passage(f"x{n}") for n in range(8)] + [passage("old", in_force=False, in_scope=False)]
    found = values("retrieval", case, {"abstained": False, "evidence": shown})
    assert (found["stale"], found["foreign"], found["recall@5"]) == (1, 1, 1)


def test_of_two_that_look_alike_the_right_one_must_come_first() -> None:
    case = retrieval(relevant=[{"document": "wy90"}], must_not=["wy180"], slices=["near_miss"])
    right = {"abstained": False, "evidence": [passage("wy90"), passage("wy180")]}
    wrong = {"abstained": False, "evidence": [passage("wy180"), passage("wy90")]}
    assert values("retrieval", case, right)["near_miss_first"] == 1
    assert values("retrieval", case, wrong)["near_miss_first"] == 0
    assert "must_not@5" not in values("retrieval", case, wrong)


@pytest.mark.parametrize(
    ("answerable", "abstained", "wanted"),
    [
        (True, False, {}),
        (True, True, {"abstain_precision": 0.0}),
        (False, True, {"abstain_precision": 1.0, "abstain_recall": 1.0}),
        (False, False, {"abstain_recall": 0.0}),
    ],
)
def test_silence_is_scored_where_it_was_due_and_where_it_was_kept(
    answerable: bool, abstained: bool, wanted: dict[str, float]
) -> None:
    case = retrieval(relevant=[{"document": "d"}] if answerable else [])
    found = values("retrieval", case, {"abstained": abstained, "evidence": []})
    assert {name: value for name, value in found.items() if name.startswith("abstain")} == wanted


def test_a_product_made_up_is_told_from_one_not_found() -> None:
    named = UnderstandingCase.model_validate({**COMMON, "question": "稳盈90", "on": DAY, "product": "SL-WY90"})
    unnamed = UnderstandingCase.model_validate({**COMMON, "question": "怎么存", "on": DAY})
    missed: dict[str, Any] = {"product": None, "candidates": [], "intent": "product_fact", "time": None}
    assert values("understanding", named, missed) == {"product": 0}
    assert values("understanding", unnamed, {**missed, "product": "SL-WY90"}) == {"no_product": 0}


def gate(codes: list[str]) -> GateCase:
    return GateCase.model_validate({**COMMON, "text": "保本", "on": DAY, "codes": codes})


def test_the_gate_is_scored_by_what_it_lets_out() -> None:
    let = {"blocked": False, "codes": [], "red_lines": ["GUARANTEED_RETURN"]}
    assert values("gate", gate(["GUARANTEED_RETURN"]), let) == {"red_line_recall": 0, "code_recall": 0}
    wrong_name = {"blocked": True, "codes": ["RISK_DENIAL"], "red_lines": ["GUARANTEED_RETURN"]}
    assert values("gate", gate(["GUARANTEED_RETURN"]), wrong_name) == {"red_line_recall": 1, "code_recall": 0}
    assert values("gate", gate([]), wrong_name) == {"false_block": 1}


def test_half_a_number_left_standing_is_a_leak() -> None:
    spans = [{"start": 2, "end": 13, "type": "PHONE"}]
    case = RedactionCase.model_validate({**COMMON, "text": "电话13912345678", "spans": spans})
    half = {"spans": [{"start": 2, "end": 8, "type": "PHONE"}], "text": ""}
    found = values("redaction", case, half)
    assert found["leak"] == 1
    assert found["masked"] == pytest.approx(6 / 11)
    assert found["exact_spans"] == 0


def drafting(**more: Any) -> DraftingCase:
    return DraftingCase.model_validate({**COMMON, "question": "客户问：三年利率", "on": DAY, **more})


def drafted(text: str, **more: Any) -> dict[str, Any]:
    found = {"kind": "reply", "verdict": "pass", "texts": [text], "cited": ["d"], "sources": ["三年期 1.25%"]}
    return {**found, "red_lines": [], "outcome": "draft", **more}


def test_points_count_in_any_of_their_wordings() -> None:
    case = drafting(must=[{"any": ["当天", "挂牌"]}, {"any": ["活期"]}], must_not=[{"any": ["保本"]}])
    found = values("drafting", case, drafted("以办理当天公布的为准"))
    assert (found["key_points"], found["forbidden"]) == (0.5, 0)
    assert values("drafting", case, drafted("这款保 本"))["forbidden"] == 1


def test_a_rate_that_no_source_has_is_found_in_any_of_the_texts() -> None:
    case = drafting(figures=["1.25%"])
    assert values("drafting", case, drafted("三年 1.250% "))["ungrounded"] == 0
    assert values("drafting", case, drafted("三年 1.25%", texts=["三年1.25%", "能到2.75%"]))["ungrounded"] == 1


def test_nothing_drafted_covers_no_point_and_is_no_ungrounded_figure() -> None:
    case = drafting(must=[{"any": ["活期"]}], cites=["d"])
    empty = drafted("", texts=[], cited=[], verdict="unknown", outcome="unknown")
    found = values("drafting", case, empty)
    assert (found["expected"], found["key_points"], found["cited"]) == (0, 0, 0)
    assert "ungrounded" not in found


def test_posts_that_only_change_places_do_not_differ() -> None:
    case = CopyCase.model_validate({**COMMON, "request": "写条朋友圈", "on": DAY, "angles": 2})
    one, other = (
        "手上有二十万先还房贷还是先放着。我家讨论了两顿晚饭。",
        "我家讨论了两顿晚饭。手上有二十万先还房贷还是先放着。",
    )
    found = values("copy", case, drafted("", texts=[one, other], colleague=[one]))
    assert (found["angles_differ"], found["colleague_differs"], found["angles"]) == (0, 0, 1)
    apart = values("copy", case, drafted("", texts=[one, "周末网点教插花"], colleague=["明天降温，记得加衣"]))
    assert (apart["angles_differ"], apart["colleague_differs"]) == (1, 1)


def test_a_decision_is_scored_by_what_was_kept() -> None:
    said = {**COMMON, "says": ["客户问：x", "改：好的"], "on": DAY, "effect": "edited", "final": "好的"}
    case = DecisionCase.model_validate(said)
    assert values("decisions", case, {"effect": "edited", "reason": None, "final": "好的。"}) == {
        "effect": 1,
        "final": 1,
    }
    assert values("decisions", case, {"effect": "asked", "reason": None, "final": None}) == {"effect": 0, "final": 0}


def test_a_message_that_arrives_twice_or_never_is_found() -> None:
    case = DoorCase.model_validate({**COMMON, "says": ["帮助", "采用"], "on": DAY, "expect": [{"any": ["草稿"]}]})
    found = values("wecom", case, {"arrived": [[], ["没有草稿", "没有草稿"]]})
    assert (found["answered"], found["doubled"], found["content"]) == (0.5, 1, 1)


def test_a_scorer_that_fails_is_an_error_and_the_others_still_count() -> None:
    def failing(case: Case, output: Mapping[str, Any]) -> Iterable[Score]:
        raise KeyError("planted")

    def half(case: Case, output: Mapping[str, Any]) -> Iterable[Score]:
        yield Score("recall@5", 0.5)
        yield Score("unheard_of", 0.5)

    scores, errors = scored([failing, half], retrieval(), {}, known=["recall@5"])
    assert [score.metric for score in scores] == ["recall@5"]
    assert errors == ["failing: KeyError: 'planted'", "half: unknown metric unheard_of"]


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan")])
def test_a_value_outside_of_its_range_is_no_score(value: float) -> None:
    with pytest.raises(ValueError, match="within"):
        Score("recall@5", value)
