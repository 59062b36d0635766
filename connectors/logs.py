"""How events are written to standard error: name, ids, counts, durations; never the words of a message or an error."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class EventFormatter(logging.Formatter):
    """`time LEVEL logger event key=value ...`; of an error its type and place, because its text may quote a member."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802, RUF100 - logging's own name
        """The line with what was given as `extra`."""
        extra = {key: value for key, value in vars(record).items() if key not in _ORDINARY}
        return " ".join([super().formatMessage(record), *(f"{key}={value}" for key, value in extra.items())])

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802, RUF100
        """Frames and types of the whole chain, without the messages: drivers put the values of a row into theirs."""
        lines: list[str] = []
        exc: BaseException | None = ei[1]
        while exc is not None:
            lines += ["Traceback (innermost last):", *traceback.format_tb(exc.__traceback__), type(exc).__qualname__]
            exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
        return "\n".join(line.rstrip("\n") for line in lines)
