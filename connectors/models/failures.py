"""What can go wrong at a model endpoint, in the few words that the assistant acts on."""

from __future__ import annotations

from connectors.models.transport import AddressRefused, TooLarge

# What a hostile or foreign endpoint can make the SDK stumble over: bodies of another shape than the protocol's.
OTHER_SHAPES = (ValueError, TypeError, KeyError, IndexError, AttributeError)  # JSONDecodeError is a ValueError


def expected_failures() -> tuple[type[Exception], ...]:
    """What a call may raise through no fault of ours."""
    import httpx2
    import openai

    return (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, OSError, TooLarge, AddressRefused, *OTHER_SHAPES)


def reason_of(exc: BaseException) -> str:
    """The `reason` of a ModelUnavailable: see ChatPort."""
    import httpx2
    import openai

    cause = exc.__cause__
    if isinstance(exc, openai.APIConnectionError) and isinstance(cause, TooLarge | AddressRefused):
        exc = cause  # the SDK wraps whatever its client raises
    if isinstance(exc, openai.APIStatusError):
        return _status_reason(exc.status_code)
    table: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
        (TooLarge, "too_large"),
        (AddressRefused, "address_refused"),
        ((openai.APITimeoutError, httpx2.TimeoutException, TimeoutError), "timeout"),
        ((openai.APIConnectionError, httpx2.HTTPError, httpx2.StreamError, OSError), "unreachable"),
        (openai.APIResponseValidationError, "bad_json"),
        (openai.OpenAIError, "http_5xx"),  # an error event inside a stream
    )
    return next((reason for kinds, reason in table if isinstance(exc, kinds)), "bad_json")


def _status_reason(status: int) -> str:
    if status == 429:
        return "http_429"
    return "http_5xx" if status >= 500 else "http_4xx"
