"""Everything that curators and officers do to knowledge, in one value, for whoever wires the house together."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.curating import Curating
from assistant.loading import Loading
from assistant.records.records import Records
from knowledge.ingestion.ingest import Ingestor
from knowledge.ingestion.wording import reason_sentence
from knowledge.stores.catalog import Catalog
from knowledge.stores.editing import DraftEditing
from knowledge.stores.files import FileStore
from knowledge.stores.repository import KnowledgeStore


@dataclass(frozen=True)
class MiddleOffice:
    """The console, the API and the command line stand on these."""

    store: KnowledgeStore
    catalog: Catalog
    files: FileStore
    editing: DraftEditing
    curating: Curating
    loading: Loading

    @classmethod
    def of(cls, records: Records, store: KnowledgeStore, ingestor: Ingestor) -> MiddleOffice:
        """Over one database."""
        return cls(
            store=store,
            catalog=Catalog(records.database),
            files=FileStore(records.database),
            editing=DraftEditing(store),
            curating=Curating(records, store),
            loading=Loading(records, ingestor, reason_sentence),
        )
