"""Whether every figure of a text stands in the evidence, whatever form either is written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from assistant.compliance.normalise import Normalised, compatible, without_invisible

CN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "半": 0}
CN_UNITS = {"十": 10, "百": 100, "千": 1000}
ARABIC = r"(?<![\d.])(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,14})(?:\.\d{1,6})?(?!\d)"
CHINESE = r"[零〇一二两三四五六七八九十百千]{1,9}"
NUMBER = rf"(?:{ARABIC}|{CHINESE})"
DECIMAL_CN = CHINESE + r"(?:点[零〇一二三四五六七八九]{1,6})?"
RATE = re.compile(
    rf"百分之(?P<cn>{DECIMAL_CN}|{ARABIC})|千分之(?P<mille>{DECIMAL_CN}|{ARABIC})|万分之(?P<wan>{DECIMAL_CN}|{ARABIC})"
    rf"|(?P<pct>{ARABIC})\s?%|(?P<bp>{ARABIC})\s?(?:个)?(?:bp|基点)"
    rf"|(?P<pt>{ARABIC}|{DECIMAL_CN})\s?个(?P<half>半)?(?:百分)?点"
)
MONEY = re.compile(
    rf"[¥￥]?\s?(?P<n>{NUMBER})\s?(?P<more>多|余)?(?P<unit>万亿|亿|百万|千万|万|千|w(?![a-z]))?"
    rf"(?P<half>半|{CHINESE}?千)?\s?"
    r"(?P<cur>元人民币|人民币|元|块钱|块|美元|港元|欧元|(?=起(?:存|投|购)?))?"
)
DAY = re.compile(
    r"(?:(?P<y>(?:19|20)\d\d)[-./年])?(?P<m>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
    r"(?:月|[-./](?=\d{1,2}(?!\d|%|元|万)))"
    r"(?P<d>3[01]|[12]\d|0?[1-9]|[一二]?十[一二三四五六七八九]?|三十一?|[一二三四五六七八九])(?:日|号|(?=[^\d年月.%]|$))"
)
MONTH = re.compile(r"(?P<y>(?:19|20)\d\d)(?:年|[-./])(?P<m>1[0-2]|0?[1-9])月?(?![\d-])")
TERM = re.compile(
    rf"(?P<n>{NUMBER}|半)\s?个?(?P<half>半)?"
    r"(?P<u>工作日|自然日|交易日|年期?|月|天|日(?!元)|周(?![一二三四五六日末])|季度|小时|分钟)(?P<after>半)?"
)
RISK = re.compile(r"(?<![a-z0-9])p?([rc])([1-5])(?![\d.])")
CODE = re.compile(r"(?<![a-z0-9])(?=[a-z-]{0,19}\d)[a-z][a-z0-9-]{4,19}(?![a-z0-9])|(?<!\d)\d{6}(?!\d|\.|元|万|%)")
T_PLUS = re.compile(r"t\s*\+\s*\d")
MULTIPLE = {"亿": 10**8, "万": 10**4, "w": 10**4, "千": 1000, "百万": 10**6, "千万": 10**7, "万亿": 10**12}
ATTRIBUTED = re.compile(
    r"(?:您|你)(?:刚才?|上次|之前)?(?:说|提|讲|问|看到|手上|想|打算|准备|这|那)(?:的|到的?|起的?|了)?[^,，。!！?？;；\n]{0,8}$"
)
PART = re.compile(r"[哪这那另每]一块$")
TERM_UNITS = {
    **dict.fromkeys(("年", "年期"), ("month", 12)),
    **dict.fromkeys(("天", "日", "自然日"), ("day", 1)),
    **dict.fromkeys(("工作日", "交易日"), ("workday", 1)),
    "月": ("month", 1),
    "季度": ("month", 3),
    "周": ("day", 7),
    "小时": ("hour", 1),
    "分钟": ("minute", 1),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in a text. `kind`: rate, money, day, month_of_year, term, level, code, settlement.

    `value` is comparable within a kind: a rate as a fraction, money in its unit, a term as "12 month".
    """

    kind: str
    value: str
    start: int
    end: int
    words: str


