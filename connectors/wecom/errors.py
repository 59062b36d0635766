"""What can go wrong at the WeCom doors, and how each case is answered over HTTP.

CallbackRefused              what came in is not a message for us; `reason` says why
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a callback was refused."""

    SIGNATURE = "wrong_signature"
    STALE = "stale_timestamp"
    CORP = "wrong_corp"
    AGENT = "wrong_agent"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"


# reason: HTTP status, message, hint
ANSWERS: dict[Reason, tuple[int, str, str]] = {
    Reason.SIGNATURE: (403, "The signature does not match.", "Compare WAINAO_WECOM_TOKEN with the app's page."),
    Reason.STALE: (403, "The timestamp is too old or lies ahead.", "Check the clock, or raise WAINAO_WECOM_MAX_AGE_S."),
    Reason.CORP: (403, "The message belongs to another corp.", "Compare WAINAO_WECOM_CORP_ID with the corp's page."),
    Reason.AGENT: (403, "The message belongs to another app.", "Compare WAINAO_WECOM_AGENT_ID with the app's page."),
    Reason.MALFORMED: (400, "This is not an encrypted WeCom callback.", "Check that no proxy changes query or body."),
    Reason.TOO_LARGE: (413, "The body is larger than any WeCom callback.", "Callbacks are at most 256 KB."),
    Reason.TOO_SLOW: (408, "The body did not arrive in time.", "WeCom itself hangs up after 5 seconds."),
}


class CallbackRefused(Exception):
    """What came in is not a message for this app."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
