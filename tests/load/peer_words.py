"""bm25s alone, over words and over characters with pairs."""

# Peers are installed beside the environment, where mypy does not look.
# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bm25s

from tests.load.peer_sets import DEPTH, Ask, Texts, characters_and_pairs, words


def bm25s_words(texts: Texts) -> Ask:
    """jieba's words."""
    return _bm25s(texts, words)


def bm25s_pairs(texts: Texts) -> Ask:
    """Characters and pairs."""
    return _bm25s(texts, characters_and_pairs)


def _bm25s(texts: Texts, cut: Callable[[str], list[str]]) -> Ask:
    index: Any = bm25s.BM25()
    index.index([cut(text) or [""] for text in texts.texts], show_progress=False)

    def ask(question: str) -> list[str]:
        known = [term for term in cut(question) if term in index.vocab_dict]
        if not known:
            return []
        rows, _ = index.retrieve([known], k=min(DEPTH, len(texts.ids)), show_progress=False)
        return [texts.ids[int(row)] for row in rows[0]]

    return ask
