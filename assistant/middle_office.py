"""Everything that curators and officers do to knowledge, in one value, for whoever wires the house together."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.compliance.gate import ComplianceGate
from assistant.curating import Curating
from assistant.gaps import Gaps
from assistant.loading import Loading
from assistant.outgoing import Splitter
from assistant.recalling import Recalling
from assistant.records.records import Records
from assistant.watching import Watching
from knowledge.conflicts import ConflictFinder
from knowledge.ingestion.ingest import Ingestor
from knowledge.ingestion.wording import reason_sentence
from knowledge.retrieval.embedding import Embedder, HashEmbedder
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
    recalling: Recalling
    watching: Watching
    gaps: Gaps

    @classmethod
    def of(
        cls,
        records: Records,
        store: KnowledgeStore,
        ingestor: Ingestor,
        *,
        gate: ComplianceGate,
        split: Splitter,
        embedder: Embedder | None = None,
    ) -> MiddleOffice:
        """Over one database; `embedder` tells which questions are alike."""
        gaps = Gaps(records, store, gate, embedder or HashEmbedder(), split)
        return cls(
            store=store,
            catalog=Catalog(records.database),
            files=FileStore(records.database),
            editing=DraftEditing(store),
            curating=Curating(records, store, gaps.approved),
            loading=Loading(records, ingestor, reason_sentence),
            recalling=Recalling(records, store, gate, split),
            watching=Watching(records, ConflictFinder(store, lambda: _parents(records))),
            gaps=gaps,
        )


def _parents(records: Records) -> dict[str, str | None]:
    """Each branch with the one above it."""
    return {branch.branch_id: branch.parent for branch in records.staff.branches()}
