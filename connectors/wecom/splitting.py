"""Cutting a long text into messages that WeCom delivers whole.

WeCom cuts a text after 2048 bytes without a word. So we cut it ourselves, where a reader would pause, and number the
parts. Sentences that must stand (risk and disclosure wording) are never cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from assistant.outgoing import Splitter

LIMIT_BYTES = 2048
_NUMBERING = "（{number}/{count}）"
_CLOSING = "”’」』）)】》〉]"
# Places to cut after, best first. Closing quotes and brackets stay with what they close.
_PLACES = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n"),
    re.compile(rf"(?:[。！？!?…]+|\.(?=\s))[{re.escape(_CLOSING)}]*\s*"),
    re.compile(rf"[；;][{re.escape(_CLOSING)}]*\s*"),
    re.compile(rf"(?:[，、：]|[,:](?=\s))[{re.escape(_CLOSING)}]*\s*"),
    re.compile(r"\s+"),
)
# What a cut must not go through: addresses, numbers with their unit or percent sign, dates, Latin words and codes.
_WHOLE = re.compile(
    r"https?://[^\s\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]+"
    r"|[A-Za-z0-9_@]+(?:[.,:/\-+~～×*][A-Za-z0-9_@]+)*\s?(?:[%％‰]|个?百分点|[万亿千百]*[元美股份年月日天期号级岁个倍点分克])?"
)
# Marks that belong to the sign before them: combining marks, variation selectors, joiners, skin tones, flags.
_JOINED = re.compile(r"[\u0300-\u036f\u200d\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_FLAG = re.compile(r"[\U0001f1e6-\U0001f1ff]")


def split_text(text: str, limit_bytes: int = LIMIT_BYTES, *, keep: Sequence[str] = ()) -> list[str]:
    """The text as messages of at most `limit_bytes` of UTF-8, numbered （1/3） at their front if there are several.

    Args:
        limit_bytes: at least 64, so that a number and some words fit.
        keep: sentences that are never cut when they stand in the text; one that does not is put at its end. One
            that is too long for a message of its own is cut like any other text, but nothing of it is lost.

    Returns: the messages in order; without their numbering they are together exactly the text. An empty text gives
        one empty message.
    Raises: ValueError when `limit_bytes` is below 64.
    """
    if limit_bytes < 64:
        raise ValueError("limit_bytes must be at least 64")
    text = _with_missing(text, keep)
    if _size(text) <= limit_bytes:
        return [text]
    digits = 1
    while True:
        room = limit_bytes - _size(_NUMBERING.format(number="9" * digits, count="9" * digits))
        parts = _cut(text, room, _unbreakable(text, keep, room))
        if len(str(len(parts))) <= digits:
            return [_NUMBERING.format(number=n, count=len(parts)) + part for n, part in enumerate(parts, 1)]
        digits += 1


def splitter(limit_bytes: int = LIMIT_BYTES) -> Splitter:
    """`split_text` with its limit set, as the assistant wants it."""
    return partial(split_text, limit_bytes=limit_bytes)


def _with_missing(text: str, keep: Sequence[str]) -> str:
    for sentence in dict.fromkeys(keep):
        if sentence.strip() and sentence not in text:
            text = f"{text}\n{sentence}" if text else sentence
    return text


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _unbreakable(text: str, keep: Sequence[str], room: int) -> list[bool]:
    """For each position whether a cut right before that character is forbidden."""
    forbidden = [False] * (len(text) + 1)
    spans = [match.span() for match in _WHOLE.finditer(text)]
    for sentence in keep:
        if sentence.strip():
            spans += [(at, at + len(sentence)) for at in _places_of(sentence, text)]
    for start, end in _merged(spans):
        if _size(text[start:end]) <= room:
            forbidden[start + 1 : end] = [True] * (end - start - 1)
    _forbid_inside_signs(text, forbidden)
    return forbidden


def _forbid_inside_signs(text: str, forbidden: list[bool]) -> None:
    flags = 0
    for at, character in enumerate(text):
        if at and (_JOINED.match(character) or text[at - 1] == "\u200d" or text[at - 1 : at + 1] == "\r\n"):
            forbidden[at] = True
        flags = flags + 1 if _FLAG.match(character) else 0
        if flags and flags % 2 == 0:
            forbidden[at] = True


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping spans as one: half of each would otherwise stay open to a cut."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _places_of(sentence: str, text: str) -> Iterator[int]:
    at = text.find(sentence)
    while at >= 0:
        yield at
        at = text.find(sentence, at + 1)


def _cut(text: str, room: int, forbidden: list[bool]) -> list[str]:
    parts = []
    while _size(text) > room:
        end = _end_of_part(text, room, forbidden)
        parts.append(text[:end])
        text, forbidden = text[end:], forbidden[end:]
    return [*parts, text]


def _end_of_part(text: str, room: int, forbidden: list[bool]) -> int:
    """How many characters the next part takes: to the best place that leaves it at least half full."""
    longest = _longest_prefix(text, room)
    head = text[: longest + 1]
    for place in _PLACES:
        ends = [match.end() for match in place.finditer(head)]
        good = [end for end in ends if longest // 2 <= end <= longest and end and not forbidden[end]]
        if good:
            return good[-1]
    allowed = next((end for end in range(longest, 0, -1) if not forbidden[end]), 0)
    return allowed or longest  # one unbreakable run longer than a message: it can only be cut


def _longest_prefix(text: str, room: int) -> int:
    """The most characters whose UTF-8 fits into `room`, at least one."""
    used = 0
    for at, character in enumerate(text):
        used += _size(character)
        if used > room:
            return max(at, 1)
    return len(text)
