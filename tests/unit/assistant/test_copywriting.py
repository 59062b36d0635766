"""Posts for moments: three different angles, of a length people read, and not the same for every RM."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from assistant.answering import Question, Reply
from assistant.drafting.brief import DraftKind, Writer
from assistant.drafting.likeness import likeness
from knowledge.documents import WHOLE_BANK
from tests.house import TODAY, Bank

TOPICS = [
    "降准",
    "今天降息了",
    "黄金又创新高",
    "国债要发行了",
    "开学季存学费",
    "个人养老金年底",
    "反诈提醒",
    "压岁钱怎么存",
]
Post = Callable[..., Reply]


@pytest.fixture(scope="module")
def post(bank: Bank) -> Post:
    pipeline = cache(bank.pipeline.__call__)

    def posted(topic: str, userid: str = "rm001", **changes: Any) -> Reply:
        question = Question(topic, Writer(userid), WHOLE_BANK, TODAY, kind=DraftKind.MOMENTS)
        return pipeline(replace(question, **changes))

    return posted


def texts(reply: Reply) -> list[str]:
    return [item.text for item in reply.gated if item.text is not None]


@pytest.mark.parametrize("topic", TOPICS)
def test_three_angles_are_three_different_posts(post: Post, topic: str) -> None:
    written = texts(post(topic))
    assert len(written) == 3
    pairs = [(a, b) for number, a in enumerate(written) for b in written[number + 1 :]]
    assert all(likeness(a, b) < 0.35 for a, b in pairs)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_post_has_sixty_to_a_hundred_and_eighty_characters(post: Post, topic: str) -> None:
    sizes = [len(re.sub(r"\s", "", text)) for text in texts(post(topic))]
    assert all(60 <= size <= 180 for size in sizes), sizes


@pytest.mark.parametrize("topic", TOPICS)
def test_another_version_brings_another_set(post: Post, topic: str) -> None:
    first, second = texts(post(topic)), texts(post(topic, variant=1))
    assert second
    assert not set(first) & set(second)


@pytest.mark.parametrize("topic", TOPICS[:4])
def test_relationship_managers_do_not_all_post_the_same_angle_first(post: Post, topic: str) -> None:
    first = {texts(post(topic, f"rm{number:03}"))[0] for number in range(1, 11)}
    assert len(first) >= 3


@pytest.mark.parametrize("topic", TOPICS)
def test_a_post_sells_no_product_and_promises_nothing(post: Post, bank: Bank, topic: str) -> None:
    for text in texts(post(topic)):
        assert not re.search(r"保本|稳赚|收益率高|扫码|立即购买|点击", text)
        assert not any(name in text for name in bank.library.product_names(TODAY) if re.search(r"\d", name))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_post_rests_on_approved_material(post: Post, topic: str) -> None:
    assert all(item.citations for item in post(topic).gated)


def test_a_group_message_is_one_text_without_an_invitation_to_comment(post: Post) -> None:
    reply = post("降准", kind=DraftKind.GROUP)
    assert len(texts(reply)) == 1
    assert not re.search(r"评论|留言", texts(reply)[0])


def test_a_topic_that_nobody_approved_gets_no_post(post: Post) -> None:
    assert post("量子纠缠与弦论").text is None
