"""Reads what a text states about a product: attribute, figure, and what the figure is limited to.

Built to be right rather than complete: ranges, bounds, examples, former values and other banks' figures are left out.
The words stand in prompts/figures.zh.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from knowledge.figure_values import DURATION, Figure, duration, figure_words, figures_in

_WIDE = {ord(wide): narrow for wide, narrow in zip("０１２３４５６７８９％．＋－", "0123456789%.+-", strict=True)}
_LINE = re.compile(r"[^\n。！!]+[？?]?")
_PART = re.compile(r"[^；;]+")
_LABELLED = re.compile(r"^\s*[^：:；;，,]{1,24}[：:]")
_GAP = 10  # characters between an attribute and its figure
_RANGE = re.compile(r"\s*(?:%|[万亿千]?元?|天|个?月|年)?\s*(?:-|—|–|~|～|至|到)\s*[\d一二三四五六七八九十R]")
_RANGE_BEFORE = re.compile(r"(?:\d|[%元万天月年])\s*(?:-|—|–|~|～|至|到)\s*$")
_DATE = re.compile(r"(20\d{2})\s*[-年./]\s*(\d{1,2})\s*[-月./]\s*(\d{1,2})日?")
LONGEST_LINE = 600
QUOTED = 120
_BY_PERIOD = ("percent", "fee")
_CLAUSE_END = re.compile(r"[，,]")
_PER = re.compile(r"\s*[/每](月|笔|次|日|天|人)")


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure that a text states; `limits` are the words that make it one of several."""

    attribute: str
    figure: Figure
    limits: frozenset[str]
    as_of: date | None
    value: str
    quote: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as prompts/figures.zh.toml describes it."""

    code: str
    label: str
    kind: str
    words: tuple[str, ...]
    behind: tuple[str, ...]
    neutral: frozenset[str]
    bounds: frozenset[str]


@cache
def attributes() -> Mapping[str, Attribute]:
    """All attributes by code."""
    return {
        code: Attribute(
            code,
            entry["label"],
            entry["kind"],
            tuple(entry["words"]),
            tuple(entry.get("behind", ())),
            frozenset(entry.get("neutral", ())),
            frozenset(entry.get("bounds", ())),
        )
        for code, entry in figure_words()["attributes"].items()
    }


def reading_words(key: str) -> tuple[str, ...]:
    """A list of words from the table `reading`."""
    return tuple(figure_words()["reading"][key])


def may_state_figures(text: str) -> bool:
    """Cheap: whether a text holds any word in front of or behind a figure."""
    return _front_words().search(text) is not None or _figure_in_front().search(text) is not None


def lines_of(text: str) -> Iterator[str]:
    """Sentences and rows, full-width figures made narrow."""
    for line in _LINE.findall(text.translate(_WIDE)):
        if line.strip():
            yield line.strip()[:LONGEST_LINE]


def claims_in(line: str, *, context: str = "") -> list[Claim]:
    """What one line states. `context`: words around it, e.g. its heading, whose limits hold here too."""
    parts = _PART.findall(line)
    row = len(parts) > 1 and all(_LABELLED.match(part) for part in parts)
    found: list[Claim] = []
    for part in parts:
        if not _unsure().search(part if row else line):
            found += _claims_of_part(part, f"{_periods(parts)} {context}" if row else context, line)
    return found


def _claims_of_part(part: str, context: str, line: str) -> Iterator[Claim]:
    """Each figure of a part of a line with the words up to the next one's."""
    hits = sorted(_hits(part), key=lambda hit: hit.start)
    for at, hit in enumerate(hits):
        first = hits[at - 1].end if at else 0
        last = hits[at + 1].begin if at + 1 < len(hits) else len(part)
        before, after = part[first : hit.start], part[hit.end : max(hit.end, last)]
        clause = _CLAUSE_END.split(after, maxsplit=1)[0]  # a period further on is about something else
        limits = _words_of(f"{before} {after} {context}", hit.attribute)
        if hit.attribute.kind in _BY_PERIOD:
            limits |= durations_in(f"{before} {clause} {context}")
        if per := _PER.match(after):
            limits |= {f"/{per.group(1)}"}
        day = day_in(part) or day_in(f"{line} {context}")
        yield Claim(hit.attribute.code, hit.figure, frozenset(limits), day, hit.words, line[:QUOTED])


def limits_in(text: str, attribute: Attribute) -> frozenset[str]:
    """The words of a text that make a figure one of several; durations as `36月` or `90天`."""
    periods = durations_in(text) if attribute.kind in _BY_PERIOD else set()
    return frozenset(_words_of(text, attribute) | periods)


def _words_of(text: str, attribute: Attribute) -> set[str]:
    return set(_qualifiers().findall(text)) - attribute.neutral


