"""Tokens are counted offline, from above, and passages are never cut."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.drafting.budget import RANKS, TokenCounter, encoding
from evals.token_ranks import train

ROOT = Path(__file__).resolve().parents[4]


def test_counting_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    encoding.cache_clear()
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert TokenCounter().count("定期存款可以提前支取") > 0


def test_the_ranks_are_small_enough_to_ship() -> None:
    assert RANKS.stat().st_size <= 300_000


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_every_text_can_be_read_back(text: str) -> None:
    clean = text.encode("utf-8", "ignore").decode()
    assert encoding().decode(encoding().encode_ordinary(clean)) == clean


def test_our_own_text_counts_between_half_a_token_and_two_for_each_character() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "knowledge/samples/faq").glob("*.yaml")))
    assert 0.5 * len(text) < TokenCounter().count(text) < 2 * len(text)


def test_a_rare_character_counts_as_all_its_bytes() -> None:
    assert TokenCounter().count("龘") >= 3


def test_passages_fit_best_first_and_whole() -> None:
    counter = TokenCounter(factor=1.0)
    texts = ["一" * 10, "二" * 400, "三" * 10]
    room = counter.count(texts[0]) + counter.count(texts[2])
    assert counter.fit(texts, room) == [0, 2]
    assert counter.fit(texts, room - 1) == [0]
    assert counter.fit(texts, 0) == []


def test_a_second_training_on_the_same_texts_gives_the_same_file() -> None:
    texts = ["定期存款可以提前支取，按活期计息。" * 5, "大额存单可以转让，按约定计息。" * 5]
    ranks = train(texts, vocabulary=400, least_count=2)
    assert ranks == train(texts, vocabulary=400, least_count=2)
    assert len(ranks.splitlines()) > 256