def figures(original: str, *, on: date) -> list[Figure]:
    """Every figure of a text, in order, offsets of the original."""
    return list(_figures(original))


@lru_cache(maxsize=4096)  # the same passages stand behind many drafts
def _figures(original: str) -> tuple[Figure, ...]:
    copy = compatible(without_invisible(Normalised.of(original)))
    taken = bytearray(len(copy.text))
    found: list[Figure] = []
    for kind, value, start, end in _candidates(copy.text):
        if taken.find(1, start, end) >= 0:
            continue
        if value.endswith(" minute") or PART.search(copy.text, max(0, start - 1), end):
            continue  # ten minutes of the writer's time; 「哪一块」 is a part, not a yuan
        taken[start:end] = b"\1" * (end - start)
        first, last = copy.span(start, end)
        found.append(Figure(kind, value, first, last, original[first:last]))
    return tuple(sorted(found, key=lambda f: f.start))


def ungrounded(
    original: str, evidence: Sequence[str], *, on: date, context: str | None = None, product_names: Sequence[str] = ()
) -> list[Figure]:
    """The figures of `original` that stand in no passage and cannot be computed from those that do.

    Args:
        context: the customer's own words; their figures may be repeated where the text says they are the customer's.
        product_names: the bank's product names; one that stands in the text must stand in the evidence too.
    """
    given: dict[str, set[str]] = {}
    for passage in evidence:
        for figure in figures(passage, on=on):
            given.setdefault(figure.kind, set()).add(figure.value)
    theirs = {(f.kind, f.value) for f in figures(context or "", on=on)}
    missing = [
        figure
        for figure in figures(original, on=on)
        if not _stands(figure, given, on)
        and not _is_theirs(figure, original, theirs)
        and not _computed(figure, given, theirs)
    ]
    joined = "\n".join(evidence) + "\n" + (context or "")
    for name in product_names:
        at = original.find(name)
        if name and at >= 0 and name not in joined:
            missing.append(Figure("product", name, at, at + len(name), name))
    return missing


def _stands(figure: Figure, given: dict[str, set[str]], on: date) -> bool:
    values = given.get(figure.kind, set())
    if figure.value in values:
        return True
    if figure.kind == "day":
        return any(_same_day(figure.value, value, on) for value in values)
    return figure.kind == "month_of_year" and any(v.startswith(figure.value) for v in given.get("day", set()))


def _same_day(one: str, other: str, on: date) -> bool:
    """Whether two days are equal where at least one lacks its year; the year meant is then one around `on`."""
    if one[-5:] != other[-5:] or "?" not in one + other:
        return False
    return all(value[0] == "?" or abs(int(value[:4]) - on.year) <= 1 for value in (one, other))


def _is_theirs(figure: Figure, original: str, theirs: set[tuple[str, str]]) -> bool:
    if (figure.kind, figure.value) not in theirs:
        return False
    return figure.kind in ("money", "term") or ATTRIBUTED.search(original[: figure.start][-24:]) is not None


def _computed(figure: Figure, given: dict[str, set[str]], theirs: set[tuple[str, str]]) -> bool:
    """Whether an amount is principal x rate x term of figures that stand, to the yuan."""
    if figure.kind != "money":
        return False
    amount = Decimal(figure.value)
    principals = [Decimal(v) for v in given.get("money", set())] + [Decimal(v) for k, v in theirs if k == "money"]
    rates = [Decimal(v) for v in given.get("rate", set())]
    terms = given.get("term", set()) | {v for k, v in theirs if k == "term"} | {"12 month"}
    years = [y for y in map(_years, terms) if y is not None]
    return any(
        abs(p * r * y - amount) <= 1 or abs(p * (1 + r * y) - amount) <= 1
        for p in principals[:20]
        for r in rates[:20]
        for y in years[:20]
    )


def _years(term: str) -> Decimal | None:
    size, unit = term.split()
    per_year = {"month": 12, "day": 365}.get(unit)
    return Decimal(size) / per_year if per_year else None


