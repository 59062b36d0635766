"""Masks personal data in words before a model, a log or an index sees them."""

from __future__ import annotations

from functools import cache

from assistant.compliance.privacy import PrivacyReader


@cache
def _reader() -> PrivacyReader:
    return PrivacyReader.load()


def mask(text: str) -> str:
    """`text` with personal data replaced by placeholders, irreversibly."""
    return _reader().mask(text)
