"""Reads what a relationship manager typed: a decision, a follow-up on the last draft, or a new wish.

The words that people use stand in prompts/commands.zh.toml; nothing here knows a product or a rule.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from assistant.wording import load_toml

MAX_QUESTION_CHARACTERS = 2000
SHADES = frozenset("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")  # of emoji: 👍🏻 is 👍
CHOSEN = {"二": "2", "两": "2", "三": "3"}
DECADES = {"六": 65, "七": 75, "八": 85, "九": 95}


class Want(StrEnum):
    """What a message asks for."""

    REPLY = "reply"
    ANSWER = "answer"
    MOMENTS = "moments"
    GROUP = "group"
    FRIEND_REQUEST = "friend_request"
    CHECK = "check"
    PLAYBOOK = "playbook"
    RULE = "rule"
    FOLLOW_UP = "follow_up"
    DECISION = "decision"
    OUTCOME = "outcome"
    WHO_NEXT = "who_next"
    HELP = "help"
    GREETING = "greeting"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Command:
    """A message, read. `detail` is the kind of decision, follow-up or outcome; `rest` the words it is about."""

    want: Want
    rest: str = ""
    detail: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CustomerHints:
    """What the message itself says about the customer. `level`: C1-C5, NONE, EXPIRED or None when not said."""

    level: str | None = None
    age: int | None = None
    alias: str | None = None


@cache
def _patterns(section: str, name: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.DOTALL | re.IGNORECASE) for pattern in load_toml("commands.zh")[section][name])


def fold(text: str) -> str:
    """NFKC, without control, format and surrounding white space characters."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(c for c in normal if c in "\n\t" or unicodedata.category(c)[0] != "C").strip()


def _same_length_fold(text: str) -> str:
    """NFKC character by character where that keeps the length, so that spans fit the original."""
    folded = (unicodedata.normalize("NFKC", c) for c in text)
    return "".join(new if len(new) == 1 else old for new, old in zip(folded, text, strict=True))


def _match(section: str, name: str, text: str) -> re.Match[str] | None:
    """The first match, one with a non-empty `rest` before one without."""
    found = [match for pattern in _patterns(section, name) if (match := pattern.search(text))]
    return next((match for match in found if match.groupdict().get("rest", "").strip()), found[0] if found else None)


def _rest(found: re.Match[str], original: str, group: str = "rest") -> str:
    """The words of `group` as they stand in `original`, which is as long as the matched text."""
    if not found.groupdict().get(group):
        return ""
    start, end = found.span(group)
    return original[start:end].strip(' \n\t:：,，「」“”"')


def read(text: str, *, has_draft: bool = False) -> Command:
    """Read one message.

    Args:
        text: as typed, any length.
        has_draft: whether a draft is open in this conversation, to which decisions and follow-ups can refer.
    """
    kept = (c for c in text if c in "\n\t" or (unicodedata.category(c) not in {"Cc", "Cf"} and c not in SHADES))
    original = "".join(kept).strip()
    folded = _same_length_fold(original)
    command = _decision(folded, original) or _follow_up(folded, original) if has_draft else None
    if command:
        return command
    if not any(unicodedata.category(c)[0] in "LN" for c in _without_faces(folded)):
        return Command(Want.HELP) if _match("want", "help", folded) else Command(Want.UNREADABLE, detail="empty")
    return _wish(folded, original)


def _without_faces(text: str) -> str:
    """`text` without WeCom's own emoji, which arrive as words in brackets."""
    for pattern in _patterns("signs", "faces"):
        text = pattern.sub("", text)
    return text


def _without_tail(text: str) -> str:
    """`text` without the punctuation and emoji at its end; a question mark stays, and so does an emoji alone."""
    end = len(text)
    while end and text[end - 1] not in "?？" and unicodedata.category(text[end - 1])[0] in "PSMZ":
        end -= 1
    return text[:end] or text


def _decision(typed: str, original: str) -> Command | None:
    if found := _match("decision", "edited", typed):
        return Command(Want.DECISION, rest=_rest(found, original, "final"), detail="edited")
    text = _without_tail(typed)
    if found := _match("decision", "alternative", text):
        number = found.group("reason")
        return Command(Want.DECISION, detail="accepted", reason=CHOSEN.get(number, number))
    if _match("decision", "edit_prompt", text):
        return Command(Want.DECISION, detail="edit_prompt")
    if _match("decision", "accepted", text):
        return Command(Want.DECISION, detail="accepted")
    if len(text) <= 80 and (found := _match("decision", "rejected", text)):
        reason = _rest(found, original, "reason")
        return Command(Want.DECISION, detail="rejected", reason=reason)
    for name in load_toml("commands.zh")["outcome"]:
        if _match("outcome", name, text):
            return Command(Want.OUTCOME, detail=name)
    return None


def _follow_up(text: str, original: str) -> Command | None:
    if found := _match("follow_up", "customer_says", text):
        return Command(Want.FOLLOW_UP, rest=_rest(found, original), detail="customer_says")
    if len(text) > 24:
        return None
    wish = _without_tail(text)
    for words in (wish, _without_affixes(wish)):
        for name in ("another", "shorter", "longer", "politer", "plainer"):
            if any(pattern.fullmatch(words) for pattern in _patterns("follow_up", name)):
                return Command(Want.FOLLOW_UP, detail=name)
    return None


def _without_affixes(text: str) -> str:
    """`text` without 「能再」 before it and 「行吗」 after it."""
    for end in ("before", "after"):
        for pattern in _patterns("affixes", end):
            text = pattern.sub("", text)
    return text


def _wish(text: str, original: str) -> Command:
    for name in ("help", "greeting", "who_next"):
        if _match("want", name, text):
            return Command(Want(name))
    for name in ("check", "moments", "group", "friend_request"):
        if found := _match("want", name, text):
            return Command(Want(name), rest=_rest(found, original))
    if found := _match("want", "reply", text):
        return Command(Want.REPLY, rest=_rest(found, original) or original, detail="quoted")
    if _match("want", "rule", text):
        return Command(Want.RULE, rest=original)
    if _match("want", "playbook", text):
        return Command(Want.PLAYBOOK, rest=original)
    return Command(Want.REPLY, rest=original)


def customer_hints(text: str) -> CustomerHints:
    """What a message says about the customer: 「C2」, 「78岁」, 「张姐」."""
    folded = fold(text)
    level: str | None = None
    if found := _match("customer", "level", folded):
        level = f"C{found.group(1)}"
    elif _match("customer", "level_expired", folded):
        level = "EXPIRED"
    elif _match("customer", "level_none", folded):
        level = "NONE"
    age: int | None = None
    if found := _match("customer", "age", folded):
        age = int(found.group(1)) if int(found.group(1)) <= 120 else None
    elif found := _match("customer", "age_decade", folded):
        age = DECADES[found.group(1)]
    found = _match("customer", "alias", folded)
    return CustomerHints(level, age, found.group(1) if found else None)


def reject_reason(text: str) -> str:
    """The code of a reject reason in free text: wrong_fact, outdated, ..., or `other`."""
    reasons: dict[str, Any] = load_toml("commands.zh")["reject_reasons"]
    return next((name for name in reasons if _match("reject_reasons", name, fold(text))), "other")
