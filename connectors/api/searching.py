"""Search through the one retrieval function, why it found what it found, and product sheets in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, StringConstraints

from assistant.errors import StaffUnknown
from connectors.api.door import AnyCaller, Caller, Reader
from connectors.api.failing import ApiRefused
from connectors.api.passage_shapes import ExplainOut, SearchOut
from connectors.api.shapes import Day, In, Line, Out, Words
from connectors.services import Services
from knowledge.documents import DocumentKind, Scope

Question = Annotated[Words, StringConstraints(min_length=1, max_length=2_000)]
Top = Annotated[int, Field(ge=1, le=100)]


class SearchIn(In):
    """A question. `on`: a business day, default today; `kinds` null: all; `as_userid`: with that member's scope."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"query": "稳盈90天能提前赎回吗", "top": 5}]}
    )
    query: Question
    on: Day | None = None
    kinds: frozenset[DocumentKind] | None = None
    top: Top = 10
    as_userid: Line | None = None


class ProductOut(Out):
    """One product as the bank describes it; `sheet` has the fields of a product file (docs/samples.md)."""

    code: str = Field(examples=["WY90"])
    document_id: str
    version_id: str
    title: str
    effective_from: Day
    effective_until: Day | None
    sheet: dict[str, Any]


class ProductsOut(Out):
    """Product sheets in force on `on`, by code."""

    on: Day
    products: list[ProductOut]


def routes(services: Callable[[], Services]) -> APIRouter:
    """The finding routes."""
    router = APIRouter(tags=["search"])

    def found(caller: Caller, asked: SearchIn) -> SearchOut:
        built = services()
        day, scope = asked.on or built.today(), _scope(built, caller, asked)
        result = built.retriever.search(asked.query, scope=scope, on=day, top_k=asked.top, kinds=asked.kinds)
        return SearchOut.of(asked.query, day, result)

    @router.get("/search", summary="Find passages")
    def search(
        caller: AnyCaller,
        query: Annotated[Question, Query(examples=["稳盈90天能提前赎回吗"])],
        on: Day | None = None,
        kinds: Annotated[list[DocumentKind] | None, Query()] = None,
        top: Top = 10,
        as_userid: Line | None = None,
    ) -> SearchOut:
        wanted = frozenset(kinds) if kinds else None
        return found(caller, SearchIn(query=query, on=on, kinds=wanted, top=top, as_userid=as_userid))

    @router.post("/search", summary="Find passages; the question stays out of addresses and logs")
    def search_by_body(caller: AnyCaller, body: SearchIn) -> SearchOut:
        return found(caller, body)

    @router.post("/search/explain", summary="Why a search found what it found, and what was filtered out")
    def explain(caller: Reader, body: SearchIn) -> ExplainOut:
        built = services()
        day, scope = body.on or built.today(), _scope(built, caller, body)
        explained = built.retriever.explain(body.query, scope=scope, on=day, top_k=body.top, kinds=body.kinds)
        return ExplainOut.of(explained)

    @router.get("/products", summary="Product sheets in force on a day")
    def products(caller: AnyCaller, on: Day | None = None) -> ProductsOut:
        built = services()
        day = on or built.today()
        sheets = [
            ProductOut(
                code=version.product_code or str(_sheet(version.payload).get("code", "")),
                document_id=version.document_id,
                version_id=version.version_id,
                title=version.title,
                effective_from=version.effective_from,
                effective_until=version.effective_until,
                sheet=_sheet(version.payload),
            )
            for version in built.store.payloads(DocumentKind.PRODUCT, day)
            if (version.payload or {}).get("content", "product") == "product"
            and (caller.reads_all or caller.scope.admits(version))
        ]
        return ProductsOut(on=day, products=sorted(sheets, key=lambda sheet: (sheet.code, sheet.version_id)))

    return router


def _scope(built: Services, caller: Caller, asked: SearchIn) -> Scope:
    """The caller's own scope, or another member's for who may read everything. Raises: ApiRefused, StaffUnknown."""
    if asked.as_userid is None or asked.as_userid == caller.userid:
        return caller.scope
    if not caller.reads_all:
        raise ApiRefused(403, "api_role_not_allowed")
    member = built.records.staff.get(asked.as_userid)
    if member is None:
        raise StaffUnknown(userid=asked.as_userid)
    return built.asking.scope_of(member)


def _sheet(payload: dict[str, Any] | None) -> dict[str, Any]:
    held = (payload or {}).get("data", payload)
    return held if isinstance(held, dict) else {}
