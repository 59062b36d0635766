"""The port to a chat model: one structured answer within a time limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered: `text` should be JSON but is unchecked; `usage` counts `prompt_tokens` and the like."""

    text: str
    model: str
    usage: Mapping[str, int] = field(default_factory=dict)


class ChatPort(Protocol):
    """A chat model that is asked for JSON and has no tools."""

    def complete(self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any], timeout_s: float) -> Completion:
        """The model's answer.

        Args:
            schema: JSON schema of the wanted object, with a `title`.
            timeout_s: wall clock for the whole call, seconds; it returns or raises by then.
        Raises: assistant.errors.ModelUnavailable with ids `reason` (timeout, http_429, http_5xx, http_4xx, bad_json,
            refused, too_large, unreachable, address_refused, busy) and `model`.
        """
        ...
