"""Conversations in JSON: WeCom's message archive (会话内容存档), and dialogues as `{"turns": [{"role", "text"}]}`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from knowledge.ingestion.typed.chats import CUSTOMER, MANAGER, Conversation, Message, is_silent
from knowledge.ingestion.wording import words

_SHANGHAI = timezone(timedelta(hours=8))
_EXTERNAL = ("wm", "wo")  # ids of customers; members have their userid, robots begin with wb
_ROBOT = "wb"
_LISTS = ("turns", "messages", "conversation", "dialogue", "dialog", "chatdata", "utterances")
_SPEAKERS = ("role", "speaker", "sender", "from", "name", "发送人", "角色")
_TEXTS = ("text", "content", "say", "message", "utterance", "words", "内容")


def conversations_in_json(text: str) -> list[Conversation]:
    """The conversations in a JSON file or in JSON lines; empty when it holds none."""
    items = _items(text)
    if items and all(_is_archived(item) for item in items):
        return _archived(items)
    if items and all(_turn(item) is not None for item in items) and not any(_inner(item) for item in items):
        return [Conversation(tuple(_messages(items)))]
    return [found for item in items if (found := _dialogue(item)) is not None]


def _items(text: str) -> list[dict[str, Any]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = _lines(text)
    if isinstance(data, dict):
        inner = _inner(data)
        data = inner if inner and all(_is_archived(item) for item in inner) else [data]
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _lines(text: str) -> list[Any]:
    found: list[Any] = []
    for line in text.splitlines():
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                return []
    return found


def _inner(item: Mapping[str, Any]) -> list[Any]:
    for name in _LISTS:
        value = item.get(name)
        if isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value):
            return value
    return []


def _dialogue(item: Mapping[str, Any]) -> Conversation | None:
    messages = tuple(_messages(_inner(item)))
    if not messages:
        return None
    title, stage = _first(item, "title", "desc", "situation"), _first(item, "stage", "expectStage")
    return Conversation(messages, title, stage, _first(item, "outcome", "result"), _first(item, "summary"))


def _messages(turns: list[Any]) -> Iterator[Message]:
    for turn in turns:
        message = _turn(turn)
        if message is not None and message.text and not is_silent(message.speaker):
            yield message


def _turn(item: Any) -> Message | None:
    if not isinstance(item, dict):
        return None
    text = next((item[name] for name in _TEXTS if isinstance(item.get(name), str)), None)
    if text is None:
        return None
    return Message(_first(item, *_SPEAKERS), text.strip(), _stated_day(item))


def _stated_day(item: Mapping[str, Any]) -> date | None:
    try:
        return date.fromisoformat(_first(item, "date", "day", "time", "at")[:10])
    except ValueError:
        return None


def _first(item: Mapping[str, Any], *names: str) -> str:
    return next((str(item[name]) for name in names if isinstance(item.get(name), str | int) and item[name] != ""), "")


def _is_archived(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and "msgtime" in item
        and isinstance(item.get("from"), str)
        and ("tolist" in item or "roomid" in item)
    )


def _archived(items: list[dict[str, Any]]) -> list[Conversation]:
    """One conversation per chat and day in Asia/Shanghai, without messages taken back and chats among members."""
    taken_back = {_revoked(item) for item in items}
    chats: dict[tuple[str, date], list[Message]] = {}
    for item in sorted(items, key=lambda one: (_millis(one), str(one.get("seq", "")))):
        text = _content(item)
        if item.get("action", "send") != "send" or item.get("msgid") in taken_back or not text:
            continue
        speaker = item["from"]
        if speaker.startswith(_ROBOT):
            continue
        day = datetime.fromtimestamp(_millis(item) / 1000, UTC).astimezone(_SHANGHAI).date()
        role = CUSTOMER if speaker.startswith(_EXTERNAL) else MANAGER
        chats.setdefault((_chat(item), day), []).append(Message(speaker, text, day, role))
    return [Conversation(tuple(said)) for said in chats.values() if any(one.role == CUSTOMER for one in said)]


def _chat(item: Mapping[str, Any]) -> str:
    receivers = item.get("tolist")
    people = {item["from"], *(map(str, receivers) if isinstance(receivers, list) else ())}
    return str(item.get("roomid") or "") or " ".join(sorted(people))


def _millis(item: Mapping[str, Any]) -> int:
    try:
        return min(max(int(item.get("msgtime", 0)), 0), 4_102_444_800_000)
    except (TypeError, ValueError):
        return 0


def _revoked(item: Mapping[str, Any]) -> str | None:
    revoke = item.get("revoke")
    return str(revoke.get("pre_msgid")) if isinstance(revoke, dict) else None


def _content(item: Mapping[str, Any]) -> str:
    kind = str(item.get("msgtype", "text"))
    body = item.get(kind, item.get("text"))
    if kind in {"text", "markdown"}:
        said = body.get("content") if isinstance(body, dict) else body
        return str(said or "").strip()
    if kind in {"revoke", "agree", "disagree"}:
        return ""
    known = words("chat_placeholders")
    return str(known.get(kind, known["other"]))
