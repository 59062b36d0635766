"""What an answer of the WeCom API means for the message that was sent: one table, judged by errcode alone."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from assistant.outgoing import SendOutcome, SendResult


class Trouble(StrEnum):
    """Kinds of error codes, by what helps."""

    BUSY = "busy"  # passes by itself
    CREDENTIAL = "credential"  # a fresh token helps, once
    CONFIGURATION = "configuration"  # somebody must change a setting; the message can wait for that
    RECEIVER = "receiver"  # this member gets nothing, however often it is tried
    MISTAKE = "mistake"  # the request is wrong; repeating it is too


_BUSY = {-1: 2.0, 6000: 2.0, 45033: 5.0, 45009: 60.0}  # seconds to wait; 45009 counts by the minute
_CREDENTIAL = frozenset({40001, 40014, 42001})
_CONFIGURATION = frozenset({40013, 40056, 41001, 41004, 41011, 43012, 48002, 48006, 50003, 60020, 301002})
_RECEIVER = frozenset({40003, 60011, 60111, 81013, 82001})
CONFIGURATION_WAIT_S = 60.0


def trouble_of(errcode: int) -> Trouble:
    """The kind of an errcode other than 0."""
    if errcode in _BUSY:
        return Trouble.BUSY
    if errcode in _CREDENTIAL:
        return Trouble.CREDENTIAL
    if errcode in _CONFIGURATION:
        return Trouble.CONFIGURATION
    return Trouble.RECEIVER if errcode in _RECEIVER else Trouble.MISTAKE


def refusal(errcode: int) -> SendResult:
    """The outcome of a send that was answered with an error; token errors arrive here after a fresh token failed."""
    trouble = trouble_of(errcode)
    if trouble is Trouble.BUSY:
        return SendResult(SendOutcome.RETRY, errcode, retry_after_s=_BUSY[errcode], detail=trouble.value)
    if trouble in (Trouble.CREDENTIAL, Trouble.CONFIGURATION):
        detail = Trouble.CONFIGURATION.value
        return SendResult(SendOutcome.RETRY, errcode, retry_after_s=CONFIGURATION_WAIT_S, detail=detail)
    return SendResult(SendOutcome.REFUSED, errcode, detail=trouble.value)


def acceptance(userid: str, answer: Mapping[str, Any]) -> SendResult:
    """The outcome of errcode 0, which also stands above messages that reached nobody."""
    for key in ("invaliduser", "unlicenseduser"):
        missed = str(answer.get(key) or "").casefold().split("|")
        if userid.casefold() in missed:
            return SendResult(SendOutcome.REFUSED, 0, detail=key)
    return SendResult(SendOutcome.SENT, 0, msgid=str(answer.get("msgid") or ""))
