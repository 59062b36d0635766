"""Names of document kinds as the command line offers them, without loading the knowledge room."""

from __future__ import annotations

import enum


class DocumentKindName(enum.StrEnum):
    """The same names as knowledge.documents.DocumentKind; a test keeps them equal."""

    PRODUCT = "product"
    REGULATION = "regulation"
    TRANSCRIPT = "transcript"
    PLAYBOOK = "playbook"
    FAQ = "faq"
    OTHER = "other"
