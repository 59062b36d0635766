"""SQLite's own full text."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import pairwise

from tests.load.peer_sets import DEPTH, Ask, Texts


def fts5_trigram(texts: Texts) -> Ask:
    """The tokenizer that SQLite has for such languages; a question is all its runs of three, any of which may hit."""

    def runs(text: str) -> list[str]:
        kept = "".join(character if character.isalnum() else " " for character in text)
        return [part[at : at + 3] for part in kept.split() for at in range(len(part) - 2)]

    return _fts5(texts, "trigram", runs, lambda text: text)


def fts5_pairs(texts: Texts) -> Ask:
    """Pairs of characters with spaces between, for SQLite's plain tokenizer."""

    def pairs(text: str) -> list[str]:
        kept = [character if character.isalnum() else " " for character in text.lower()]
        return [first + second for first, second in pairwise(kept) if " " not in (first, second)]

    return _fts5(texts, "unicode61", pairs, lambda text: " ".join(pairs(text)))


def _fts5(texts: Texts, tokenizer: str, terms: Callable[[str], Sequence[str]], stored: Callable[[str], str]) -> Ask:
    connection = sqlite3.connect(texts.folder / "fts.db")
    connection.execute(f"CREATE VIRTUAL TABLE held USING fts5(text, tokenize='{tokenizer}')")
    rows = ((row, stored(text)) for row, text in enumerate(texts.texts))
    connection.executemany("INSERT INTO held(rowid, text) VALUES (?, ?)", rows)
    connection.commit()

    def ask(question: str) -> list[str]:
        match = " OR ".join(f'"{term}"' for term in dict.fromkeys(terms(question)))
        if not match:
            return []
        query = "SELECT rowid FROM held WHERE held MATCH ? ORDER BY rank LIMIT ?"
        return [texts.ids[row] for (row,) in connection.execute(query, (match, DEPTH))]

    return ask
