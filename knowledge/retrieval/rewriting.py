"""A question that leans on the talk before it, written out so that it can be searched for by itself.

稳盈90天多少钱能买 / 那180的呢 -> 稳盈180天 那180的呢 多少钱能买. What counts as leaning is data: data/rewriting.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from knowledge.retrieval.products import ProductNames, Resolution
from knowledge.retrieval.text import fold

_TURNS = 4
_BRIEF = 20  # characters
_LEAST_ASKED = 2  # characters that ask for something
_FIGURE = re.compile(r"\d{1,4}")
_ENDS = re.compile(r"[\s，,。.?？!！；;、]+")


@cache
def _patterns(name: str) -> re.Pattern[str]:
    path = Path(__file__).with_name("data") / "rewriting.toml"
    with path.open("rb") as file:
        return re.compile("|".join(f"(?:{pattern})" for pattern in tomllib.load(file)[name]))


def rewrite(question: str, turns: Sequence[str], names: ProductNames) -> str:
    """The question with what it lacks from the last turns: the product, what was asked about it, or the subject.

    Args:
        turns: what was said before, oldest first, by whomever.
        names: of the products that the asker may read on the day.
    Returns the question itself when it stands by itself.
    """
    before = [turn for turn in turns if turn.strip()][-_TURNS:]
    if not before or not _leans(question) or names.resolve(question).codes:
        return question
    at, meant = _last_named(before, names)
    if meant is None:
        return f"{before[-1]} {question}" if _asks_nothing(question) else question
    product = names.called(_sibling(question, meant, names))
    asked = _without(before[at], meant, names) if _asks_nothing(question) else ""
    return _ENDS.sub(" ", f"{product} {question} {asked}").strip()


def _leans(question: str) -> bool:
    text = fold(re.sub(r"\s", "", question))
    if _patterns("apart").search(text):
        return False
    if _patterns("subjects").search(text):
        return False
    short = len(text) <= _BRIEF
    return short and bool(_patterns("leans").search(text) or _patterns("brief").search(text))


def _asks_nothing(question: str) -> bool:
    """Whether it only points (那180的呢, 周末也这样吗) and leaves out what it asks for."""
    text = fold(_ENDS.sub("", question))
    pointing = "这样" in text or "一样" in text
    return pointing or len(_patterns("fillers").sub("", text)) < _LEAST_ASKED


def _last_named(turns: Sequence[str], names: ProductNames) -> tuple[int, Resolution | None]:
    for at in range(len(turns) - 1, -1, -1):
        found = names.resolve(turns[at])
        if found.codes:
            return at, found
    return -1, None


def _sibling(question: str, meant: Resolution, names: ProductNames) -> str:
    """The product of the same family that the question turns to; else the one that was named."""
    named = meant.code or meant.candidates[0]
    text = fold(question)
    for direction, sign in (("longer", 1), ("shorter", -1)):
        if _patterns(direction).search(text):
            return names.neighbour(named, sign) or named
    for family in names.families_of(named):
        told = [f"{family}{question}", *(f"{family}{figure}天" for figure in _FIGURE.findall(text))]
        for found in map(names.resolve, told):
            if found.code and found.code != named:
                return found.code
    return named


def _without(turn: str, meant: Resolution, names: ProductNames) -> str:
    """The turn without the names of the products."""
    text = fold(turn)
    for name in sorted((n for code in meant.codes for n in names.all_names(code)), key=len, reverse=True):
        text = text.replace(fold(name), " ")
    for family in sorted((f for code in meant.codes for f in names.families_of(code)), key=len, reverse=True):
        text = text.replace(family, " ")
    return re.sub(r"\d+\s*(天|日|个?月|年)的?|半年", " ", text)
