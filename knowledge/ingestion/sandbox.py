"""Reading of formats that are not text."""

from __future__ import annotations

from knowledge.errors import DocumentRefused
from knowledge.ingestion.extracted import ExtractedText


def extract(data: bytes, suffix: str) -> ExtractedText:
    """Raises: DocumentRefused."""
    raise DocumentRefused(reason="unknown_format")
