"""Long texts become whole messages: nothing lost, nothing cut where it would hurt."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.wecom.splitting import split_text, splitter

NUMBERED = re.compile(r"^（\d+/\d+）")
RISK = "理财非存款，产品有风险，投资须谨慎。"


def joined(parts: list[str]) -> str:
    return "".join(NUMBERED.sub("", part) if len(parts) > 1 else part for part in parts)


PIECES = st.sampled_from(
    ["稳盈90天", "2.35%", "10,000.00元", "，", "。", "\n", "\n\n", "！", " ", "🙂", "👨‍👩‍👧", "🇨🇳", "客户", "R2", "é",
     "https://example.com/a?b=1", "2026年3月1日", "；", "」", "「", RISK, "x" * 90]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=400)


@given(TEXTS, st.integers(64, 300), st.lists(st.sampled_from([RISK, "过往业绩不预示未来表现。"]), max_size=2))
@settings(deadline=None)
def test_every_part_fits_and_together_they_are_the_text(text: str, limit: int, keep: list[str]) -> None:
    parts = split_text(text, limit, keep=keep)
    assert all(len(part.encode("utf-8", "surrogatepass")) <= limit for part in parts)
    whole = joined(parts)
    assert whole.startswith(text)
    assert all(sentence in whole for sentence in keep)
    if all(sentence in text for sentence in keep):
        assert whole == text


@given(TEXTS, st.integers(80, 300))
@settings(deadline=None)
def test_a_mandatory_sentence_stands_whole_in_one_part(text: str, limit: int) -> None:
    parts = split_text(text + RISK, limit, keep=[RISK])
    assert any(RISK in part for part in parts)


@given(st.lists(st.sampled_from(["2.35%", "10,000.00元", "https://e.cn/a?b=1", "👨‍👩‍👧", "2026-03-01"]), max_size=80))
@settings(deadline=None)
def test_no_number_address_or_sign_is_cut(pieces: list[str]) -> None:
    text = "，".join(pieces)
    parts = split_text(text, 100)
    bare = [NUMBERED.sub("", part) if len(parts) > 1 else part for part in parts]
    assert [piece for part in bare for piece in part.strip("，").split("，")] == (pieces or [""])


def test_a_short_text_stays_as_it_is_without_a_number() -> None:
    assert split_text("您好。") == ["您好。"]
    assert split_text("险" * 682) == ["险" * 682]


def test_a_text_of_3000_bytes_is_cut_at_a_sentence_and_its_risk_wording_arrives() -> None:
    text = "这款产品按日开放，随时可以看净值。" * 60 + RISK
    parts = split_text(text, keep=[RISK])
    assert len(parts) == 2
    assert all(part.endswith("。") for part in parts)
    assert parts[0].startswith("（1/2）")
    assert RISK in parts[-1]


def test_paragraphs_are_preferred_to_sentences_and_sentences_to_clauses() -> None:
    first, second = "一句。" * 12, "另一句，有逗号。" * 12
    assert split_text(f"{first}\n\n{second}", 180)[0] == f"（1/3）{first}\n\n"
    assert all(part.endswith("。") for part in split_text(second, 120))


def test_a_quote_keeps_its_closing_mark() -> None:
    text = "客户说：「先放着吧。」" * 20
    assert all(part.endswith("」") for part in split_text(text, 120))


def test_more_than_nine_parts_are_numbered_within_the_limit() -> None:
    parts = split_text("险" * 500, 100)
    assert len(parts) >= 10
    assert parts[-1].startswith(f"（{len(parts)}/{len(parts)}）")
    assert all(len(part.encode()) <= 100 for part in parts)


def test_a_missing_mandatory_sentence_is_put_at_the_end() -> None:
    assert split_text("您好。", keep=[RISK]) == [f"您好。\n{RISK}"]


def test_a_limit_too_small_for_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 64"):
        split_text("您好", 10)


def test_the_splitter_has_its_limit_set() -> None:
    assert len(splitter(100)("险" * 60, keep=[])) == 2
