"""Everything the doors are handed: built once in app.py, never by a door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from assistant.asking import Asking
from assistant.clock import business_day
from assistant.compliance.gate import ComplianceGate
from assistant.deciding import Deciding
from assistant.middle_office import MiddleOffice
from assistant.records.records import Records
from assistant.settings import Settings
from knowledge.ingestion.ingest import Ingestor
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.stores.repository import KnowledgeStore


@dataclass(frozen=True)
class Services:
    """The built house. `now` is the one clock, aware UTC; `today` the business day in Asia/Shanghai."""

    settings: Settings
    home: Path
    records: Records
    store: KnowledgeStore
    retriever: KnowledgeRetriever
    gate: ComplianceGate
    asking: Asking
    deciding: Deciding
    ingestor: Ingestor
    middle_office: MiddleOffice
    now: Callable[[], datetime]

    def today(self) -> date:
        """The business day: today in Asia/Shanghai."""
        return business_day(self.now())

    def close(self) -> None:
        """Let go of files, locks and connections."""
        self.retriever.close()
        self.records.database.close()