def durations_in(text: str) -> set[str]:
    """Periods named in a text, years as months."""
    return {
        f"{figure.amount.normalize():f}{figure.dimension}"
        for match in DURATION.finditer(_DATE.sub(" ", text))
        if (figure := duration(match)) is not None
    }


def only_figure(text: str, attribute: Attribute) -> tuple[Figure, str] | None:
    """The figure of a value as printed, and how it is written; None when there is none, a range or several."""
    text = text.translate(_WIDE)
    found = {(figure, words) for figure, words, _, _ in figures_in(text, attribute.kind)}
    if len(found) != 1 or any(_RANGE.match(text, end) for _, _, _, end in figures_in(text, attribute.kind)):
        return None
    return found.pop()


def day_in(text: str) -> date | None:
    """The last day that a text names."""
    days = []
    for year, month, day in _DATE.findall(text):
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return max(days, default=None)


# -- one part of a line


@dataclass(frozen=True, slots=True)
class _Hit:
    """A figure of an attribute: `begin` of the words that belong to it, `start` and `end` of the figure."""

    attribute: Attribute
    figure: Figure
    words: str
    begin: int
    start: int
    end: int


def _hits(part: str) -> Iterator[_Hit]:
    taken: set[int] = set()
    for match in _front_words().finditer(part):
        attribute = _by_word()[match.group()]
        if found := _behind(part, match.end(), attribute):
            figure, words, start, end = found
            if start not in taken:
                taken.add(start)
                yield _Hit(attribute, figure, words, match.start(), start, end)
    for attribute in attributes().values():
        for figure, words, start, end in figures_in(part, attribute.kind) if attribute.behind else ():
            if start in taken or not _behind_words(attribute.code).match(part, end):
                continue
            if _plain(part, start, end, attribute):
                taken.add(start)
                yield _Hit(attribute, figure, words, start, start, end)


def _behind(part: str, start: int, attribute: Attribute) -> tuple[Figure, str, int, int] | None:
    """The figure that follows an attribute's word at once."""
    part, unit = _with_unit(part, start)
    for figure, words, at, end in figures_in(part, attribute.kind):
        if at < start:
            continue
        gap = part[start:at]
        if len(gap) > _GAP or _BREAK.search(gap) or _front_words().search(gap) or not _plain(part, at, end, attribute):
            return None
        return figure, words.removesuffix(unit) if unit else words, at, end
    return None


_BREAK = re.compile(r"[，,。；;、？?]|不|非|无|按|由|除|比|另")
_COLUMN_UNIT = re.compile(
    r"[（(](?:单位[:：])?\s*(?P<unit>%|‰|[万亿千]?元|天|日|个?月|年)\s*[)）]\s*[:：]?\s*(?P<number>\d[\d,.]*)\s*$"
)


def _with_unit(part: str, start: int) -> tuple[str, str]:
    """A bare figure under a column that names its unit: 起购金额（万元）：1."""
    match = _COLUMN_UNIT.match(part, start)
    return (f"{part.rstrip()}{match['unit']}", match["unit"]) if match else (part, "")


def _plain(part: str, start: int, end: int, attribute: Attribute) -> bool:
    """Whether the figure stands for itself: no range, no bound but the attribute's own."""
    if _RANGE.match(part, end) or _RANGE_BEFORE.search(part[:start]):
        return False
    before, after = part[max(0, start - 4) : start], part[end : end + 3]
    held = [word for word in reading_words("bounds") if before.rstrip().endswith(word) or after.startswith(word)]
    return all(word in attribute.bounds for word in held)


def _periods(parts: Sequence[str]) -> str:
    """Cells of a row that say for which period its figures hold."""
    columns = reading_words("period_columns")
    return " ".join(part for part in parts if part.strip().startswith(columns))


# -- words as patterns


def _alternatives(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(set(words), key=lambda word: (-len(word), word)))))


@cache
def _by_word() -> Mapping[str, Attribute]:
    return {word: attribute for attribute in attributes().values() for word in attribute.words}


@cache
def _behind_words(code: str) -> re.Pattern[str]:
    return re.compile(rf"\s*(?:{'|'.join(attributes()[code].behind)})")


@cache
def _front_words() -> re.Pattern[str]:
    return _alternatives(list(_by_word()))


@cache
def _figure_in_front() -> re.Pattern[str]:
    behind = "|".join(word for attribute in attributes().values() for word in attribute.behind)
    return re.compile(rf"[\d元万亿]\s*(?:{behind})")


@cache
def _unsure() -> re.Pattern[str]:
    return _alternatives(reading_words("unsure"))


@cache
def _qualifiers() -> re.Pattern[str]:
    return _alternatives(reading_words("qualifiers"))
