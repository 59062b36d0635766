"""What a local WeCom remembers: members, tokens, what was sent to whom, and the faults it was told to have."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

TOKEN_LIFETIME_S = 7200
_RATE_WINDOW = timedelta(minutes=1)


class FaultKind(StrEnum):
    """Ways in which the API can fail a caller."""

    ERRCODE = "errcode"
    SLOW = "slow"
    LOST_ANSWER = "lost_answer"  # the call is carried out, then the connection breaks
    GARBAGE = "garbage"  # 200 with a page that is no JSON, carried out all the same
    EMPTY = "empty"  # 200 without a body, carried out all the same
    HTTP = "http"  # a status other than 200, not carried out


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `number` is the errcode, the HTTP status or the delay in seconds."""

    kind: FaultKind
    number: float = 0


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One line of a member's chat with the app, as the phone shows it. `mine`: written by the member."""

    sequence: int
    userid: str
    mine: bool
    msgtype: str
    body: Mapping[str, Any]
    at: datetime
    msgid: str = ""
    response_code: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one accepted send call for one member: `delivered`, `duplicate` or `rate` (over the limit)."""

    message: ChatMessage
    fate: str


@dataclass
class LocalWeCom:
    """The state of a corp with one app. Safe between threads.

    Args:
        members: name by userid; None: everybody exists, under their userid as name.
        per_minute: messages to one member in a minute; the rest is dropped without an error, as WeCom does.
    """

    corp_id: str
    secret: str = field(repr=False)
    agent_id: str
    clock: Callable[[], datetime]
    members: Mapping[str, str] | None = None
    per_minute: int = 30
    token_fetches: int = 0
    deliveries: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._token: tuple[str, datetime] | None = None
        self._chats: dict[str, list[ChatMessage]] = defaultdict(list)
        self._recent: dict[str, deque[datetime]] = defaultdict(deque)
        self._contents: dict[str, datetime] = {}
        self._codes: dict[str, tuple[str, int]] = {}  # response code: member, sequence of the card
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._sequence = 0

    def fail_next(self, path: str, kind: FaultKind, *, number: float = 0, times: int = 1) -> None:
        """Let the next `times` calls of `path` (e.g. `message/send`) fail."""
        with self._lock:
            self._faults[path].extend([Fault(kind, number)] * times)

    def next_fault(self, path: str) -> Fault | None:
        """The fault of this call, used up."""
        with self._lock:
            return self._faults[path].popleft() if self._faults[path] else None

    def name_of(self, userid: str) -> str | None:
        """The member's name, None when there is no such member."""
        return userid if self.members is None else self.members.get(userid)

    def issue_token(self) -> str:
        """The app's token; the same one while it lives."""
        with self._lock:
            self.token_fetches += 1
            if self._token is None or self._token[1] <= self.clock():
                self._token = (secrets.token_urlsafe(48), self.clock() + timedelta(seconds=TOKEN_LIFETIME_S))
            return self._token[0]

    def revoke_token(self) -> None:
        """End the token early, as WeCom may."""
        with self._lock:
            self._token = None

    def token_state(self, token: str) -> int:
        """0, or the errcode of a token that is not valid."""
        with self._lock:
            if not token:
                return 41001
            if self._token is None or not secrets.compare_digest(token.encode(), self._token[0].encode()):
                return 40014
            return 0 if self._token[1] > self.clock() else 42001

    def deliver(self, userid: str, msgtype: str, body: Mapping[str, Any], *, repeat_within_s: int) -> ChatMessage:
        """Put a message on a member's phone, unless it repeats one or comes too fast; both without an error.

        Args:
            repeat_within_s: drop the same content to the same member for so long; 0: never.
        """
        with self._lock:
            now, fate = self.clock(), "delivered"
            message = self._new(userid, msgtype, body, mine=False)
            content = hashlib.sha256(json.dumps([userid, msgtype, body], sort_keys=True).encode()).hexdigest()
            last = self._contents.get(content)
            if repeat_within_s and last is not None and now - last < timedelta(seconds=repeat_within_s):
                fate = "duplicate"
            elif self._too_fast(userid, now):
                fate = "rate"
            else:
                self._contents[content] = now
                self._chats[userid].append(message)
            self.deliveries.append(Delivery(message, fate))
            return message

    def _too_fast(self, userid: str, now: datetime) -> bool:
        recent = self._recent[userid]
        while recent and now - recent[0] >= _RATE_WINDOW:
            recent.popleft()
        if len(recent) >= self.per_minute:
            return True
        recent.append(now)
        return False

    def note_own(self, userid: str, msgtype: str, body: Mapping[str, Any]) -> ChatMessage:
        """Show on the phone what its member wrote."""
        with self._lock:
            message = self._new(userid, msgtype, body, mine=True)
            self._chats[userid].append(message)
            return message

    def _new(self, userid: str, msgtype: str, body: Mapping[str, Any], *, mine: bool) -> ChatMessage:
        self._sequence += 1
        code = ""
        if msgtype == "template_card" and not mine:
            code = self._new_code(userid, self._sequence)
        msgid = "" if mine else secrets.token_urlsafe(24)
        return ChatMessage(self._sequence, userid, mine, msgtype, dict(body), self.clock(), msgid, code)

    def _new_code(self, userid: str, sequence: int) -> str:
        code = secrets.token_urlsafe(24)
        self._codes[code] = (userid, sequence)
        return code

    def click(self, userid: str, sequence: int) -> str:
        """A fresh response code for a click on a card; empty when there is no such card. One click, one code."""
        with self._lock:
            known = any(each.sequence == sequence and each.msgtype == "template_card" for each in self._chats[userid])
            return self._new_code(userid, sequence) if known else ""

    def update_card(self, code: str, change: Mapping[str, Any]) -> bool:
        """Change a card; False: the code is unknown or used up. `change` is `button` or `template_card`."""
        with self._lock:
            userid, sequence = self._codes.pop(code, ("", 0))
            for place, card in enumerate(self._chats.get(userid, ())):
                if card.sequence == sequence:
                    self._sequence += 1  # the phone polls for what is newer than it has seen
                    body = {**card.body, **change, "replaces": sequence}
                    del self._chats[userid][place]
                    self._chats[userid].append(replace(card, sequence=self._sequence, body=body))
                    return True
            return False

    def chat(self, userid: str, *, after: int = 0) -> Sequence[ChatMessage]:
        """What stands on a member's phone, oldest first, from beyond sequence number `after`."""
        with self._lock:
            return [each for each in self._chats.get(userid, ()) if each.sequence > after]

    def received(self, userid: str | None = None) -> list[ChatMessage]:
        """What the app got through to a member, or to everybody, oldest first."""
        with self._lock:
            got = [each.message for each in self.deliveries if each.fate == "delivered"]
            return [each for each in got if userid is None or each.userid == userid]
