"""WeCom's side of the callback: a member's doings become encrypted POSTs, as WeCom would send them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

import requests

from connectors.wecom.envelope import Envelope

ATTEMPTS = 3  # as often as WeCom
_ANSWER_S = 5.0  # and as patient
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotTaken(Exception):
    """The app's door did not acknowledge the message; `why` is its own code, or the trouble of the network."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Knocker:
    """Sends callbacks to `url` for the app `agent_id`. Each method raises NotTaken."""

    url: str
    envelope: Envelope
    agent_id: str
    clock: Callable[[], datetime]

    def say(self, userid: str, text: str) -> None:
        """The member writes."""
        self._knock({"MsgType": "text", "Content": text, "MsgId": str(secrets.randbits(62))}, userid)

    def enter(self, userid: str) -> None:
        """The member opens the app's chat."""
        self._knock({"MsgType": "event", "Event": "enter_agent", "EventKey": ""}, userid)

    def click(self, userid: str, *, key: str, task_id: str, card_type: str, response_code: str) -> None:
        """The member presses a button of a card."""
        event = {"MsgType": "event", "Event": "template_card_event", "EventKey": key, "TaskId": task_id}
        self._knock({**event, "CardType": card_type, "ResponseCode": response_code}, userid)

    def _knock(self, fields: Mapping[str, str], userid: str) -> None:
        common = {
            "ToUserName": self.envelope.corp_id,
            "FromUserName": userid,
            "CreateTime": str(int(self.clock().timestamp())),
            "AgentID": self.agent_id,
        }
        xml = "".join(
            f"<{name}>{escape(_NOT_XML.sub('', text))}</{name}>" for name, text in {**common, **fields}.items()
        )
        self._post(f"<xml>{xml}</xml>")

    def _post(self, xml: str) -> None:
        why = ""
        for _ in range(ATTEMPTS):
            body, signed = self.envelope.seal(xml, now=self.clock(), agent_id=self.agent_id)
            query = {"msg_signature": signed.signature, "timestamp": signed.timestamp, "nonce": signed.nonce}
            try:
                with requests.Session() as session:
                    session.trust_env = False  # the door is on this machine, whatever proxy is set
                    answer = session.post(self.url, params=query, data=body.encode(), timeout=_ANSWER_S)
            except requests.RequestException as error:
                why = type(error).__name__
                continue
            if answer.status_code == requests.codes.ok:
                return
            why = f"http_{answer.status_code}"
            if answer.status_code < requests.codes.server_error:
                break
        raise NotTaken(why)
