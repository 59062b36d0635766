"""Numbers as laws write them: 第一百二十三条."""

from __future__ import annotations

_DIGITS = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def numeral(text: str) -> int:
    """The value of a Chinese or Arabic numeral below ten thousand, e.g. 一百二十三. Raises: ValueError."""
    if text.isascii() and text.isdigit():
        return int(text)
    total = digit = 0
    for char in text:
        if char in _UNITS:
            total += (digit or 1) * _UNITS[char]
            digit = 0
        elif char in _DIGITS:
            digit = _DIGITS[char]
        else:
            raise ValueError(text)
    return total + digit


def chinese(number: int) -> str:
    """A number from 1 to 9,999 as laws write it: 十五, 一百零三."""
    text = ""
    pending_zero = False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            text += ("零" if pending_zero and text else "") + "零一二三四五六七八九"[digit] + name
            pending_zero = False
        else:
            pending_zero = True
    return text.removeprefix("一") if text.startswith("一十") else text
