"""Passages in force that state different figures for the same product and attribute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from knowledge.stores.repository import KnowledgeStore


@dataclass(frozen=True, slots=True)
class Statement:
    """What one passage says: the figure as written, and the words around it."""

    passage_id: str
    version_id: str
    title: str
    value: str
    quote: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Statements that cannot all be true: at least two, of different figures."""

    subject: str
    attribute: str
    statements: tuple[Statement, ...]


@dataclass
class ConflictFinder:
    """Finds conflicts in one store; remembers what it read while knowledge stays the same."""

    store: KnowledgeStore

    def find(self, *, on: date) -> list[Conflict]:
        """Conflicts among what is in force on a day, by subject and attribute."""
        return []
