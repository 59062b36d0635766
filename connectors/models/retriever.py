"""The one retrieval as langchain's BaseRetriever, for the bank's own chains and agents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, SkipValidation

from connectors.passage_json import evidence_json
from knowledge.documents import DocumentKind, Scope, SearchResult


class Knowledge(Protocol):
    """The one retrieval, as `KnowledgeRetriever` has it."""

    def search(
        self, question: str, *, scope: Scope, on: date, top_k: int, kinds: frozenset[DocumentKind] | None
    ) -> SearchResult: ...


class WainaoRetriever(BaseRetriever):
    """Approved passages as documents, best first; nothing where retrieval abstains, unless `also_unsure`.

    The scope is a function and asked for every question, so that a token that is revoked in between counts no longer:
    it returns None then and the question raises PermissionError. Metadata are the keys of `wainao search --json`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    knowledge: SkipValidation[Knowledge]
    scope: Callable[[], Scope | None]
    today: Callable[[], date]
    top_k: int = Field(default=8, ge=1, le=50)
    kinds: frozenset[DocumentKind] | None = None
    also_unsure: bool = False

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, on: date | None = None
    ) -> list[Document]:
        scope = self.scope()
        if scope is None:
            raise PermissionError("the token is unknown or revoked")
        day = on or self.today()
        found = self.knowledge.search(query, scope=scope, on=day, top_k=self.top_k, kinds=self.kinds)
        if found.abstained and not self.also_unsure:
            return []
        passages: list[dict[str, Any]] = [evidence_json(evidence) for evidence in found.evidence]
        return [
            Document(id=passage["passage_id"], page_content=passage.pop("text"), metadata=passage)
            for passage in passages
        ]
