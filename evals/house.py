"""What the harness is handed: the product over the sample bank, with a clock that stands and ids that repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Protocol

from assistant.asking import Asking
from assistant.clock import SHANGHAI
from assistant.compliance.gate import ComplianceGate
from assistant.conversation import Talk
from assistant.records.drafts import Conversation
from assistant.records.records import Records
from knowledge.documents import WHOLE_BANK, DocumentKind, DocumentVersion, Scope, SearchResult
from knowledge.stores.repository import KnowledgeStore

MORNING = time(10, 0)
DEFAULT_USER = "rm001"


class Retriever(Protocol):
    """The one retrieval function."""

    def search(
        self, question: str, *, scope: Scope, on: date, top_k: int = 10, kinds: frozenset[DocumentKind] | None = None
    ) -> SearchResult: ...


class Phone(Protocol):
    """A member's WeCom: what is typed goes in encrypted over HTTP, what arrives comes back."""

    def says(self, userid: str, words: str, *, at: datetime) -> Sequence[str]:
        """Send one message, let everything be worked off, and return the texts that arrived for the member."""
        ...


class SeededIds:
    """Ids that are the same in every run: they follow from the case and from how many were taken for it."""

    def __init__(self, seed: int) -> None:
        self._seed, self._of, self._taken = seed, "", 0

    def begin(self, name: str) -> None:
        """Start over for one case."""
        self._of, self._taken = name, 0

    def __call__(self) -> str:
        """32 hexadecimal digits, as uuid4().hex gives."""
        self._taken += 1
        return hashlib.sha256(f"{self._seed}:{self._of}:{self._taken}".encode()).hexdigest()[:32]


class StandingClock:
    """Stands still until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True)
class House:
    """The built product. `settings` are those that matter to the results, by name."""

    records: Records
    store: KnowledgeStore
    retriever: Retriever
    gate: ComplianceGate
    asking: Asking
    talk: Talk
    ids: SeededIds
    clock: StandingClock
    embedder_id: str
    settings: Mapping[str, str] = field(default_factory=dict)
    phone: Phone | None = None

    @cached_property
    def versions(self) -> Mapping[str, DocumentVersion]:
        """Every version in the knowledge, read from the database itself, by id."""
        return {version.version_id: version for version in self.store.versions()}

    def scope(self, userid: str | None) -> Scope:
        """What a member may read; None: the whole bank. Raises: LookupError for nobody's id."""
        if userid is None:
            return WHOLE_BANK
        member = self.records.staff.get(userid)
        if member is None:
            raise LookupError(userid)
        return self.asking.scope_of(member)

    def begin(self, name: str, on: date, *, step: int = 0) -> datetime:
        """Set clock and ids for one case; returns the instant, ten in the morning plus `step` minutes."""
        self.ids.begin(name)
        return self.set_clock(on, step)

    def set_clock(self, on: date, step: int) -> datetime:
        """Ten in the morning of a business day, plus `step` minutes, as aware UTC."""
        self.clock.at = datetime.combine(on, MORNING, SHANGHAI).astimezone(UTC) + timedelta(minutes=step)
        return self.clock.at

    def forget(self, userid: str, *, now: datetime) -> None:
        """Empty what the conversation with a member remembers."""
        with self.records.database.writing() as conn:
            self.records.conversations.save(conn, Conversation(userid, None, None, None, {}), now=now)
