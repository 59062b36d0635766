"""Conversations as text: exports with a name and a time above each message, and pasted chats (`客户：…`)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby, pairwise

from knowledge.ingestion.extracted import Block, BlockKind
from knowledge.ingestion.typed.chats import Conversation, Message, is_silent, role_of
from knowledge.ingestion.typed.proposals import field_of
from knowledge.ingestion.wording import words

_DAY = r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<date>\d{1,2})\s*日?"
_TIME = r"(?:[上下]午\s*)?\d{1,2}[:：]\d{2}(?:[:：]\d{2})?"
_STAMP = rf"[\[(（【]?\s*(?:{_DAY}[\sT,，]+)?{_TIME}\s*[\])）】]?"
_NAME_THEN_STAMP = re.compile(rf"^(?P<name>\S[^：:]{{0,30}}?)\s*[:：]?\s+{_STAMP}\s*$")
_STAMP_THEN_NAME = re.compile(rf"^{_STAMP}\s+(?P<name>\S[^：:]{{0,30}}?)\s*$")
_STAMPED_LINE = re.compile(rf"^{_STAMP}\s*(?P<name>[^：:\s][^：:]{{0,20}}?)\s*[:：]\s*(?P<text>\S.*)$")
_PASTED = re.compile(r"^(?P<name>[^：:\s，。！？,.!?“”\"]{1,12}?)\s*[:：]\s*(?P<text>\S.*)$")
_ONLY_DAY = re.compile(rf"^[\-—=\s]*{_DAY}[\-—=\s]*(?:星期.|周.)?[\-—=\s]*$")
_MOST_SPEAKERS = 6
_PASTED_SHARE = 0.6


def conversations_in_text(text: str, *, insists: bool) -> list[Conversation]:
    """The conversations in a chat export or a pasted chat, one a day; empty when it does not read like one.

    Args:
        insists: somebody said that it is a chat, so names that tell no role are enough.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for reader in (_headed, _stamped, _pasted):
        messages = list(reader(lines))
        spoken = Counter(message.speaker for message in messages)
        if len(messages) < 2 or not 2 <= len(spoken) <= _MOST_SPEAKERS:
            continue
        if reader is _pasted and not _is_pasted_chat(lines, messages, insists):
            continue
        return _by_day(messages)
    return []


def conversations_in_rows(blocks: Sequence[Block]) -> list[Conversation]:
    """The conversations in a table with columns for who spoke and what was said; empty when there are none."""
    columns = words("chat_columns")
    messages: list[Message] = []
    rows = [block for block in blocks if block.kind is BlockKind.ROW and block.row]
    for block in rows:
        cells = {cell.name.strip().lower(): cell.value for cell in block.row}
        said = next((cells[name] for name in columns["text"] if name in cells), "")
        speaker = next((cells[name] for name in columns["speaker"] if name in cells), "")
        stamp = next((cells[name] for name in columns["time"] if name in cells), "")
        if said and speaker and not is_silent(speaker):
            found = re.search(_DAY, stamp)
            messages.append(Message(speaker, said, _day(found)))
    if len(messages) < 2 or len(messages) * 10 < len(rows) * 8:
        return []
    return _by_day(messages)


def _is_pasted_chat(lines: Sequence[str], messages: Sequence[Message], insists: bool) -> bool:
    speakers = {message.speaker for message in messages}
    if not insists and any(field_of(speaker) for speaker in speakers):
        return False  # labels of a leaflet: 适合客户：…, 风险等级：…
    told = any(role_of(speaker) for speaker in speakers)
    # Labels of a form stand once each; people who talk take turns.
    told = told and (len(speakers) == 2 or len(messages) >= len(speakers) * 2)
    turns = sum(one.speaker != other.speaker for one, other in pairwise(messages))
    matched = sum(_PASTED.match(line) is not None for line in lines)
    return (told or insists) and turns >= 1 and matched >= _PASTED_SHARE * len(lines)


def _headed(lines: Sequence[str]) -> Iterator[Message]:
    """A line with name and time, then the message."""
    speaker, day, said = "", None, list[str]()
    for line in lines:
        found = _NAME_THEN_STAMP.match(line) or _STAMP_THEN_NAME.match(line)
        if found is None:
            said.append(line)
            continue
        yield from _message(speaker, said, day)
        speaker, day, said = found["name"].strip(), _day(found) or day, []
    yield from _message(speaker, said, day)


def _stamped(lines: Sequence[str]) -> Iterator[Message]:
    """Time, name and message on one line; lines without are continued."""
    speaker, day, said = "", None, list[str]()
    for line in lines:
        found = _STAMPED_LINE.match(line)
        if found is None:
            said.append(line)
            continue
        yield from _message(speaker, said, day)
        speaker, day, said = found["name"].strip(), _day(found) or day, [found["text"]]
    yield from _message(speaker, said, day)


def _pasted(lines: Sequence[str]) -> Iterator[Message]:
    speaker, day, said = "", None, list[str]()
    for line in lines:
        dated = _ONLY_DAY.match(line)
        found = None if dated else _PASTED.match(line)
        if found is None and dated is None:
            said.append(line)
            continue
        yield from _message(speaker, said, day)
        said = []
        if dated:
            speaker, day = "", _day(dated)
        elif found:
            speaker, said = found["name"], [found["text"]]
    yield from _message(speaker, said, day)


def _message(speaker: str, said: list[str], day: date | None) -> Iterator[Message]:
    if speaker and said and not is_silent(speaker):
        yield Message(speaker, "\n".join(said), day)


def _day(found: re.Match[str] | None) -> date | None:
    if found is None or found["year"] is None:
        return None
    try:
        return date(int(found["year"]), int(found["month"]), int(found["date"]))
    except ValueError:
        return None


def _by_day(messages: Sequence[Message]) -> list[Conversation]:
    return [Conversation(tuple(said)) for _, said in groupby(messages, key=lambda message: message.day)]
