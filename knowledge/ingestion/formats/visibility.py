"""What a person cannot see: near-white colours and letters too small to read."""

from __future__ import annotations

import re

TINY_POINTS = 2.0
_PALE = 245  # of 255, in each of red, green and blue
_HEX = re.compile(r"^#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})$")


def is_pale(hex_colour: str) -> bool:
    """Whether `RRGGBB`, with or without `#`, cannot be told from white paper."""
    found = _HEX.match(hex_colour.strip())
    if not found:
        return False
    digits = found.group(1)
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    return is_pale_rgb(*(int(digits[at : at + 2], 16) for at in (0, 2, 4)))


def is_pale_rgb(red: int, green: int, blue: int) -> bool:
    """The same for three numbers of 0 to 255."""
    return min(red, green, blue) >= _PALE


def is_tiny(points: float | None) -> bool:
    """Whether letters of this size, in points, are too small to see."""
    return points is not None and points < TINY_POINTS
