"""What tells products of a family apart: term, class, risk level and issue, as marks in a squeezed name."""

from __future__ import annotations

import re

from knowledge.retrieval.text import fold

Marks = dict[str, frozenset[str]]

_GAP = re.compile(r"[\s·•・_\-—–()（）\[\]【】「」《》\"'“”,，、.]+")
_PLAIN = re.compile(r"[a-z0-9]")
_NUMERAL = re.compile(r"([一二两三四五六七八九十百]+)(?=天|日|个?月|年|周|期|号)")
_HUNDREDS = re.compile(r"[一两二三四五六七八九]百(?![分一二三四五六七八九十货姓])")
_DIGITS = {numeral: value for value, numeral in enumerate("零一二三四五六七八九")} | {"两": 2}
_PATTERNS = {
    "term": re.compile(r"\d+(?:天|日|个?月|年|周)|半年"),
    "class": re.compile(r"(?<![a-z])[abcdhiy](?:类|份额|款)?(?![a-z])"),
    "risk": re.compile(r"r[1-5](?!\d)"),
    "issue": re.compile(r"第?\d+(?:号|期)"),
}
_BARE_FIGURE = re.compile(r"\d+$")


def squeeze(text: str) -> str:
    """Folded text without gaps and with figures for numerals (九十天 is 90天).

    A space stays between two letters or figures: `a 100` is not `a100`.
    """
    folded = fold(text)

    def joint(match: re.Match[str]) -> str:
        before, after = folded[: match.start()][-1:], folded[match.end() :][:1]
        if not (_PLAIN.match(before) and _PLAIN.match(after)):
            return ""
        return "." if match.group() == "." else "" if match.group() == "-" else " "

    plain = _NUMERAL.sub(lambda match: str(_value(match.group(1))), _GAP.sub(joint, folded))
    return _HUNDREDS.sub(lambda match: str(_value(match.group())), plain)


def _value(numeral: str) -> int:
    """Value of a Chinese numeral below 1000."""
    total, digit = 0, 0
    for character in numeral:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit


def marks_of(*squeezed: str) -> Marks:
    """All marks of these texts by kind."""
    return {
        kind: frozenset(_plain(mark) for text in squeezed for mark in pattern.findall(text))
        for kind, pattern in _PATTERNS.items()
    }


def touching(text: str, span: tuple[int, int]) -> Marks:
    """Marks of `text` that stand right before or right behind the span."""
    found = {}
    for kind, pattern in _PATTERNS.items():
        matches = (m for m in pattern.finditer(text) if m.start() == span[1] or m.end() == span[0])
        found[kind] = frozenset(_plain(match.group()) for match in matches)
    return found


_DENIED = re.compile(
    r"(?:不是|并非|不要|不问|不含|别管|除了|除开|除去)(?:说|指|问|买|看)?(?P<what>[^,，。;；:：!！?？\s]{1,14}?)"
    r"(?:以外|之外|外)?(?=[,，。;；:：!！?？\s]|而是|我(?:要|问|说)|$)"
)
_WANTED_INSIDE = re.compile("吗|么|多少|是不是|怎么|什么|几")
_OTHER_ONE = re.compile(r"(?:另外?|其他|其它|剩下)(?:那|的)?[一1](?:个|只|款|期|类|种|档)")


def without_denied(text: str) -> tuple[str, str]:
    """A folded text without what it sets aside (不是90天的，除了a类), and that; else all and nothing.

    「不是r2吗」 asks and denies nothing.
    """
    denied: list[str] = []

    def cut(match: re.Match[str]) -> str:
        if _WANTED_INSIDE.search(match["what"]):
            return match.group()
        denied.append(match["what"])
        return " "

    kept = _DENIED.sub(cut, text)
    return (_OTHER_ONE.sub(" ", kept), "，".join(denied)) if denied else (text, "")


def standing_alone(text: str) -> Marks:
    """Marks that stand for one of several: 3年 in 三年的那个, a in a类的."""
    found = {}
    for kind, pattern in _PATTERNS.items():
        matches = re.finditer(f"(?P<mark>{pattern.pattern})(?:的|那|这|期的)", text)
        found[kind] = frozenset(_plain(match["mark"]) for match in matches)
    return found


_OTHER = r"(?:和|与|跟|还是|对比|比|或者?)"


def compared(text: str) -> Marks:
    """Marks that are named as the other of two: 180天 in 稳盈90天和180天."""
    found = {}
    for kind, pattern in _PATTERNS.items():
        matches = re.finditer(f"{_OTHER}(?P<mark>{pattern.pattern.replace('(?<![a-z])', '')})", text)
        found[kind] = frozenset(_plain(match["mark"]) for match in matches)
    return found


def bare(squeezed: str) -> str:
    """A name without its marks: 稳盈90天 and 稳盈90 are 稳盈, 沪深300c is 沪深300."""
    name = squeezed
    for pattern in _PATTERNS.values():
        name = pattern.sub("", name)
    return (_BARE_FIGURE.sub("", name) if name == squeezed else name).strip()


def _plain(mark: str) -> str:
    """One form for one mark: 第3期 is 3期, a类 is a, 90日 is 90天."""
    return re.sub(r"类|份额|款|第", "", mark).replace("日", "天").replace("个月", "月")
