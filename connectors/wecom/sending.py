"""The assistant's sender and directory over WeCom."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.outgoing import DirectoryUnavailable, Member, SendOutcome, SendResult
from connectors.wecom.answers import Trouble, acceptance, refusal, trouble_of
from connectors.wecom.client import ApiError, ApiUnreachable, WorkClient

TEXT_LIMIT_BYTES = 2048  # of text and markdown; WeCom cuts what is longer without a word
_TEXTUAL = ("text", "markdown")
_NETWORK_WAIT_S = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeComSender:
    """Sends app messages, always with WeCom's duplicate check, so that a lost answer may be followed by a repeat.

    Args:
        duplicate_check_s: for this long WeCom drops a repeat of the same content to the same member.
    """

    client: WorkClient
    agent_id: str
    duplicate_check_s: int = 120

    def send(self, userid: str, msgtype: str, body: Mapping[str, object]) -> SendResult:
        """Send one message to one member; see `assistant.outgoing.MessageSender`."""
        mistake = _mistake(userid, msgtype, body)
        if mistake:
            log.error("wecom_send_mistake", extra={"mistake": mistake, "msgtype": msgtype})
            return SendResult(SendOutcome.REFUSED, detail=mistake)
        result = self._send(userid, msgtype, body)
        if result.outcome is not SendOutcome.SENT:
            extra = {"outcome": result.outcome.value, "errcode": result.errcode, "detail": result.detail}
            log.warning("wecom_send_failed", extra=extra)
        return result

    def _send(self, userid: str, msgtype: str, body: Mapping[str, object]) -> SendResult:
        message = {
            "touser": userid,
            "agentid": int(self.agent_id) if self.agent_id.isdigit() else self.agent_id,
            "msgtype": msgtype,
            msgtype: dict(body),
            "enable_duplicate_check": 1,
            "duplicate_check_interval": self.duplicate_check_s,
        }
        try:
            answer = self.client.call("post", "message/send", data=message)
        except ApiError as error:
            return refusal(error.errcode)
        except ApiUnreachable as error:
            outcome = SendOutcome.UNKNOWN if error.request_left else SendOutcome.RETRY
            return SendResult(outcome, retry_after_s=_NETWORK_WAIT_S, detail=error.what)
        # The token store is a database: without it nothing was sent.
        except Exception as error:  # noqa: BLE001
            return SendResult(SendOutcome.RETRY, retry_after_s=_NETWORK_WAIT_S, detail=type(error).__name__)
        return acceptance(userid, answer)


def _mistake(userid: str, msgtype: str, body: Mapping[str, object]) -> str:
    """What WeCom would turn into a message to everybody or into half a message; empty if nothing."""
    if not userid or "|" in userid or userid.startswith("@"):
        return "not_one_member"  # `a|b` and `@all` address many
    if msgtype in _TEXTUAL:
        content = body.get("content")
        if not isinstance(content, str) or not content.strip():
            return "empty_content"
        if len(content.encode("utf-8", "replace")) > TEXT_LIMIT_BYTES:
            return "content_too_long"
    return ""


@dataclass(frozen=True)
class WeComDirectory:
    """Looks members up with `user/get`."""

    client: WorkClient

    def look_up(self, userid: str) -> Member | None:
        """The member, None when WeCom does not know them or they may not use the app. Raises DirectoryUnavailable."""
        try:
            answer = self.client.call("get", "user/get", params={"userid": userid})
        except ApiError as error:
            if trouble_of(error.errcode) is Trouble.RECEIVER:
                return None
            raise DirectoryUnavailable(f"errcode {error.errcode}") from error
        except ApiUnreachable as error:
            raise DirectoryUnavailable(error.what) from error
        departments = answer.get("department")
        ids = tuple(each for each in departments if isinstance(each, int)) if isinstance(departments, list) else ()
        return Member(userid, str(answer.get("name") or ""), ids)
