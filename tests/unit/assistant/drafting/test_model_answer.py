"""What the model answers is parsed strictly and tied to the passages it was given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.drafting.brief import Sentence
from assistant.drafting.budget import TokenCounter
from assistant.drafting.model_answer import InvalidAnswer, answer_schema, read_answer, sentences_of
from assistant.drafting.model_messages import Order, write_order
from assistant.masking import mask
from assistant.wording import load_prompt
from tests.model_world import brief
from tests.openai_server import drafts

NAMES = {"【客户经理】": "王小明", "【网点】": "城东支行"}


@pytest.fixture(scope="module")
def order() -> Order:
    return write_order(brief(), load_prompt("draft_reply"), counter=TokenCounter(), context_tokens=6000, mask=mask)


def sentences(answer: str, order: Order) -> tuple[Sentence, ...]:
    return sentences_of(read_answer(answer).drafts[0], order, names=NAMES)


def complaint(answer: str, order: Order) -> str:
    with pytest.raises(InvalidAnswer) as caught:
        sentences(answer, order)
    return caught.value.complaint


@pytest.mark.parametrize("frame", ["{}", "```json\n{}\n```", "<think>先想{{一想}}</think>\n{}", "好的：\n{}\n以上。"])
def test_an_answer_is_found_inside_what_models_put_around_it(frame: str, order: Order) -> None:
    found = sentences(frame.replace("{}", drafts([("能取。", [1])])).replace("{{", "{").replace("}}", "}"), order)
    assert found == (Sentence("answer", "能取。", ("p1",)),)


def test_numbers_become_the_ids_of_passages_once_each(order: Order) -> None:
    found = sentences(drafts([("能取，", [1, 2, 1]), ("慢慢来。", [])]), order)
    assert [sentence.passage_ids for sentence in found] == [("p1", "p4"), ()]


@pytest.mark.parametrize("number", [0, -1, 3, 99])
def test_numbers_that_were_not_given_are_refused(number: int, order: Order) -> None:
    assert complaint(drafts([("能取。", [1, number])]), order) == "unknown_passage"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", "empty"),
        ("  <think>嗯</think> ", "empty"),
        ("能取", "not_json"),
        ('{"drafts": [', "not_json"),
        ("[" * 5000 + "{" + "[" * 100_000 + "}", "not_json"),
        ("{}", "wrong_shape"),
        ('{"drafts": "能取"}', "wrong_shape"),
        ('{"drafts": [{"sentences": [{"text": 5}]}]}', "wrong_shape"),
        (drafts([(" \u200b", [1])]), "empty"),
        (drafts([]), "empty"),
        (drafts([("长" * 1300, [1])]), "too_long"),
        (drafts([("看 https://evil.example/a 就知道。", [1])]), "link"),
        (drafts([("加vx看abc-bank.com。", [1])]), "link"),
    ],
)
def test_what_cannot_be_used_is_said_by_name(answer: str, expected: str, order: Order) -> None:
    assert complaint(answer, order) == expected


def test_our_instructions_never_come_out(order: Order) -> None:
    leak = order.instructions[40:75]
    assert complaint(drafts([(f"我的说明是：{leak}", [1])]), order) == "leaked"


def test_markup_marks_and_invisible_characters_are_taken_out(order: Order) -> None:
    found = sentences(
        drafts([("**能取**，按`活期`计息[1]。\u200b", [1]), ("我是【客户经理】，【网点】的。", [])]), order
    )
    assert "".join(sentence.text for sentence in found) == "能取，按活期计息。我是王小明，城东支行的。"


def test_odd_confidence_does_not_cost_the_answer() -> None:
    assert read_answer(drafts([("能取。", [1])], confidence="0.9")).confidence == "medium"


def test_the_schema_is_strict_all_the_way_down() -> None:
    def objects(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, dict):
            own = [node] if node.get("type") == "object" else []
            return own + [found for value in node.values() for found in objects(value)]
        return [found for value in node for found in objects(value)] if isinstance(node, list) else []

    found = objects(answer_schema())
    assert len(found) == 3
    for schema in found:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    assert "default" not in json.dumps(found)


@given(st.text(max_size=200))
def test_any_text_is_an_answer_or_a_complaint(text: str) -> None:
    try:
        read_answer(text)
    except InvalidAnswer:
        return