def _candidates(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Figures in the order of precedence: what an earlier pattern has taken, a later one does not see."""
    for kind, pattern, read in READERS:
        for match in pattern.finditer(text):
            if value := read(match):
                yield kind, value, match.start(), match.end()


def _day(match: re.Match[str]) -> str:
    month, day = number(match["m"]), number(match["d"])
    before = match.string[max(0, match.start() - 1) : match.start()]
    named = "月" in match[0] or match["y"] is not None
    if month is None or day is None or not named or before.isdigit() or before in (".", ",", "-", "+"):
        return ""
    return f"{match['y'] or '????'}-{int(month):02d}-{int(day):02d}"


def _month(match: re.Match[str]) -> str:
    return f"{match['y']}-{int(match['m']):02d}"


def _settlement(match: re.Match[str]) -> str:
    return re.sub(r"\s", "", match[0])


def _level(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}"


def _code(match: re.Match[str]) -> str:
    return match[0]


def number(words: str) -> Decimal | None:
    """An Arabic or Chinese number, thousands separators allowed; None when it is neither."""
    plain = words.replace(",", "").strip()
    try:
        return Decimal(plain)
    except InvalidOperation:
        return _chinese_number(plain)


def _chinese_number(words: str) -> Decimal | None:
    whole, _, fraction = words.partition("点")
    if any(c not in CN_DIGITS and c not in CN_UNITS for c in whole + fraction) or not whole:
        return None
    if not any(c in CN_UNITS for c in whole):
        total = int("".join(str(CN_DIGITS[c]) for c in whole))
    else:
        total, current = 0, 0
        for c in whole:
            if c in CN_UNITS:
                total += (current or 1) * CN_UNITS[c]
                current = 0
            else:
                current = CN_DIGITS[c]
        total += current
    digits = "".join(str(CN_DIGITS[c]) for c in fraction if c in CN_DIGITS)
    return Decimal(f"{total}.{digits}") if digits else Decimal(total)


def _rate(match: re.Match[str]) -> str:
    for group, divisor in (("cn", 100), ("mille", 1000), ("wan", 10000), ("pct", 100), ("bp", 10000), ("pt", 100)):
        if match[group]:
            value = number(match[group])
            if value is None:
                return ""
            if group == "pt" and match["half"]:
                value += Decimal("0.5")
            return _plain(value / divisor)
    return ""


def _money(match: re.Match[str]) -> str:
    value = number(match["n"])
    unit, half, currency = match["unit"], match["half"], match["cur"]
    if value is None or (not currency and not (unit and unit not in ("千",))):
        return ""
    if not unit and currency == "" and not re.match(r"[\d,.]+$", match["n"]):
        return ""
    value *= MULTIPLE.get(unit or "", 1)
    if half == "半" and unit:
        value += Decimal(MULTIPLE[unit]) / 2
    elif half and unit:
        value += (number(half[:-1]) or 0) * 1000
    return _plain(value)


def _term(match: re.Match[str]) -> str:
    unit = match["u"]
    if unit in ("月", "年", "日") and not _counts(match):
        return ""
    value = Decimal("0.5") if match["n"] == "半" else number(match["n"])
    if value is None:
        return ""
    if match["half"] or match["after"]:
        value += Decimal("0.5")
    name, factor = TERM_UNITS[unit]
    return f"{_plain(value * factor)} {name}"


def _counts(match: re.Match[str]) -> bool:
    """Whether 月, 年, 日 follow a count rather than name a date."""
    words = match[0]
    if match["u"] == "月":
        return "个" in words
    value = number(match["n"]) if match["n"] != "半" else Decimal(0)
    return match["u"] != "年" or (value is not None and value < 100)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


READERS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    ("rate", RATE, _rate),
    ("day", DAY, _day),
    ("month_of_year", MONTH, _month),
    ("settlement", T_PLUS, _settlement),
    ("term", TERM, _term),
    ("money", MONEY, _money),
    ("level", RISK, _level),
    ("code", CODE, _code),
)
