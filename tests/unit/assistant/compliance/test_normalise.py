"""The normalised copy and its way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.compliance.normalise import Normalised, compatible, rewrite, simplified, without_invisible
from assistant.compliance.rules import RULES_FOLDER
from assistant.compliance.unmasking import Unmasker

UNMASKER = Unmasker.load(Path(RULES_FOLDER) / "characters.yaml")
ALPHABET = "保本宝夲息稳赚bao ben0０①，。、👍️\u200b\u202e\n亻呆無險*·一R2"


@given(st.text(alphabet=ALPHABET, max_size=60) | st.text(max_size=60))
def test_every_character_of_the_copy_points_into_the_original(text: str) -> None:
    copy = UNMASKER.copy(text)
    assert len(copy.text) == len(copy.starts) == len(copy.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(copy.starts, copy.ends, strict=True))
    assert list(copy.starts) == sorted(copy.starts)
    assert list(copy.ends) == sorted(copy.ends)


@given(st.text(alphabet=ALPHABET, max_size=60))
def test_changes_tell_what_stood_there(text: str) -> None:
    for change in UNMASKER.copy(text).changes:
        assert text[change.start : change.end] == change.before


@given(st.text(alphabet="今天开会您好,。产品周一二三", max_size=40))
def test_an_ordinary_text_is_left_alone(text: str) -> None:
    assert UNMASKER.copy(text).text == text


def test_invisible_characters_are_dropped() -> None:
    assert without_invisible(Normalised.of("保\u200b\u202e本\ufe0f")).text == "保本"


def test_full_width_and_circled_characters_become_plain() -> None:
    assert compatible(Normalised.of("Ｒ２①❸㊙，％")).text == "r213秘,%"


def test_traditional_characters_become_simplified() -> None:
    assert simplified(Normalised.of("無風險"), UNMASKER.tables.simplification).text == "无风险"


def test_a_rewritten_range_keeps_its_place() -> None:
    copy = rewrite(Normalised.of("这是宝本的"), [(2, 4, "保本", "homophones")])
    assert copy.text == "这是保本的"
    assert copy.span(2, 3) == (2, 4)
    assert copy.changes[0].kind == "homophones"


@pytest.mark.parametrize(
    ("written", "kind", "plain"),
    [
        ("保 本 理财", "separators", "保本"),
        ("保👍本", "separators", "保本"),
        ("保.本", "separators", "保本"),
        ("饱夲", "homophones", "保本"),
        ("凡现", "homophones", "返现"),
        ("bao本", "pinyin", "保本"),
        ("wēn zhuàn bù赔 wenzhuan", "pinyin", "稳赚"),
        ("亻呆本", "characters", "保本"),
        ("ㄅㄠˇ本", "characters", "保本"),
        ("bbbx", "abbreviation", "保本保息"),
        ("🧧", "picture", "红包"),
        ("０风险", "homophones", "零风险"),
    ],
)
def test_each_trick_is_undone_and_named(written: str, kind: str, plain: str) -> None:
    copy = UNMASKER.copy(written)
    assert plain in copy.text
    assert kind in {change.kind for change in copy.changes}


@pytest.mark.parametrize(
    "innocent",
    [
        "环保、本周五开会",
        "环保 本周五开会",
        "社保 本月到账",
        "余额宝本周",
        "珠宝本店有售",
        "凡现在办理的",
        "1·2·3",
        "a.b.c",
        "T+1到账",
        "文转给您了",
        "陪您去办",
        "反现实主义",
        "开头是保,本来想说",
    ],
)
def test_look_alikes_are_not_glued(innocent: str) -> None:
    text = UNMASKER.copy(innocent).text
    assert not any(term in text for term in ("保本", "返现", "稳赚", "包赔"))
