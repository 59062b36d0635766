"""What an RM changed in a draft: sentence by sentence, each change with its category.

Categories: fact (figures, dates, products), compliance (risk wording and disclosures), stage (the question or next
step), length (said shorter or longer), tone (the same said otherwise), other (moved, a slip mended, something new).
The words that tell them stand in prompts/edits.zh.toml.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache

from assistant.drafting.likeness import bigrams, coverage, likeness
from assistant.wording import load_toml

_ENDS = "。！？!?；;~～\U0001f300-\U0001faff\u2600-\u27bf"  # emoji stand where a full stop would
_SENTENCE = re.compile(rf"(?:[^{_ENDS}\n]|(?<=\d)[~～](?=\d))+[{_ENDS}…\ufe0f]*\s*|[{_ENDS}\n\ufe0f]+")
SAME_THOUGHT = 0.3
STEP_BONUS = 0.25
LETTERS_COUNT = 0.6
REWORDED = 0.18
RESTATED = 0.08
FEW = 4
PHRASE = 10
MUCH_SHORTER = 0.7
CUT_SHORTER = 0.85
MOVED = 0.8
MOST_PAIRS = 10_000  # 0.2 s; beyond it sentences are paired by their place


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. `op`: insert, delete or replace; `before` is "" for an insert, `after` is "" for a delete."""

    op: str
    before: str
    after: str
    category: str

    def as_dict(self) -> dict[str, str]:
        """JSON-ready, keys as exported."""
        return {"op": self.op, "before": self.before, "after": self.after, "category": self.category}


@cache
def _words(name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in load_toml("edits.zh")[name]))


def sentences(text: str) -> list[str]:
    """The sentences of `text` without surrounding white space; line breaks, 「～」 and emoji end one."""
    found = (match.group().strip() for match in _SENTENCE.finditer(text))
    return [sentence for sentence in found if sentence]


def diff(before: str, after: str, *, names: Collection[str] = ()) -> tuple[Edit, ...]:
    """The changes that turn `before` into `after`, in order; () when both say the same.

    Args:
        names: product names; one exchanged for another is a change of fact.
    """
    old, new = sentences(before), sentences(after)
    edits: list[Edit] = []
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            edits += _paired(old[start:end], new[new_start:new_end])
    return _moved(tuple(_categorised(edit, before, names) for edit in edits))


def _paired(old: list[str], new: list[str]) -> list[Edit]:
    """Pair old and new sentences in order so that the pairs are most alike; the rest is deleted or inserted."""
    if len(old) == 1 and len(new) == 1:
        return [Edit("replace", old[0], new[0], "")]
    edits: list[Edit] = []
    at = 0
    for row, column in [*_best_pairs(old, new), (len(old), len(new))]:
        edits += [Edit("delete", text, "", "") for text in old[len(old) if row < at else at : row]]
        at = row + 1
        done = sum(edit.op != "delete" for edit in edits)
        edits += [Edit("insert", "", text, "") for text in new[done:column]]
        if row < len(old):
            edits.append(Edit("replace", old[row], new[column], ""))
    return edits


