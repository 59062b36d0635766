"""Log lines carry events, ids and places, never the words of a message."""

from __future__ import annotations

import logging
import sys

from connectors.logs import EventFormatter


def record(**extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "room", "levelname": "ERROR", "msg": "inbox_failed"})
    vars(made).update(extra)
    return made


def test_what_is_given_as_extra_is_written() -> None:
    line = EventFormatter().format(record(inbox_id=7, code="locked"))
    assert line.endswith("ERROR room inbox_failed inbox_id=7 code=locked")


def test_the_words_of_an_error_and_of_its_causes_are_left_out() -> None:
    try:
        try:
            raise KeyError("张三的余额")
        except KeyError as cause:
            raise ValueError("张三 13812345678") from cause
    except ValueError:
        line = EventFormatter().format(record(exc_info=sys.exc_info()))
    assert "ValueError" in line
    assert "KeyError" in line
    assert "test_logs.py" in line
    assert "13812345678" not in line.replace('raise ValueError("张三 13812345678")', "")
