"""Whom a statement is about, and what a typed sheet states."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from knowledge.documents import Passage
from knowledge.figure_values import Figure
from knowledge.figures import Claim, attributes, claims_in, durations_in, limits_in, only_figure, reading_words
from knowledge.products import ProductSheet
from knowledge.retrieval.marks import squeeze
from knowledge.retrieval.products import ProductNames
from knowledge.retrieval.source import ProductSheetVersion

_CORE_SHORTEST = 4
_DASHES = re.compile(r"[\s《》「」“”\"'·（）()\-—_：:]+")
SEVERAL = ""
_BLANK = "□"


class Subjects:
    """Products by their sheets in force, else by the name that a document carries in its title or a row."""

    def __init__(self, held: Sequence[ProductSheetVersion]) -> None:
        self._sheets = {each.sheet.code: each.sheet for each in held}
        self._starts: dict[str, set[str]] = {}
        for code, sheet in self._sheets.items():
            for name in map(squeeze, sheet.names):
                self._starts.setdefault(name[:2], set()).add(code)
        self._names: dict[frozenset[str], ProductNames] = {}
        self._own = {code: _own_periods(sheet) for code, sheet in self._sheets.items()}
        longest = sorted({name for sheet in self._sheets.values() for name in sheet.names}, key=len, reverse=True)
        spelled = [name for name in longest if len(name) > 1]
        self._spellings = re.compile("|".join(map(re.escape, spelled)) or r"(?!)")
        starts = sorted({name[:2].lower() for name in longest if len(name) > 1})
        self._beginnings = re.compile("|".join(map(re.escape, starts)) or r"(?!)")
        self.of_line = lru_cache(maxsize=4096)(self._of_line)

    def name_of(self, subject: str) -> str:
        """How people call a subject."""
        sheet = self._sheets.get(subject)
        return sheet.name if sheet else subject

    def may_be_named(self, text: str) -> bool:
        """Cheap: whether a text can name a product, or holds a row with a name column."""
        return self._beginnings.search(text.lower()) is not None or _name_column().search(text) is not None

    def of_passage(self, passage: Passage, *, by_title: bool) -> str:
        """Whom a passage is about before any of its lines says so; "" when nobody or several.

        Args:
            by_title: whether another document carries the same name in its title, so that it may be the subject.
        """
        if passage.product_code:
            return passage.product_code
        for words in (passage.source.heading, passage.title):
            named = self.of_line(words) if words else None
            if named is not None:
                return named if self._spells_out(named, words) else SEVERAL
        return core_name(passage.title) if by_title else SEVERAL

    def _spells_out(self, subject: str, words: str) -> bool:
        """Whether a heading carries more than an everyday word: 定期 heads papers on many deposits."""
        sheet, text = self._sheets.get(subject), squeeze(words)
        return sheet is None or any(len(name) >= _CORE_SHORTEST and name in text for name in map(squeeze, sheet.names))

    def _of_line(self, line: str) -> str | None:
        """Whom a line names: a code, the name in a row's name column, "" for several or unknown; None: nobody."""
        codes, unknown = self._codes(line)
        if codes or unknown:
            return next(iter(codes)) if len(codes) == 1 and not unknown else SEVERAL
        return _row_name(line)

    def without_names(self, line: str) -> str:
        """A line in which product names do not pass for figures or limits: 稳盈90天 names no period."""
        return self._spellings.sub(_BLANK, line)

    def without_own(self, subject: str, claim: Claim) -> Claim:
        """A claim whose limits leave out the product's own period: 大额存单3年 has one rate."""
        own = self._own.get(subject, frozenset())
        return replace(claim, limits=claim.limits - own) if own & claim.limits else claim

    def _codes(self, line: str) -> tuple[frozenset[str], bool]:
        text = squeeze(line)
        near = frozenset(code for at in range(len(text) - 1) for code in self._starts.get(text[at : at + 2], ()))
        if not near:
            return frozenset(), False
        if near not in self._names:
            self._names[near] = ProductNames([self._sheets[code] for code in sorted(near)])
        named = self._names[near].resolve(line)
        return named.codes, named.unknown