def _best_pairs(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """The pairs (old, new), both rising, with the largest sum of nearness above what makes two the same thought."""
    if len(old) * len(new) > MOST_PAIRS:
        places = zip(old, new, strict=False)
        return [(place, place) for place, (one, other) in enumerate(places) if _nearness(one, other) >= SAME_THOUGHT]
    gain = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    worth = [[_nearness(one, other) - SAME_THOUGHT for other in new] for one in old]
    for row in range(len(old) - 1, -1, -1):
        for column in range(len(new) - 1, -1, -1):
            paired = worth[row][column] + gain[row + 1][column + 1] if worth[row][column] >= 0 else 0.0
            gain[row][column] = max(paired, gain[row + 1][column], gain[row][column + 1])
    pairs, row, column = [], 0, 0
    while row < len(old) and column < len(new):
        if worth[row][column] >= 0 and gain[row][column] == worth[row][column] + gain[row + 1][column + 1]:
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif gain[row][column] == gain[row + 1][column]:
            row += 1
        else:
            column += 1
    return pairs


def _letters(text: str) -> Counter[str]:
    return Counter(c for c in text if c.isalnum())


def _common_letters(one: str, other: str) -> float:
    """Dice coefficient over single letters, 0 to 1."""
    left, right = _letters(one), _letters(other)
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


def _nearness(one: str, other: str) -> float:
    alike = max(likeness(one, other), LETTERS_COUNT * _common_letters(one, other))
    if bigrams(one) and coverage(*sorted((one, other), key=len)) >= MOVED:
        alike = max(alike, SAME_THOUGHT)
    both_steps = _words("step").search(one) and _words("step").search(other)
    return alike + (STEP_BONUS if both_steps else 0.0)


def _moved(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """A sentence deleted here and inserted there was moved: nothing in it changed."""
    result = list(edits)
    for i, gone in enumerate(edits):
        for j, come in enumerate(edits):
            if gone.op == "delete" and come.op == "insert" and _is_the_same(gone.before, come.after):
                result[i], result[j] = replace(gone, category="other"), replace(come, category="other")
    return tuple(result)


def _is_the_same(before: str, after: str) -> bool:
    return likeness(before, after) >= MOVED and _figures(before) == _figures(after)


def _categorised(edit: Edit, draft: str, names: Collection[str]) -> Edit:
    if edit.op == "replace":
        return replace(edit, category=_changed(edit.before, edit.after, names))
    return replace(edit, category=_added_or_removed(edit.before or edit.after, draft, names, added=edit.op == "insert"))


def _figures(text: str) -> list[str]:
    """Figures and codes in `text`, without hours of the day."""
    plain = _words("hour").sub(" ", text)
    return sorted(re.sub(r"\s", "", figure) for figure in _words("figure").findall(plain))


def _names(text: str, names: Collection[str]) -> set[str]:
    return {name for name in names if name in text}


def _swapped(before: str, after: str, names: Collection[str]) -> bool:
    """Whether a product name went and another came."""
    old, new = _names(before, names), _names(after, names)
    return bool(old - new) and bool(new - old)


def _days(text: str) -> list[str]:
    return sorted(_words("day").findall(text))


def _hours(text: str) -> list[str]:
    return sorted(_words("hour").findall(text))


def _cautions(text: str) -> list[str]:
    return sorted(_words("compliance").findall(text))


def _is_step(text: str) -> bool:
    return bool(_words("step").search(text))


def _bare(text: str) -> str:
    """Letters and digits of `text` without politeness."""
    return "".join(c for c in _words("courtesy").sub("", text.strip()) if c.isalnum())


def _changed(before: str, after: str, names: Collection[str]) -> str:
    if _figures(before) != _figures(after) or _swapped(before, after, names):
        return "fact"
    if _days(before) != _days(after) or _hours(before) != _hours(after):
        return "stage" if _is_step(before) and _is_step(after) else "fact"
    if _cautions(before) != _cautions(after):
        return "compliance"
    if _is_slip(before, after) or (_letters(before) == _letters(after) and _bare(before) != _bare(after)):
        return "other"
    return _said_otherwise(before, after)


def _said_otherwise(before: str, after: str) -> str:
    """The category of a change in neither facts nor cautions."""
    old, new = _bare(before), _bare(after)
    if not old or not new:
        return "tone"
    ratio = len(new) / len(old)
    if _is_cut(*sorted((old, new), key=len)):
        return "length" if abs(len(old) - len(new)) >= FEW and not CUT_SHORTER <= ratio <= 1 / CUT_SHORTER else "tone"
    if likeness(before, after) < SAME_THOUGHT and (_is_step(before) or _is_step(after)):
        return "tone" if _is_step(before) and _is_step(after) and _common_letters(old, new) >= 0.5 else "stage"
    if max(len(old), len(new)) <= PHRASE:
        return "tone"
    if max(likeness(before, after), _common_letters(old, new)) < REWORDED:
        return "other"
    return "tone" if MUCH_SHORTER <= ratio <= 1 / MUCH_SHORTER else "length"


def _is_cut(short: str, long: str) -> bool:
    """Whether `short` is `long` with something left out."""
    rest = iter(long)
    return all(c in rest for c in short)


def _is_slip(before: str, after: str) -> bool:
    """Whether one character was exchanged for another, as when a slip is mended."""
    if len(before) != len(after):
        return False
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    address = load_toml("edits.zh")["address"]
    letters = all(unicodedata.category(c) == "Lo" and c not in address for pair in changed for c in pair)
    swapped = len(changed) == 2 and sorted(changed[0]) == sorted(changed[1])
    return letters and (len(changed) == 1 or swapped)


def _added_or_removed(text: str, draft: str, names: Collection[str], *, added: bool) -> str:
    if not _bare(text):
        return "tone"
    if _cautions(text):
        return "compliance"
    if _figures(text) or (added and _names(text, names) - _names(draft, names)):
        return "fact"
    if _words("personal").search(text):
        return "other"
    if _is_step(text):
        return "stage"
    if _days(text):
        return "fact"
    restated = coverage(text, draft) >= RESTATED or _words("restating").search(text)
    return "length" if not added or restated else "other"


def categorise(before: str, after: str) -> str:
    """The category of one change of a sentence; "" stands for nothing."""
    op = "insert" if not before else "delete" if not after else "replace"
    return _categorised(Edit(op, before, after, ""), before, ()).category


def summary_category(edits: tuple[Edit, ...]) -> str:
    """The weightiest category among `edits`: what the middle office should hear first."""
    order = ("fact", "compliance", "stage", "tone", "length", "other")
    found = {edit.category for edit in edits}
    return next((category for category in order if category in found), "other")
