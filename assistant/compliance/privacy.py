"""Personal data in a text: where it stands, masked for good, or replaced by pseudonyms that can be put back.

Identifiers are recognised on a normalised copy, so full width, separators and Chinese digits do not hide them;
spans are of the original text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import yaml

from assistant.compliance.names import NameFinder
from assistant.compliance.normalise import Normalised, compatible, map_characters, without_invisible
from assistant.compliance.rules import RULES_FOLDER, expand


class PersonalData(StrEnum):
    """What kind of personal data a span is; the first kinds win where spans overlap."""

    ID_CARD = "ID_CARD"
    BANK_CARD = "BANK_CARD"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    PASSPORT = "PASSPORT"
    PLATE = "PLATE"
    OTP = "OTP"
    WECHAT = "WECHAT"
    ADDRESS = "ADDRESS"
    BALANCE = "BALANCE"
    NAME = "NAME"


LABELS = {
    PersonalData.ID_CARD: "证件号",
    PersonalData.BANK_CARD: "卡号",
    PersonalData.PHONE: "电话",
    PersonalData.EMAIL: "邮箱",
    PersonalData.PASSPORT: "护照号",
    PersonalData.PLATE: "车牌",
    PersonalData.OTP: "验证码",
    PersonalData.WECHAT: "微信号",
    PersonalData.ADDRESS: "地址",
    PersonalData.BALANCE: "金额",
    PersonalData.NAME: "姓名",
}
CHINESE_DIGITS = dict(zip("零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖", "0012345678912123456789", strict=True))
DIGIT = r"[\d〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]"
JOIN = r"[\s\-·.—_*/\u2010-\u2015]{0,2}"
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
PHONE = re.compile(rf"(?<![\d])(?:(?:\+|00)?86{JOIN})?[1一幺壹](?:{JOIN}{DIGIT}){{10}}(?!{JOIN}\d|[a-z])")
LANDLINE = re.compile(r"(?<!\d)0\d{2,3}-?\d{7,8}(?!\d)")
LONG_NUMBER = re.compile(rf"(?<![\da-z])\d(?:{JOIN}{DIGIT}){{14,18}}(?!{JOIN}\d|[a-wyz])")
CHINESE_NUMBER = re.compile(rf"(?<![\da-z])[〇零一二三四五六七八九幺](?:{JOIN}{DIGIT}){{14,18}}(?!\d)")
ID_CARD = re.compile(rf"(?<![\da-z]){DIGIT}(?:{JOIN}{DIGIT}){{16}}{JOIN}(?:{DIGIT}|x)(?!\d|[a-z])")
EMAIL = re.compile(r"[a-z0-9][\w.+-]{0,40}\s?@\s?[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,20}){1,3}")
PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z][ ·•.]?(?=[a-z]{0,5}\\d)"
    "[a-z0-9]{5,6}(?![a-z0-9])"
)
PASSPORT = re.compile(r"(?<![a-z0-9])(?:[egdps]\d{8}|e[a-z]\d{7}|[a-z]{1,2}\d{7,8})(?![a-z0-9])")
OTP = re.compile(r"(?<!\d)\d(?:[ \-]?\d){3,7}(?!\d)")
WECHAT = re.compile(r"wxid_[a-z0-9]{4,24}|(?<![a-z0-9_])[a-z][a-z0-9_-]{4,19}(?![a-z0-9_@.])|(?<!\d)\d{6,11}(?!\d)")
AMOUNT = (
    r"[¥￥$]?\s?(?:\d[\d,]{0,15}(?:\.\d{1,4})?|[一二两三四五六七八九十百千零几]{1,9})\s?(?:多|余|来)?"
    r"(?:[万亿千百](?:多|余)?)?(?:[一二三四五六七八九]千)?"
    r"(?:元|块钱?|人民币|美元|w(?![a-z])|(?<=万)|(?<=亿)|(?<=[万千]多))"
)
ADDRESS = re.compile(
    r"(?:[\u4e00-\u9fff]{2,8}(?:省|自治区)|[\u4e00-\u9fff]{2,6}市|[\u4e00-\u9fff]{1,5}[区县镇乡]){0,4}"
    r"[\u4e00-\u9fff]{1,6}(?:路|街|大道|巷|弄|胡同|村|小区|花园|苑|公寓|里|家园|新村|城)[东西南北中]?(?:[一二三四五六七八九十]+[期区])?"
    r"\s*(?:[\da-z一二三四五六七八九十百-]{1,6}\s*(?:号楼|号院|号|栋|幢|座|弄|单元|室|楼|层|户|组|房)\s*){1,5}(?:[\da-z-]{2,5}(?!\d|元|万|点))?"
)
OUR_PLACE = re.compile(r"(?:支行|网点|营业厅|分行|我们|我行)[^。!?;\n]{0,8}\Z")
OWN_MONEY = re.compile(
    r"余额|结余|可用|卡(?:里|上|内)|账(?:户|上|里)|名下|资产|持仓|市值|浮[盈亏]|流水|工资|年薪|月薪|存了"
)
# What a rule asks of anybody (月均资产 5 万元以上), unless it is said of somebody.
THRESHOLD = re.compile(r"\s*[(（]?含?[)）]?(?:及|或)?(?:以上|以下|以内|起)")
SOMEBODY = re.compile(r"[我你您他她](?!行)")
SURNAMES = "欧阳|司马|上官|诸葛|令狐|皇甫|尉迟|公孙|慕容|夏侯"
ROUND_AMOUNT = re.compile("[一二两三四五六七八九十]万")


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """`text[start:end]` of the original is personal data of this kind; end exclusive."""

    start: int
    end: int
    kind: PersonalData


@dataclass(frozen=True, slots=True)
class Pseudonymised:
    """A text whose personal data was replaced by marks, and what each mark stands for."""

    text: str
    names: dict[str, str]

    def restore(self, text: str) -> str:
        """Put the data back into a text that carries the marks."""
        for mark, words in self.names.items():
            text = text.replace(mark, words)
        return text


class PersonalDataFinder:
    """Finds personal data; compile once."""

    def __init__(self, settings: dict[str, object], words: dict[str, str]) -> None:
        cues = {key: expand(value, words) for key, value in settings.items() if isinstance(value, str)}
        self._cue = {key: re.compile(value) for key, value in cues.items()}
        bins = settings["bank_bins"]
        self._bin = re.compile("|".join(f"(?:{b})" for b in bins) if isinstance(bins, list) else "62")
        self._balance = re.compile(f"(?:{cues['balance']})(?P<amount>{AMOUNT})")
        self._names = NameFinder(cues, f"(?:{SURNAMES}|{words['surname']})")

    @classmethod
    def load(cls, folder: Path | None = None) -> PersonalDataFinder:
        """Read privacy.yaml and words.yaml of a rule folder."""
        folder = folder or RULES_FOLDER
        settings = yaml.safe_load((folder / "privacy.yaml").read_text("utf-8"))
        words = yaml.safe_load((folder / "words.yaml").read_text("utf-8"))
        return cls(settings, {key: str(value) for key, value in words.items()})

    def find(self, original: str, *, known_names: Sequence[str] = ()) -> tuple[PersonalSpan, ...]:
        """All personal data of `original`, in order, disjoint. `known_names` are people to hide wherever they stand."""
        copy = compatible(without_invisible(Normalised.of(original)))
        found: list[PersonalSpan] = []
        taken = bytearray(len(copy.text))
        for kind, start, end in self._candidates(copy.text, known_names):
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                first, last = copy.span(start, end)
                found.append(PersonalSpan(first, last, kind))
        return tuple(sorted(found, key=lambda span: span.start))

    def _candidates(self, text: str, known_names: Sequence[str]) -> Iterator[tuple[PersonalData, int, int]]:
        identifiers = [*self._numbers(text), *self._marked(text)]
        yield from identifiers
        for match in ADDRESS.finditer(text):
            start = match.start() + _lead(match[0])
            if not OUR_PLACE.search(text, max(0, start - 14), start):
                yield PersonalData.ADDRESS, start, match.end()
        balances = [(PersonalData.BALANCE, m.start("amount"), m.end("amount")) for m in self._balance.finditer(text)]
        balances = [b for b in balances if not ROUND_AMOUNT.fullmatch(text, b[1], b[2])]
        marks = [start for _, start, _ in identifiers] + [start for _, start, _ in balances]
        named = [(PersonalData.NAME, *span) for span in self._names.find(text, marks, bool(identifiers))]
        yield from (b for b in balances if named or self._is_personal(text, *b[1:]))
        yield from named
        for name in known_names:
            yield from ((PersonalData.NAME, m.start(), m.end()) for m in re.finditer(re.escape(name), text) if name)

    @staticmethod
    def _is_personal(text: str, start: int, end: int) -> bool:
        before = max(0, start - 12)
        if not OWN_MONEY.search(text, before, start):
            return False
        return not THRESHOLD.match(text, end) or SOMEBODY.search(text, before, start) is not None

    def _numbers(self, text: str) -> Iterator[tuple[PersonalData, int, int]]:
        for match in ID_CARD.finditer(text):
            digits = _digits(match[0])
            cued = self._cue["id_cue"].search(_before(text, match, 12))
            if is_id_number(digits) or (cued and _plausible_birth(digits)):
                yield PersonalData.ID_CARD, match.start(), match.end()
        for pattern in (LONG_NUMBER, CHINESE_NUMBER):
            for match in pattern.finditer(text):
                if self._is_card(text, match):
                    yield PersonalData.BANK_CARD, match.start(), match.end()
        for match in PHONE.finditer(text):
            digits = _digits(match[0])[-11:]
            if re.match(r"1[3-9]", digits) and not self._cue["not_a_card"].search(_before(text, match, 14)):
                yield PersonalData.PHONE, match.start(), match.end()

    def _is_card(self, text: str, match: re.Match[str]) -> bool:
        before, after = _before(text, match, 16), text[match.end() : match.end() + 8]
        digits = _digits(match[0])
        if not self._bin.match(digits) or not 15 <= len(digits) <= 19:
            return False
        if self._cue["not_a_card"].search(before):
            return False
        cued = self._cue["card_cue"].search(before) or self._cue["card_cue_after"].search(after)
        return passes_luhn(digits) or cued is not None

    def _marked(self, text: str) -> Iterator[tuple[PersonalData, int, int]]:
        for match in EMAIL.finditer(text):
            yield PersonalData.EMAIL, match.start(), match.end()
        for match in PLATE.finditer(text):
            yield PersonalData.PLATE, match.start(), match.end()
        for match in PASSPORT.finditer(text):
            cued = self._cue["passport_cue"].search(_before(text, match, 10))
            if cued or re.fullmatch(r"e[a-z]?\d{7,8}", match[0]):
                yield PersonalData.PASSPORT, match.start(), match.end()
        for match in OTP.finditer(text):
            before, after = _before(text, match, 16), text[match.end() : match.end() + 14]
            if self._cue["otp_cue"].search(before) or self._cue["otp_after"].search(after):
                yield PersonalData.OTP, match.start(), match.end()
        for match in WECHAT.finditer(text):
            if match[0].startswith("wxid_") or self._cue["wechat_cue"].search(_before(text, match, 10)):
                yield PersonalData.WECHAT, match.start(), match.end()


def mask(text: str, spans: Iterable[PersonalSpan]) -> str:
    """Replace personal data by its label, for good."""
    for span in sorted(spans, key=lambda s: -s.start):
        text = f"{text[: span.start]}[{LABELS[span.kind]}]{text[span.end :]}"
    return text


def pseudonymise(text: str, spans: Iterable[PersonalSpan]) -> Pseudonymised:
    """Replace personal data by numbered marks; the same words get the same mark."""
    marks: dict[tuple[PersonalData, str], str] = {}
    counts: dict[PersonalData, int] = {}
    for span in sorted(spans, key=lambda s: s.start):
        key = (span.kind, text[span.start : span.end])
        if key not in marks:
            counts[span.kind] = counts.get(span.kind, 0) + 1
            marks[key] = f"[{LABELS[span.kind]}{counts[span.kind]}]"
    replaced = text
    for span in sorted(spans, key=lambda s: -s.start):
        replaced = replaced[: span.start] + marks[span.kind, text[span.start : span.end]] + replaced[span.end :]
    return Pseudonymised(replaced, {mark: words for (_, words), mark in marks.items()})


def is_id_number(digits: str) -> bool:
    """Whether 18 characters are a resident identity number: plausible birth date and checksum."""
    if not re.fullmatch(r"\d{17}[\dx]", digits) or not _plausible_birth(digits):
        return False
    total = sum(int(d) * w for d, w in zip(digits, ID_WEIGHTS, strict=False))
    return "10x98765432"[total % 11] == digits[17]


def passes_luhn(digits: str) -> bool:
    """The check digit of payment cards."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _plausible_birth(digits: str) -> bool:
    try:
        return date(1900, 1, 1) <= date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14])) <= date(2099, 1, 1)
    except ValueError:
        return False


def _digits(text: str) -> str:
    copy = map_characters(Normalised.of(text), lambda c: CHINESE_DIGITS.get(c, c))
    return "".join(c for c in copy.text if c.isdigit() or c == "x")


def _before(text: str, match: re.Match[str], size: int) -> str:
    return text[max(0, match.start() - size) : match.start()]


def _lead(address: str) -> int:
    """How many characters before the address proper belong to the sentence (家住, 住在, 我在...)."""
    found = re.match(r"(?:.{0,6}?(?:家住|住在|住址是?|地址是?|寄到|寄往|送到|位于|在|住|到))(?=.{3})", address)
    return found.end() if found else 0
