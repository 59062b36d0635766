"""Which product a question names: by code, name or nickname, safe against near misses.

Products of one family differ in little: 90 or 180 days, class A or C, R2 or R3. So letters and figures must agree
exactly; only the Chinese part of a long name may be off by one character. A name of the family with a mark that no
product has (稳盈 of 45 days) names no product, rather than the nearest one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.products import ProductSheet
from knowledge.retrieval.families import families_of, pointed_at
from knowledge.retrieval.marks import Marks, compared, marks_of, squeeze, standing_alone, touching, without_denied
from knowledge.retrieval.pinyin import Spelling, initials
from knowledge.retrieval.text import fold

_SHORTEST_FUZZY = 5
_PLAIN = re.compile(r"[a-z0-9.]+")
_LETTER = re.compile("[a-z]")
_LONGEST_HEARD = 12
_INITIALS = re.compile(r"[a-z]{3,6}|[a-z]{2,6}\d+[a-z]{0,2}")
_ABBREVIATIONS = frozenset({"app", "atm", "etf", "fof", "gdp", "lpr", "vip", "pos", "pdf", "qq", "nfc", "reits"})
_NAMED_BY_TERM = re.compile(
    r"(?:那|这|买|问)(?:个|只|款|期)?\d{2,4}天(?:的|那)|\d{2,4}天的?(?:那|这)?(?:个|只|款)|\d{2,4}天的(?=多少|呢|$)"
)
_SAID_CODE = re.compile(r"(?:代码|编号|产品码|产品号)(?:是|为)?\s*[:：]?\s*([a-z0-9][a-z0-9\-_]{3,19})")
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Resolution:
    """`code` when exactly one product is meant; `candidates` when several may be.

    `unknown`: the question names a member of a known family that the bank does not have.
    """

    code: str | None = None
    candidates: tuple[str, ...] = ()
    unknown: bool = False

    @property
    def codes(self) -> frozenset[str]:
        """Every product that may be meant."""
        return frozenset({self.code} if self.code else self.candidates)


@dataclass(frozen=True, slots=True)
class _Name:
    """One way to call one product, squeezed; `plain` are its letters and figures, which must agree exactly."""

    code: str
    text: str
    plain: tuple[str, ...]


class ProductNames:
    """The names of all sheets in force on one day."""

    def __init__(self, sheets: Sequence[ProductSheet]) -> None:
        self._sheets = {sheet.code: sheet for sheet in sheets}
        self._names = [
            _Name(sheet.code, text, tuple(_PLAIN.findall(text)))
            for sheet in sheets
            for text in dict.fromkeys(map(squeeze, (*sheet.names, *pointed_at(sheet))))
            if len(text) > 1
        ]
        self._named_marks = {sheet.code: marks_of(*map(squeeze, sheet.names[1:])) for sheet in sheets}
        self._marks = {sheet.code: self._all_marks(sheet) for sheet in sheets}
        self._families, self._everyday = families_of(sheets)
        self._by_initials = self._initials_of(self._names)
        self._initials = re.compile(
            "|".join(f"(?<![a-z0-9]){re.escape(i)}(?![a-z0-9])" for i in self._by_initials) or "(?!)"
        )
        stems = {*self._families, *(name.text for name in self._names if not name.text.isascii())}
        self._spelling = Spelling(sorted(stem for stem in stems if 2 <= len(stem) <= _LONGEST_HEARD))

    def resolve(self, question: str) -> Resolution:
        """The product that `question` names; what it sets aside (不是90天的) is not meant."""
        kept, denied = without_denied(fold(question))
        found = self._as_written(kept, denied)
        if found.codes:
            return found
        heard = self._spelling.corrected(self._initials.sub(lambda match: self._by_initials[match.group()], kept))
        again = self._as_written(heard, denied) if heard != kept else found
        return (
            again if again.codes or again.unknown else replace(found, unknown=found.unknown or self._foreign_code(kept))
        )

    def called(self, code: str) -> str:
        """What people call it: its first nickname, else its name."""
        sheet = self._sheets[code]
        return sheet.nicknames[0] if sheet.nicknames else sheet.name

    def all_names(self, code: str) -> tuple[str, ...]:
        """Every way to call it."""
        return self._sheets[code].names

    def families_of(self, code: str) -> list[str]:
        """Bare names that it shares or has alone, the longest first."""
        return sorted((family for family, codes in self._families.items() if code in codes), key=len, reverse=True)

    def neighbour(self, code: str, direction: int) -> str | None:
        """The member of its families with the next longer (1) or shorter (-1) term, None without one."""
        own = self._sheets[code].term.days
        others = {other for family in self.families_of(code) for other in self._families[family]}
        terms = {other: self._sheets[other].term.days for other in others}
        beyond = [
            (abs(days - own), other) for other, days in terms.items() if days and own and (days - own) * direction > 0
        ]
        return min(beyond)[1] if beyond else None

    def _as_written(self, question: str, denied: str) -> Resolution:
        text = squeeze(question)
        exact, refused = self._exact(text)
        codes = exact or self._by_code(text.replace(" ", "")) or self._nearly(text)
        if len(codes) == 1:
            codes = codes + self._siblings(codes[0], compared(text))
        if not codes:
            codes, foreign = self._by_family(text, squeeze(denied))
            refused = refused or foreign
        if not codes and not refused:
            codes = self._by_mark(text)
        codes = self._left(codes, squeeze(denied))
        if len(codes) == 1:
            return Resolution(code=codes[0])
        return Resolution(candidates=tuple(codes), unknown=not codes and refused)

    def _left(self, codes: list[str], denied: str) -> list[str]:
        """Without those that carry a mark which the question sets aside, if others are left."""
        marks = marks_of(denied)
        left = [code for code in codes if not any(self._marks[code][kind] & found for kind, found in marks.items())]
        return left or codes

    def _by_mark(self, text: str) -> list[str]:
        """Products by their term alone, where it stands for a name: 那只180天的, 90天的那个."""
        found = _NAMED_BY_TERM.search(text)
        marks = marks_of(found.group())["term"] if found else frozenset()
        return [code for code, own in self._named_marks.items() if own["term"] & marks]

    def _foreign_code(self, question: str) -> bool:
        """Whether it gives a code that no product has: 代码880077."""
        found = _SAID_CODE.search(question)
        return found is not None and squeeze(found[1]) not in {name.text for name in self._names}

    # -- exact and nearly exact names

    def _exact(self, text: str) -> tuple[list[str], bool]:
        """Codes by order of mention, the longest names only; and whether a name stood there with a foreign mark."""
        spans = [(start, end, name.code) for name in self._names for start, end in _occurrences(name, text)]
        longest = [span for span in spans if not any(_inside(span, other) for other in spans)]
        kept = [span for span in longest if not self._contradicted(span[2], text, (span[0], span[1]))]
        return list(dict.fromkeys(code for _, _, code in sorted(kept))), len(kept) < len(longest)

    def _by_code(self, compact: str) -> list[str]:
        """Codes written with gaps: `sl wy90`."""
        names = (name for name in self._names if name.text.isascii() and len(name.text) >= _SHORTEST_FUZZY)
        return list(dict.fromkeys(name.code for name in names if any(True for _ in _occurrences(name, compact))))

    def _siblings(self, code: str, others: Marks) -> list[str]:
        """Products of the same family that the question sets against this one: 稳盈90天和180天哪个好."""
        family = {other for codes in self._families.values() if code in codes for other in codes if other != code}
        return sorted(
            other for other in family if any(marks & self._named_marks[other][kind] for kind, marks in others.items())
        )

    def _nearly(self, text: str) -> list[str]:
        """Long names with one character wrong, missing or added, letters and figures exact."""
        found = []
        for name in self._names:
            if len(name.text) >= _SHORTEST_FUZZY and not name.text.isascii():
                span = _find_nearly(name, text)
                if span and not self._contradicted(name.code, text, span):
                    found.append(name.code)
        return list(dict.fromkeys(found))

    def _contradicted(self, code: str, text: str, span: _Span) -> bool:
        """Whether a mark that touches the name belongs to another product: 稳盈 of 90 days in 稳盈180天."""
        own, inside = self._named_marks[code], marks_of(text[slice(*span)])
        found = touching(text, span)
        return any(own[kind] and marks and not inside[kind] and not marks & own[kind] for kind, marks in found.items())

    # -- families

    def _by_family(self, text: str, denied: str) -> tuple[list[str], bool]:
        """Products whose bare name stands in the question and whose marks agree; and whether all were ruled out."""
        present = [family for family in self._families if self._mentioned(family, text, marks_of(denied))]
        present = [family for family in present if not any(family != other and family in other for other in present)]
        asked = marks_of(text)
        codes = list(dict.fromkeys(code for family in present for code in self._families[family]))
        agreeing = [code for code in codes if self._agrees(code, asked)]
        return agreeing, bool(codes) and not agreeing

    def _mentioned(self, family: str, text: str, denied: Marks) -> bool:
        """A coined name wherever it stands, an everyday word only with a mark at its side: 如意60天, 金彩365天."""
        start = text.find(family)
        if start < 0 or family not in self._everyday:
            return start >= 0
        touched = touching(text, (start, start + len(family)))
        alone = standing_alone(text)
        found = {kind: marks | denied[kind] | alone[kind] for kind, marks in touched.items()}
        return any(marks and self._named_marks[c][k] for k, marks in found.items() for c in self._families[family])

    def _agrees(self, code: str, asked: Marks) -> bool:
        own = self._marks[code]
        return all(not own[kind] or not marks or own[kind] & marks for kind, marks in asked.items())

    @staticmethod
    def _all_marks(sheet: ProductSheet) -> Marks:
        marks = marks_of(*map(squeeze, sheet.names[1:]))
        if sheet.risk_level:
            marks["risk"] |= {sheet.risk_level.lower()}
        if sheet.term.days and not marks["term"]:
            marks["term"] |= {f"{sheet.term.days}天"}
        return marks

    @staticmethod
    def _initials_of(names: Sequence[_Name]) -> dict[str, str]:
        """The name behind its initials (wy90, ttl), where these stand for one name only and are no name themselves."""
        found: dict[str, set[str]] = {}
        for name in names:
            short = initials(name.text.rstrip("天期"))
            if _INITIALS.fullmatch(short) and not name.text.isascii():
                found.setdefault(short, set()).add(name.text)
        taken = {name.text for name in names} | _ABBREVIATIONS
        return {short: min(texts) for short, texts in found.items() if len(texts) == 1 and short not in taken}


def _occurrences(name: _Name, text: str) -> Iterator[_Span]:
    """Where the name stands, not cut out of a longer word or figure."""
    start = text.find(name.text)
    while start >= 0:
        end = start + len(name.text)
        if not (_joined(text, start) or _joined(text, end)):
            yield start, end
        start = text.find(name.text, start + 1)


def _joined(text: str, at: int) -> bool:
    """Whether a word or a figure runs on across position `at`."""
    if at <= 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    return (before.isdigit() and after.isdigit()) or bool(_LETTER.match(before) and _LETTER.match(after))


def _inside(span: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    return other[0] <= span[0] and span[1] <= other[1] and other[1] - other[0] > span[1] - span[0]


def _find_nearly(name: _Name, text: str) -> _Span | None:
    half = len(name.text) // 2
    if name.text[:half] not in text and name.text[-half:] not in text:
        return None  # one wrong character leaves one half whole
    for length in (len(name.text), len(name.text) + 1, len(name.text) - 1):
        for start in range(len(text) - length + 1):
            window = text[start : start + length]
            if not _one_edit(name.text, window) or tuple(_PLAIN.findall(window)) != name.plain:
                continue
            if not (_joined(text, start) or _joined(text, start + length)):
                return start, start + length
    return None


def _one_edit(first: str, second: str) -> bool:
    """Whether at most one character replaced, left out or put in makes `first` into `second`."""
    if abs(len(first) - len(second)) > 1:
        return False
    same = 0
    while same < min(len(first), len(second)) and first[same] == second[same]:
        same += 1
    if len(first) == len(second):
        return first[same + 1 :] == second[same + 1 :]
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    return longer[same + 1 :] == shorter[same:]
