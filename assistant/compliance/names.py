"""People's names in a text. A surname and two characters are far too common to be a name: only evidence makes one.

What counts: a word that introduces a person (户名、客户), an identifier or an amount beside it, a holding that is
said to be his or hers, an honorific with money. Words and cues are data: rules/privacy.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

NEAR = 14
LEFT_EDGE = "是叫给和与跟找把帮替让为户客人您你我他她的请对问名及了陪理事员生姐哥位系款经"


class NameFinder:
    """Finds names; compile once. `cues` are the name_ and person_ entries of rules/privacy.yaml."""

    def __init__(self, cues: Mapping[str, str], surname: str) -> None:
        given = f"(?!{cues['not_given']})[\u4e00-\u9fff]"
        bare = rf"{surname}(?!{cues['not_a_name']}){given}(?:{given})?"
        short = f"{bare}?"  # as few characters as will do
        full = rf"{surname}(?!{cues['not_a_name']}){given}{given}"
        left = rf"(?<![\u4e00-\u9fff{LEFT_EDGE}])"
        edge = rf"(?:(?<![\u4e00-\u9fff])|(?<=[{LEFT_EDGE}]))"
        title = f"(?:{cues['not_a_name']})?"
        self._word = re.compile(cues["name_words"])
        self._owns = (
            re.compile(rf"{edge}(?P<name>{short}){title}(?:{cues['name_owns']})"),
            re.compile(rf"{edge}(?P<name>{full}){title}(?:{cues['name_owns_full']})"),
        )
        self._numbered = re.compile(rf"{edge}(?P<name>{short}){title}[的,:(\s]{{0,2}}(?:{cues['name_item']})")
        self._titled = re.compile(rf"{edge}(?P<name>{bare}?)(?:{cues['not_a_name']})")
        self._alone = re.compile(rf"{left}(?P<name>{bare})(?![\u4e00-\u9fff])")
        self._introduced = re.compile(rf"(?P<name>{bare})(?![\u4e00-\u9fff])")
        self._before = re.compile(rf"(?:{cues['person_cue_before']})$")
        self._strong = re.compile(r"(?:姓名|户名|我叫)(?:是|为|:)?\s*$")

    def find(self, text: str, marks: Sequence[int], has_identifier: bool) -> Iterator[tuple[int, int]]:
        """Spans of names. `marks`: where identifiers and amounts begin."""
        for pattern in self._owns:
            for match in pattern.finditer(text):
                yield from self._checked(match)
        for match in self._numbered.finditer(text):
            if _mark_follows(marks, match.end()):
                yield from self._checked(match)
        for match in self._titled.finditer(text):
            if has_identifier or _money_near(text, match.end()):
                yield from self._checked(match)
        for match in self._introduced.finditer(text):
            before = text[max(0, match.start() - 8) : match.start()]
            beside = _mark_follows(marks, match.end(), 3)
            if self._strong.search(before) or ((has_identifier or marks) and self._before.search(before)) or beside:
                yield from self._checked(match)
        if has_identifier:
            for match in self._alone.finditer(text):
                yield from self._checked(match)

    def _checked(self, match: re.Match[str]) -> Iterator[tuple[int, int]]:
        if not self._word.match(match["name"]):
            yield match.start("name"), match.end("name")


def _mark_follows(marks: Sequence[int], end: int, near: int = NEAR) -> bool:
    return any(end <= mark <= end + near for mark in marks)


def _money_near(text: str, end: int) -> bool:
    return MONEY.search(text, end, end + 24) is not None


MONEY = re.compile(r"[\d一二两三四五六七八九十百千]+(?:\.\d+)?(?:多)?(?:万|元|块)")
