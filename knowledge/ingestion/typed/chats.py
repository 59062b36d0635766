"""Conversations as they come out of a chat: who said what, and which role each speaker has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.ingestion.wording import words

CUSTOMER, MANAGER = "customer", "relationship_manager"
_NOT_NAME = re.compile(r"[@（(\[【].*$")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `speaker` is a name, an id or a role as the export gives it, `role` where the export is sure."""

    speaker: str
    text: str
    day: date | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in order, and what the export says about them."""

    messages: tuple[Message, ...]
    title: str = ""
    stage: str = ""
    outcome: str = ""
    note: str = ""

    @property
    def day(self) -> date | None:
        """The day of the first message that has one."""
        return next((message.day for message in self.messages if message.day), None)


def role_of(speaker: str) -> str:
    """The role that a speaker's name says outright, or nothing."""
    name = speaker.strip().lower()
    known = words("chat_roles")
    for role in (MANAGER, CUSTOMER):
        if name in known[role]:
            return role
    for role in (MANAGER, CUSTOMER):
        if any(part in name for part in known[f"{role}_within"]):
            return role
    return ""


def is_silent(speaker: str) -> bool:
    """Whether a speaker is the chat itself."""
    return speaker.strip().lower() in words("chat_roles")["silent"]


def roles(messages: Sequence[Message]) -> dict[str, str]:
    """Speaker to role; empty where nothing tells. Of two speakers, the second has the role that the first has not."""
    found: dict[str, str] = {}
    for message in messages:
        found[message.speaker] = found.get(message.speaker) or message.role or role_of(message.speaker)
    unknown = [speaker for speaker, role in found.items() if not role]
    known = set(found.values()) - {""}
    if len(unknown) == 1 and len(found) == 2 and len(known) == 1:
        found[unknown[0]] = CUSTOMER if MANAGER in known else MANAGER
    return found


def names_of(found: Mapping[str, str]) -> dict[str, str]:
    """What to write instead of each speaker's name; longest names first. Words that are roles stay."""
    label = words("transcript_labels")
    said: dict[str, str] = {}
    for speaker, role in found.items():
        name = _NOT_NAME.sub("", speaker).strip()
        if len(name) >= 2 and not role_of(name) and not name.isdigit():
            said[name] = label[role or "unknown_person"]
    return dict(sorted(said.items(), key=lambda item: -len(item[0])))


def without_names(text: str, names: Mapping[str, str]) -> str:
    """`text` with every name replaced."""
    for name, label in names.items():
        text = text.replace(name, label)
    return text
