"""What the assistant needs of the outside to speak: a sender, a directory of members, a splitter of long texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


def text_hash(text: str | None) -> str:
    """SHA-256 of a text exactly as it is sent; "" for none."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


class SendOutcome(StrEnum):
    """What became of one send call. UNKNOWN: the request left, but no answer came back."""

    SENT = "sent"
    RETRY = "retry"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SendResult:
    """The outcome of one send call; `retry_after_s` is a hint in seconds."""

    outcome: SendOutcome
    errcode: int | None = None
    msgid: str = ""
    retry_after_s: float = 0.0
    detail: str = ""


class MessageSender(Protocol):
    """Sends one message to one member; never raises for trouble of the network or the API."""

    def send(self, userid: str, msgtype: str, body: Mapping[str, object]) -> SendResult:
        """Send `body` (e.g. `{"content": "…"}` for text) to `userid`."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the corp as WeCom knows them."""

    userid: str
    name: str
    departments: tuple[int, ...] = ()


class DirectoryUnavailable(Exception):
    """WeCom could not say now who this is; ask again later."""


class Directory(Protocol):
    """Looks members up. Raises: DirectoryUnavailable."""

    def look_up(self, userid: str) -> Member | None:
        """The member, or None when WeCom does not know this userid."""
        ...


class Splitter(Protocol):
    """Cuts a text into parts that fit the channel; `keep` are sentences that must not be cut or lost."""

    def __call__(self, text: str, *, keep: Sequence[str] = ()) -> list[str]: ...