def sheet_claims(sheet: ProductSheet) -> Iterator[Claim]:
    """What the typed fields state; values that hold several figures or ranges are left out."""
    own = _own_periods(sheet)
    if sheet.minimum.amount is not None:
        figure = Figure(sheet.minimum.currency, sheet.minimum.amount)
        yield Claim("minimum", figure, frozenset(), None, sheet.minimum.text, sheet.minimum.text)
    yield from _term_claims(sheet)
    yield from _typed("risk_level", sheet.risk_level or "", "", own)
    for fee in sheet.fees:
        for code in _fees_named(fee.name):
            yield from _typed(code, fee.rate, f"{fee.name} {fee.rate} {fee.note}", own)
    for rate in sheet.rates:
        for claim in _typed("rate", rate.rate, f"{rate.name} {rate.note}", own):
            yield replace(claim, as_of=rate.as_of, quote=f"{rate.name} {rate.rate}")
    if sheet.benchmark:
        for claim in _typed("benchmark", sheet.benchmark.text, "", own):
            yield replace(claim, as_of=sheet.benchmark.as_of)
    for text in (*sheet.limits, sheet.redemption.text):
        yield from claims_in(text)


def _term_claims(sheet: ProductSheet) -> Iterator[Claim]:
    """The term as its text says it and in days; none where the text names several."""
    said = list(_typed("term", sheet.term.text, "", frozenset()))
    yield from said
    if sheet.term.days is not None and len(durations_in(sheet.term.text)) <= 1:
        in_days = Figure("天", Decimal(sheet.term.days))
        if not any(claim.figure.dimension == in_days.dimension for claim in said):
            yield Claim("term", in_days, frozenset(), None, sheet.term.text, sheet.term.text)


def _typed(code: str, text: str, limits: str, own: frozenset[str]) -> Iterator[Claim]:
    attribute = attributes()[code]
    found = only_figure(text, attribute)
    if found is not None:
        figure, words = found
        yield Claim(code, figure, limits_in(limits.replace(words, " "), attribute) - own, None, words, text)


def _fees_named(name: str) -> list[str]:
    """Attributes whose words make up a fee's name: 申购费、赎回费 are two."""
    found = []
    for part in re.split(r"[、/，,和及]", name):
        code = next((a.code for a in attributes().values() if a.kind == "fee" and part.strip() in a.words), None)
        found += [code] if code else []
    return found


def _own_periods(sheet: ProductSheet) -> frozenset[str]:
    """The period that a product has as a whole, as its names and its term say it; none when it has several."""
    said = durations_in(sheet.term.text)
    named = {period for name in sheet.names[1:] for period in durations_in(name)}
    days = {f"{sheet.term.days}天"} if sheet.term.days else set()
    return frozenset((said | named | days) if len(said) <= 1 else named)


@lru_cache(maxsize=1)
def _name_column() -> re.Pattern[str]:
    return re.compile(rf"(?:^|[；;\n])\s*(?:{'|'.join(reading_words('name_columns'))})[：:]")


def _row_name(line: str) -> str | None:
    columns = reading_words("name_columns")
    for part in re.split(r"[；;]", line):
        label, _, value = part.strip().replace(":", "：").partition("：")
        if label in columns and len(value.strip()) >= _CORE_SHORTEST:
            return core_name(value)
    return None


@lru_cache(maxsize=65_536)
def core_name(title: str) -> str:
    """A title without what kind of paper it is: the product's name; "" when too little is left."""
    plain = _DASHES.sub("", title)
    for word in sorted(reading_words("kinds_of_paper"), key=len, reverse=True):
        plain = plain.replace(word, "")
    return plain if len(plain) >= _CORE_SHORTEST else SEVERAL
