"""A copy of a text that rules can read, with every character's way back to the original.

Each transformation takes a Normalised and returns another one; `Change` says what was rewritten and why. Two kinds
exist: character by character (`plain_copy`), and whole trigger words that were hidden (`unmask`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

TAG_BLOCK = range(0xE0000, 0xE0080)
VARIATION_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
KEYCAP = "\u20e3"
KEPT_CONTROLS = "\n\t"


@dataclass(frozen=True, slots=True)
class Change:
    """`kind` names the transformation; offsets are of the original text, end exclusive."""

    kind: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text[i]` was written by `original[starts[i]:ends[i]]`; starts and ends never decrease."""

    original: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    changes: tuple[Change, ...] = field(default=())

    @classmethod
    def of(cls, original: str) -> Normalised:
        """The text unchanged."""
        size = len(original)
        return cls(original, original, tuple(range(size)), tuple(range(1, size + 1)))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stands in the original; an empty range gives an empty span."""
        if start >= end:
            at = self.starts[start] if start < len(self.starts) else len(self.original)
            return at, at
        return self.starts[start], self.ends[end - 1]

    def was_rewritten(self, start: int, end: int) -> bool:
        """Whether a hidden trigger word was unmasked inside `text[start:end]`."""
        first, last = self.span(start, end)
        return any(c.start < last and first < c.end for c in self.changes)


def rewrite(copy: Normalised, edits: Iterable[tuple[int, int, str, str]]) -> Normalised:
    """Replace ranges of `copy.text`; each edit is (start, end, replacement, kind), in order and disjoint."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    changes = list(copy.changes)
    at = 0
    for start, end, replacement, kind in edits:
        text.append(copy.text[at:start])
        starts.extend(copy.starts[at:start])
        ends.extend(copy.ends[at:start])
        first, last = copy.span(start, end)
        text.append(replacement)
        starts.extend([first] * len(replacement))
        ends.extend([last] * len(replacement))
        changes.append(Change(kind, first, last, copy.original[first:last], replacement))
        at = end
    text.append(copy.text[at:])
    starts.extend(copy.starts[at:])
    ends.extend(copy.ends[at:])
    return Normalised(copy.original, "".join(text), tuple(starts), tuple(ends), tuple(changes))


def map_characters(copy: Normalised, spell: Callable[[str], str]) -> Normalised:
    """Respell every character on its own; "" drops it."""
    table = {character: spell(character) for character in set(copy.text)}
    if all(character == spelled for character, spelled in table.items()):
        return copy
    if all(len(spelled) == 1 for spelled in table.values()):  # most texts: every offset stays as it is
        return replace(copy, text=copy.text.translate({ord(before): after for before, after in table.items()}))
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for character, start, end in zip(copy.text, copy.starts, copy.ends, strict=True):
        spelled = table[character]
        text.append(spelled)
        starts.extend([start] * len(spelled))
        ends.extend([end] * len(spelled))
    return Normalised(copy.original, "".join(text), tuple(starts), tuple(ends), copy.changes)


def is_invisible(character: str) -> bool:
    """Zero-width, bidirectional, tag and variation characters, and controls other than line ends and tabs."""
    if character in KEPT_CONTROLS:
        return False
    if character in VARIATION_SELECTORS or character == KEYCAP or ord(character) in TAG_BLOCK:
        return True
    if character in "\u115f\u1160\u3164\uffa0\u034f":
        return True
    return unicodedata.category(character) in ("Cf", "Cc", "Co", "Cn")


def without_invisible(copy: Normalised) -> Normalised:
    """Drop what nobody sees."""
    return map_characters(copy, lambda c: "" if is_invisible(c) else c)


def compatible(copy: Normalised) -> Normalised:
    """NFKC character by character: full width, circled and squared forms become plain; letters become lower case."""
    return map_characters(copy, _compatible_character)


def _compatible_character(character: str) -> str:
    if character < "\x80":
        return character.lower()
    if "一" <= character <= "\u9fff":
        return character
    if "❶" <= character <= "➓":
        return str((ord(character) - ord("❶")) % 10 + 1)
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 3 and plain[0] == "(" and plain[2] == ")":
        plain = plain[1]
    if len(plain) == 1 and unicodedata.category(plain) == "Ll":
        plain = unicodedata.normalize("NFD", plain)[0]
    return plain.lower() if plain.strip() else " "


def simplified(copy: Normalised, table: dict[str, str]) -> Normalised:
    """Traditional and variant characters become the simplified ones that rules are written in."""
    return map_characters(copy, lambda c: table.get(c, c))


def plain_copy(original: str, table: dict[str, str]) -> Normalised:
    """Every character-wise transformation, in order."""
    return simplified(compatible(without_invisible(Normalised.of(original))), table)
