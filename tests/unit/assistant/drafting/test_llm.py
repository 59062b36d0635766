"""The model drafter over a scripted chat: what becomes of an answer, and when it is asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from assistant.drafting.brief import Brief, Draft, DraftKind
from assistant.drafting.budget import TokenCounter
from assistant.drafting.chat import ChatMessage, Completion
from assistant.drafting.llm import LlmDrafter
from assistant.errors import ModelUnavailable
from assistant.wording import load_prompt
from tests.model_world import DEPOSIT, DEPOSIT_PASSAGE, FUND, FUND_PASSAGE, brief
from tests.openai_server import drafts

GOOD = drafts([("能取，", []), ("按活期计息。", [1])])


@dataclass
class ScriptedChat:
    """Answers from a list; each answer takes `takes_s` of the clock."""

    answers: list[str | ModelUnavailable]
    takes_s: float = 1.0
    now: float = 0.0
    asked: list[tuple[Sequence[ChatMessage], float]] = field(default_factory=list)

    def complete(self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any], timeout_s: float) -> Completion:
        self.asked.append((messages, timeout_s))
        self.now += self.takes_s
        answer = self.answers.pop(0)
        if isinstance(answer, ModelUnavailable):
            raise answer
        return Completion(answer, "m-1", {"total_tokens": 10})


def drafter(*answers: str | ModelUnavailable, takes_s: float = 1.0) -> tuple[LlmDrafter, ScriptedChat]:
    chat = ScriptedChat(list(answers), takes_s)
    prompt = load_prompt("draft_reply")
    return LlmDrafter(chat, prompt, TokenCounter(), 6000, 8.0, clock=lambda: chat.now), chat


def drafted(answer: str, order: Brief) -> tuple[Draft, ...]:
    return drafter(answer)[0].draft(order)


def reason(made: LlmDrafter, order: Brief | None = None) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        made.draft(order or brief())
    return caught.value.ids["reason"]


def test_a_reply_carries_where_it_came_from() -> None:
    (draft,) = drafted(GOOD, brief())
    assert draft.text == "能取，按活期计息。"
    assert draft.passage_ids == ("p1",)
    assert (draft.drafter, draft.prompt_id, draft.model) == ("llm", "draft_reply@1", "m-1")
    assert draft.usage == {"total_tokens": 10, "repairs": 0}
    assert draft.question_back is None


def test_a_reply_is_one_text_and_moments_are_three() -> None:
    many = drafts(*[[(f"第{n}条。", [])] for n in range(5)])
    assert len(drafted(many, brief())) == 1
    posts = drafted(many, brief(kind=DraftKind.MOMENTS))
    assert [post.text for post in posts] == ["第0条。", "第1条。", "第2条。"]
    assert posts[0].prompt_id == "draft_posts@1"
    assert posts[0].notes == ("角度1",)
    assert len(drafted(many, brief(kind=DraftKind.GROUP))) == 1


@pytest.mark.parametrize("first", ["", "不是 JSON", drafts([("能取。", [7])]), ModelUnavailable(reason="refused")])
def test_what_cannot_be_used_is_asked_again_once(first: str | ModelUnavailable) -> None:
    made, chat = drafter(first, GOOD)
    assert made.draft(brief())[0].usage["repairs"] == 1
    assert [timeout for _, timeout in chat.asked] == [8.0, 7.0]
    again = chat.asked[1][0]
    assert tuple(again[:2]) == tuple(chat.asked[0][0])
    assert again[-1].role == "user"


def test_a_second_unusable_answer_ends_it() -> None:
    made, chat = drafter("x", "y", GOOD)
    assert reason(made) == "not_json"
    assert len(chat.asked) == 2


def test_there_is_no_second_try_when_the_time_is_nearly_up() -> None:
    made, chat = drafter("x", GOOD, takes_s=7.0)
    assert reason(made) == "not_json"
    assert len(chat.asked) == 1


@pytest.mark.parametrize("why", ["timeout", "http_429", "http_5xx", "unreachable", "too_large", "busy"])
def test_a_failing_endpoint_is_not_asked_twice(why: str) -> None:
    made, chat = drafter(ModelUnavailable(reason=why), GOOD)
    assert reason(made) == why
    assert len(chat.asked) == 1


@pytest.mark.parametrize(("why", "opens"), [("timeout", True), ("http_5xx", True), ("refused", False), ("busy", False)])
def test_only_the_endpoints_own_failures_open_the_breaker(why: str, opens: bool) -> None:
    made, _ = drafter(*[ModelUnavailable(reason=why) for _ in range(6)])
    for _ in range(3):
        reason(made)
    assert made.breaker.is_open is opens


def test_an_unexpected_error_counts_as_a_failure_and_is_not_hidden() -> None:
    made, _ = drafter()
    for _ in range(3):
        with pytest.raises(IndexError):
            made.draft(brief())
    assert reason(made) == "circuit_open"


def test_a_prompt_that_does_not_fit_says_nothing_about_the_endpoint() -> None:
    made, chat = drafter(GOOD)
    for _ in range(4):
        assert reason(made, brief("长话" * 5000)) == "prompt_too_large"
    assert chat.asked == []
    assert made.draft(brief())


def test_the_product_asked_about_is_what_the_gate_judges_by() -> None:
    (draft,) = drafted(GOOD, brief(sheets=True))
    assert draft.sheet is DEPOSIT


def test_the_riskiest_product_used_is_what_the_gate_judges_by() -> None:
    both = replace(brief().materials, sheets=((DEPOSIT, (DEPOSIT_PASSAGE,)), (FUND, (FUND_PASSAGE,))))
    assert drafted(drafts([("都行。", [1, 2])]), brief(materials=both))[0].sheet is FUND
    assert drafted(drafts([("存定期。", [1])]), brief(materials=both))[0].sheet is DEPOSIT
    offered = replace(brief().materials, suitable=((FUND, (FUND_PASSAGE,)),))
    assert drafted(drafts([("看看进取成长混合。", [])]), brief(materials=offered))[0].sheet is FUND


def test_whether_it_promotes_follows_the_situation_and_is_open_for_posts() -> None:
    assert drafted(GOOD, brief(situation="complaint"))[0].promotes is False
    assert drafted(GOOD, brief())[0].promotes is None
    assert drafted(GOOD, brief(kind=DraftKind.MOMENTS))[0].promotes is None


def test_names_are_put_in_after_the_model() -> None:
    (draft,) = drafted(drafts([("我是【客户经理】，在【网点】。", [])]), brief(kind=DraftKind.FRIEND_REQUEST))
    assert draft.text == "我是王小明，在城东支行。"
    assert draft.sheet is None


def test_a_question_back_and_doubt_reach_the_manager() -> None:
    answer = drafts([("能取。", [1])], confidence="low").replace(
        '"question_back": null', '"question_back": "存了多久？"'
    )
    (draft,) = drafted(answer, brief())
    assert draft.question_back == "存了多久？"
    assert any("把握不大" in note for note in draft.notes)
