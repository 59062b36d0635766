"""What an RM changed: the categories of 80 edits labelled by hand, and what holds for every edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.edits import diff, sentences, summary_category

DATA = Path(__file__).parents[2] / "data"
NAMES = frozenset({"天天利", "货币A", "稳盈90天", "稳盈180天", "积存金"})
CATEGORIES = {"fact", "compliance", "tone", "stage", "length", "other"}
# Labelled by hand otherwise than the code sees it; each is a judgement that no general rule of ours reaches.
KNOWN_DISAGREEMENTS = {
    "e08",  # explained at length, and a delay named on the way: length to us, a fact to the code
    "e53",  # an offer reworded as a request for a word back: tone to us, a new step to the code
}


def cases(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def seen(case: dict[str, Any]) -> list[tuple[str, str]]:
    return [(edit.op, edit.category) for edit in diff(case["draft"], case["final"], names=NAMES)]


def labelled(case: dict[str, Any]) -> list[tuple[str, str]]:
    return [(edit["op"], edit["category"]) for edit in case["edits"]]


@pytest.mark.parametrize("case", cases("edits.jsonl"), ids=lambda case: f"{case['id']}-{case['situation']}")
def test_an_edit_is_called_what_the_middle_office_calls_it(case: dict[str, Any]) -> None:
    assert (seen(case) == labelled(case)) is (case["id"] not in KNOWN_DISAGREEMENTS)


def test_edits_that_nobody_tuned_for_are_mostly_called_right() -> None:
    held_out = cases("edits_held_out.jsonl")
    agreed = sum(seen(case) == labelled(case) for case in held_out)
    assert agreed >= 15, f"{agreed} of {len(held_out)}"


def test_the_files_hold_sixty_and_twenty_different_edits_of_every_category() -> None:
    tuned, held_out = cases("edits.jsonl"), cases("edits_held_out.jsonl")
    assert (len(tuned), len(held_out)) == (60, 20)
    assert len({case["final"] for case in tuned + held_out}) == 80
    assert {edit["category"] for case in tuned for edit in case["edits"]} == CATEGORIES


TEXTS = st.lists(
    st.sampled_from(
        [
            "您好，",
            "三年期1.55%。",
            "您方便吗？",
            "产品不保本。",
            "慢慢想😊",
            "利率会变～",
            "\n",
            "稳盈90天不错。",
            "嗯",
        ]
    ),
    max_size=8,
).map("".join)


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert diff(text, text) == ()


@given(TEXTS, TEXTS)
def test_the_edits_turn_the_draft_into_the_final_text(before: str, after: str) -> None:
    edits = diff(before, after, names=NAMES)
    old, new = sentences(before), sentences(after)
    kept_old = [text for text in old if text in new]
    assert all(edit.before in old and edit.op != "insert" for edit in edits if edit.before)
    assert all(edit.after in new and edit.op != "delete" for edit in edits if edit.after)
    assert {edit.category for edit in edits} <= CATEGORIES
    gone = [edit.before for edit in edits if edit.before]
    come = [edit.after for edit in edits if edit.after]
    assert len(old) - len(gone) == len(new) - len(come) <= len(kept_old)


@given(TEXTS)
def test_sentences_lose_no_letter(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("before", "after", "category"),
    [
        ("利率是1.55%。", "利率是1.5%。", "fact"),
        ("到期是下周三。", "到期是下周五。", "fact"),
        ("买稳盈90天。", "买货币A。", "fact"),
        ("您买不买？", "你买不买？", "tone"),
        ("存款按开户日利律算。", "存款按开户日利率算。", "other"),
        ("周四下午三点您方便吗？", "周五上午十点您方便吗？", "stage"),
        ("这款稳健。", "这款稳健，保本。", "compliance"),
    ],
)
def test_one_changed_sentence_is_a_replacement(before: str, after: str, category: str) -> None:
    [edit] = diff(before, after, names=NAMES)
    assert (edit.op, edit.before, edit.after, edit.category) == ("replace", before, after, category)


def test_a_fact_is_heard_before_a_tone_and_no_edit_has_a_category() -> None:
    edits = diff("您好。利率1.5%。您看呢？", "你好。利率1.6%。您看呢？")
    assert {edit.category for edit in edits} == {"tone", "fact"}
    assert summary_category(edits) == "fact"
    assert summary_category(()) == "other"


def test_a_very_long_text_is_compared_in_time() -> None:
    before = "".join(f"第{number}条，利率{number}.5%，请您看一下。" for number in range(250))
    after = before.replace("请您", "请你")
    assert len(diff(before, after)) == 250
