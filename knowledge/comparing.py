"""What changed between two versions: passage by passage, and word by word inside a changed passage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from knowledge.documents import DocumentVersion, Passage

# 1.35% to 1.15% is one change, not a 3 that became a 1: readers compare figures, not digits.
_PIECES = re.compile(r"[0-9]+(?:[.,:/-][0-9]+)*%?|[A-Za-z]+|.", re.S)
_ALIKE = 0.5  # from here on two passages are one that was reworded
_MOST_PAIRED = 60  # within one replaced stretch; beyond, passages are paired by place


class Change(StrEnum):
    """What became of a passage or of a stretch of its text."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of text that stayed (SAME), came (ADDED) or went (REMOVED)."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class PassageChange:
    """One passage in both versions; `marks` joined without REMOVED give the new text, without ADDED the old one."""

    change: Change
    before: Passage | None
    after: Passage | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class DetailChange:
    """A field of the version that differs, as it was and as it is, for people."""

    field: str
    before: str
    after: str


def compare_passages(before: Sequence[Passage], after: Sequence[Passage]) -> list[PassageChange]:
    """All passages of both versions in reading order of the newer one; removed ones stand where they were."""
    old, new = [item.text for item in before], [item.text for item in after]
    changes: list[PassageChange] = []
    for op, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            changes += [_same(*pair) for pair in zip(before[i1:i2], after[j1:j2], strict=True)]
        else:
            changes += _paired(before[i1:i2], after[j1:j2])
    return changes


def compare_details(before: DocumentVersion, after: DocumentVersion) -> list[DetailChange]:
    """Title, dates, audience and product code where they differ."""
    found = []
    for name in ("title", "effective_from", "effective_until", "branches", "roles", "lines", "product_code"):
        old, new = _shown(getattr(before, name)), _shown(getattr(after, name))
        if old != new:
            found.append(DetailChange(name, old, new))
    return found


def marks(before: str, after: str) -> tuple[Mark, ...]:
    """How one text becomes the other; a figure or a Latin word changes whole."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    found: list[Mark] = []
    for op, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            found.append(Mark(Change.SAME, "".join(old[i1:i2])))
            continue
        if i2 > i1:
            found.append(Mark(Change.REMOVED, "".join(old[i1:i2])))
        if j2 > j1:
            found.append(Mark(Change.ADDED, "".join(new[j1:j2])))
    return tuple(found)


def _same(before: Passage, after: Passage) -> PassageChange:
    same_questions = (before.known_questions, before.counter_questions) == (
        after.known_questions,
        after.counter_questions,
    )
    change = Change.SAME if same_questions else Change.CHANGED
    return PassageChange(change, before, after, (Mark(Change.SAME, after.text),))


def _paired(before: Sequence[Passage], after: Sequence[Passage]) -> Iterator[PassageChange]:
    """Match each new passage with the next old one that is like it; what is left was added or removed."""
    at = 0
    for passage in after:
        found = _next_alike(before, at, passage.text)
        if found is None:
            yield PassageChange(Change.ADDED, None, passage, (Mark(Change.ADDED, passage.text),))
            continue
        yield from map(_removed, before[at:found])
        yield PassageChange(Change.CHANGED, before[found], passage, marks(before[found].text, passage.text))
        at = found + 1
    yield from map(_removed, before[at:])


def _next_alike(before: Sequence[Passage], at: int, text: str) -> int | None:
    matcher = SequenceMatcher(None, "", text, autojunk=False)
    for place in range(at, min(len(before), at + _MOST_PAIRED)):
        matcher.set_seq1(before[place].text)
        if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
            return place
    return None


def _removed(passage: Passage) -> PassageChange:
    return PassageChange(Change.REMOVED, passage, None, (Mark(Change.REMOVED, passage.text),))


def _shown(value: object) -> str:
    if value is None:
        return ""
    return "、".join(sorted(value)) if isinstance(value, frozenset) else str(value)
