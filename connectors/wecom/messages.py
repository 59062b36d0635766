"""From decrypted XML to a message the assistant understands, with the key by which repeats are recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

from wechatpy.enterprise.events import register_event
from wechatpy.enterprise.messages import register_message
from wechatpy.enterprise.parser import parse_message
from wechatpy.events import BaseEvent
from wechatpy.fields import IntegerField, StringField
from wechatpy.messages import BaseMessage

from connectors.wecom.envelope import parse_xml
from connectors.wecom.errors import CallbackRefused, Reason

CHANNEL = "wecom_app"
KINDS = frozenset({"text", "image", "voice", "shortvideo", "video", "location", "link", "file", "event"})
_LONGEST_USERID = 128  # WeCom allows 64 bytes; external ids are shorter than 128 characters
_LONGEST_DETAIL = 2048
_EVENT_KEY_FIELDS = (
    "FromUserName", "CreateTime", "Event", "ChangeType", "EventKey", "TaskId", "UserID", "ExternalUserID",
    "ResponseCode", "ChatId", "State", "WelcomeCode",
)  # fmt: skip
_OWN_FIELDS = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "AgentID", "Content"})


@register_event("template_card_event")
# wechatpy carries no types
class TemplateCardEvent(BaseEvent):  # type: ignore[misc]
    """A click on a template card; wechatpy 1.8.18 does not know it."""

    event = "template_card_event"
    agent = IntegerField("AgentID", 0)
    key = StringField("EventKey")
    task_id = StringField("TaskId")
    card_type = StringField("CardType")
    response_code = StringField("ResponseCode")


@register_event("template_card_menu_event")
class TemplateCardMenuEvent(TemplateCardEvent):
    """A choice in the menu at a card's corner."""

    event = "template_card_menu_event"


@register_event("change_external_contact")
# wechatpy carries no types
class ChangeExternalContactEvent(BaseEvent):  # type: ignore[misc]
    """A customer was added, edited or lost."""

    event = "change_external_contact"
    agent = IntegerField("AgentID", 0)
    change_type = StringField("ChangeType")


@register_message("file")
# wechatpy carries no types
class FileMessage(BaseMessage):  # type: ignore[misc]
    """A file; wechatpy 1.8.18 does not know it."""

    type = "file"
    agent = IntegerField("AgentID", 0)
    media_id = StringField("MediaId")


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message or event of a member.

    `kind` is one of KINDS, or `unknown` with WeCom's own word in `msgtype`. `content` is the text of a text message.
    `selected` holds (question, options) of a card; `details` the remaining plain fields, e.g. MediaId or ChangeType.
    """

    kind: str
    msgtype: str
    userid: str
    dedupe_key: str
    content: str = ""
    event: str = ""
    event_key: str = ""
    task_id: str = ""
    response_code: str = ""
    msg_id: str = ""
    agent_id: str = ""
    created_at: datetime | None = None
    selected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, object]:
        """What the inbox keeps: these fields as JSON, `created_at` as ISO text."""
        row: dict[str, object] = {each.name: getattr(self, each.name) for each in fields(self)}
        row["created_at"] = self.created_at.isoformat() if self.created_at else None
        row["selected"] = [{"question": question, "options": list(options)} for question, options in self.selected]
        row["details"] = dict(self.details)
        return row


def read_message(xml: str) -> IncomingMessage:
    """Read decrypted XML. Raises CallbackRefused for anything that is no message of somebody."""
    root = parse_xml(xml)  # before wechatpy: it refuses entities, but not a DTD
    try:
        message: Any = parse_message(xml)
        return _read(root, message, xml)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise CallbackRefused(Reason.MALFORMED) from error


def _read(root: Element, message: Any, xml: str) -> IncomingMessage:
    userid = (message.source or "").strip()
    if not userid or len(userid) > _LONGEST_USERID:
        raise CallbackRefused(Reason.MALFORMED)
    msgtype = _text(root, "MsgType").lower()
    event = _text(root, "Event") if msgtype == "event" else ""
    return IncomingMessage(
        kind=msgtype if msgtype in KINDS else "unknown",
        msgtype=msgtype[:64],
        userid=userid,
        dedupe_key=_dedupe_key(root, msgtype, message, xml),
        content=(root.findtext("Content") or "") if msgtype == "text" else "",
        event=event.lower()[:64],
        event_key=_text(root, "EventKey")[:_LONGEST_DETAIL],
        task_id=_text(root, "TaskId")[:_LONGEST_DETAIL],
        response_code=_text(root, "ResponseCode")[:_LONGEST_DETAIL],
        msg_id=str(message.id or ""),
        agent_id=_text(root, "AgentID")[:64],
        created_at=datetime.fromtimestamp(message.time, UTC) if message.time else None,
        selected=_selected(root),
        details=_details(root),
    )


def _text(root: Element, name: str) -> str:
    return (root.findtext(name) or "").strip()


def _dedupe_key(root: Element, msgtype: str, message: Any, xml: str) -> str:
    """MsgId for messages; events have none, and their sender and second alone would merge different events."""
    if msgtype == "event":
        joined = "\x1f".join(_text(root, name) for name in _EVENT_KEY_FIELDS)
        return "event:" + hashlib.sha256(joined.encode()).hexdigest()[:40]
    if message.id:
        return f"message:{int(message.id)}"
    return "text:" + hashlib.sha256(xml.encode()).hexdigest()[:40]  # a repeat carries the same decrypted words


def _selected(root: Element) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (_text(item, "QuestionKey"), tuple(option.text or "" for option in item.iter("OptionId")))
        for item in root.findall("SelectedItems/SelectedItem")
    )


def _details(root: Element) -> dict[str, str]:
    plain = [child for child in root if len(child) == 0 and child.tag not in _OWN_FIELDS]
    return {child.tag: (child.text or "")[:_LONGEST_DETAIL] for child in plain[:32]}
