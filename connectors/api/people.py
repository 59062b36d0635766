"""Members, branches and the audit log, for compliance officers and administrators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from assistant.records.audit import AuditFilter
from connectors.api.door import Officer
from connectors.api.shapes import Limit, Line, Out
from connectors.services import Services

Sequence = Annotated[int, Field(ge=1, le=2**62)]


class MemberOut(Out):
    """A member of staff; `lines` are product lines."""

    userid: str = Field(examples=["rm001"])
    name: str
    role: str = Field(examples=["relationship_manager"])
    branch_id: str | None
    lines: list[str]
    active: bool
    created_at: datetime


class MembersOut(Out):
    """Members by userid."""

    members: list[MemberOut]


class BranchOut(Out):
    """A branch and the one above it."""

    branch_id: str
    name: str
    parent: str | None


class BranchesOut(Out):
    """Branches by id."""

    branches: list[BranchOut]


class EntryOut(Out):
    """One row of the audit log; `hash` seals it and all before it."""

    seq: int
    at: datetime
    actor: str
    event: str = Field(examples=["version_approved"])
    subject: str
    body: dict[str, Any]
    hash: str


class EntriesOut(Out):
    """Rows, newest first; ask again with `before` the smallest `seq` for older ones."""

    entries: list[EntryOut]


class ChainOut(Out):
    """Whether nothing was changed, removed or cut; `head` is what to note elsewhere."""

    whole: bool
    count: int
    head_seq: int
    head_hash: str
    broken_at: int | None
    problem: str | None


def routes(services: Callable[[], Services]) -> APIRouter:
    """The overseeing routes."""
    router = APIRouter()

    @router.get("/members", tags=["people"], summary="Members of staff")
    def members(caller: Officer) -> MembersOut:
        found = services().records.staff.all()
        rows = [{n: v for n, v in asdict(member).items() if n in MemberOut.model_fields} for member in found]
        return MembersOut(members=[MemberOut.model_validate(row) for row in rows])

    @router.get("/branches", tags=["people"], summary="Branches")
    def branches(caller: Officer) -> BranchesOut:
        found = services().records.staff.branches()
        return BranchesOut(branches=[BranchOut.model_validate(asdict(branch)) for branch in found])

    @router.get("/audit", tags=["audit"], summary="The audit log, newest first")
    def audit(
        caller: Officer,
        event: Line = "",
        actor: Line = "",
        subject: Line = "",
        before: Sequence | None = None,
        limit: Limit = 50,
    ) -> EntriesOut:
        found = services().records.audit.page(AuditFilter(event, actor, subject), before=before, limit=limit)
        return EntriesOut(entries=[EntryOut.model_validate(asdict(entry)) for entry in found])

    @router.get("/audit/verify", tags=["audit"], summary="Prove that the audit log is whole")
    def verify(caller: Officer) -> ChainOut:
        report = services().records.audit.verify()
        return ChainOut(
            whole=report.whole,
            count=report.count,
            head_seq=report.head.seq,
            head_hash=report.head.hash,
            broken_at=report.broken_at,
            problem=report.problem,
        )

    return router
