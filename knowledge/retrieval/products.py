"""Which product a question names: by code, name or nickname, safe against near misses.

Products of one family differ in little: 90 or 180 days, class A or C, R2 or R3. So letters and figures must agree
exactly; only the Chinese part of a long name may be off by one character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from knowledge.products import ProductSheet
from knowledge.retrieval.text import fold

_GAP = re.compile(r"[\s·•・_\-—–()（）\[\]【】「」《》\"'“”,，、.]+")
_PLAIN = re.compile(r"[a-z0-9]")
_SHORTEST_FUZZY = 5
_SHORTEST_FAMILY = 3


@dataclass(frozen=True, slots=True)
class Resolution:
    """`code` when exactly one product is meant; `candidates` when several may be; both empty when none is named."""

    code: str | None = None
    candidates: tuple[str, ...] = ()


def _squeeze(text: str) -> str:
    """Folded text without gaps, but a space stays between two letters or figures: `a 100` is not `a100`."""
    folded = fold(text)

    def joint(match: re.Match[str]) -> str:
        before, after = folded[match.start() - 1 : match.start()], folded[match.end() : match.end() + 1]
        both_plain = before and after and _PLAIN.match(before) and _PLAIN.match(after)
        if both_plain and match.group() == ".":
            return "."
        return " " if both_plain else ""

    return _GAP.sub(joint, folded)


@dataclass(frozen=True)
class _Name:
    """One way to call one product."""

    code: str
    text: str

    @cached_property
    def plain(self) -> list[str]:
        """Letters and figures in order; they must agree exactly."""
        return re.findall(r"[a-z0-9.]+", self.text)

    def find(self, question: str) -> Iterable[tuple[int, int]]:
        """Spans of exact occurrences that are not cut out of a longer word or figure."""
        start = question.find(self.text)
        while start >= 0:
            end = start + len(self.text)
            if not (_joined(question, start) or _joined(question, end)):
                yield start, end
            start = question.find(self.text, start + 1)


def _joined(text: str, at: int) -> bool:
    """Whether a letter or figure runs on across position `at`."""
    if at <= 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    letters = re.compile("[a-z]")
    return (before.isdigit() and after.isdigit()) or bool(letters.match(before) and letters.match(after))


# What tells products of a family apart, by kind of mark.
_MARKS = {
    "term": re.compile(r"\d+(?:天|日|个月|月|年|周)"),
    "class": re.compile(r"(?<![a-z])[a-e](?:类|份额|款)?(?![a-z0-9])"),
    "risk": re.compile(r"r[1-5](?!\d)"),
    "issue": re.compile(r"(?:第)?\d+(?:号|期)"),
}


def _marks(text: str) -> dict[str, frozenset[str]]:
    found = {}
    for kind, pattern in _MARKS.items():
        found[kind] = frozenset(_plain_mark(mark) for mark in pattern.findall(text))
    return found


def _plain_mark(mark: str) -> str:
    return re.sub(r"类|份额|款|第", "", mark).replace("日", "天").replace("个月", "月")


def _without_marks(text: str) -> str:
    for pattern in _MARKS.values():
        text = pattern.sub("", text)
    return text


class ProductNames:
    """The names of all sheets in force on one day."""

    def __init__(self, sheets: Sequence[ProductSheet]) -> None:
        self._names = [
            _Name(sheet.code, squeezed)
            for sheet in sheets
            for squeezed in dict.fromkeys(map(_squeeze, sheet.names))
            if len(squeezed) > 1
        ]
        self._marks = {sheet.code: self._marks_of(sheet) for sheet in sheets}
        self._families = self._families_of(sheets)

    def resolve(self, question: str) -> Resolution:
        """The product that `question` names."""
        text = _squeeze(question)
        codes = self._exact(text) or self._nearly(text) or self._by_family(text)
        if len(codes) == 1:
            return Resolution(code=codes[0])
        return Resolution(candidates=tuple(codes))

    def _exact(self, text: str) -> list[str]:
        spans = [(start, end, name.code) for name in self._names for start, end in name.find(text)]
        longest = [span for span in spans if not any(_inside(span, other) for other in spans)]
        kept = [span for span in longest if not self._contradicted(span[2], text, span[0], span[1])]
        return list(dict.fromkeys(code for _, _, code in sorted(kept)))

    def _nearly(self, text: str) -> list[str]:
        """Long names with one character wrong, missing or added, letters and figures exact."""
        found = []
        for name in self._names:
            if len(name.text) >= _SHORTEST_FUZZY and not name.text.isascii():
                span = _find_nearly(name, text)
                if span and not self._contradicted(name.code, text, *span):
                    found.append(name.code)
        return list(dict.fromkeys(found))

    def _by_family(self, text: str) -> list[str]:
        """Products whose bare name (no term, class or risk mark) stands in the question and whose marks agree."""
        present = [family for family in self._families if family in text]
        present = [family for family in present if not any(family != other and family in other for other in present)]
        asked = _marks(text)
        codes = dict.fromkeys(code for family in present for code in self._families[family])
        return [code for code in codes if self._agrees(code, asked)]

    def _agrees(self, code: str, asked: dict[str, frozenset[str]]) -> bool:
        own = self._marks[code]
        return all(not own[kind] or not marks or own[kind] & marks for kind, marks in asked.items())

    def _contradicted(self, code: str, text: str, start: int, end: int) -> bool:
        """Whether a mark that touches the name belongs to another product: 稳盈 of 90 days in 稳盈180天."""
        own = self._marks[code]
        inside = _marks(text[start:end])
        for kind, pattern in _MARKS.items():
            touching = [m.group() for m in pattern.finditer(text) if m.start() == end or m.end() == start]
            if own[kind] and touching and not inside[kind] and _plain_mark(touching[0]) not in own[kind]:
                return True
        return False

    @staticmethod
    def _marks_of(sheet: ProductSheet) -> dict[str, frozenset[str]]:
        marks = _marks(" ".join(map(_squeeze, (sheet.name, *sheet.nicknames))))
        if sheet.risk_level:
            marks["risk"] |= {sheet.risk_level.lower()}
        if sheet.term.days and not marks["term"]:
            marks["term"] |= {f"{sheet.term.days}天"}
        return marks

    @staticmethod
    def _families_of(sheets: Sequence[ProductSheet]) -> dict[str, list[str]]:
        families: dict[str, list[str]] = {}
        for sheet in sheets:
            for name in (sheet.name, *sheet.nicknames):
                family = _without_marks(_squeeze(name)).strip()
                if len(family) >= _SHORTEST_FAMILY and sheet.code not in families.setdefault(family, []):
                    families[family].append(sheet.code)
        return families


def _inside(span: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    return other[0] <= span[0] and span[1] <= other[1] and other[1] - other[0] > span[1] - span[0]


def _find_nearly(name: _Name, text: str) -> tuple[int, int] | None:
    half = len(name.text) // 2
    if name.text[:half] not in text and name.text[-half:] not in text:
        return None  # one wrong character leaves one half whole
    for length in (len(name.text), len(name.text) + 1, len(name.text) - 1):
        for start in range(len(text) - length + 1):
            window = text[start : start + length]
            if not _one_edit(name.text, window) or re.findall(r"[a-z0-9.]+", window) != name.plain:
                continue
            if not (_joined(text, start) or _joined(text, start + length)):
                return start, start + length
    return None


def _one_edit(first: str, second: str) -> bool:
    """Whether one character replaced, left out or put in makes `first` into `second`."""
    if abs(len(first) - len(second)) > 1:
        return False
    same = 0
    while same < min(len(first), len(second)) and first[same] == second[same]:
        same += 1
    if len(first) == len(second):
        return first[same + 1 :] == second[same + 1 :]
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    return longer[same + 1 :] == shorter[same:]
