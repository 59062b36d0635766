"""Who may let a wording out, and take it back: a second person, who is a curator or a compliance officer."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from knowledge.documents import DocumentVersion
from knowledge.errors import ApproverNotAllowed

APPROVER_ROLES = frozenset({"curator", "compliance_officer"})


class Versions(Protocol):
    """Where versions are kept."""

    def version(self, version_id: str) -> DocumentVersion: ...

    def approve(
        self, version_id: str, by: str, *, now: datetime | None = None, conn: Connection | None = None
    ) -> DocumentVersion: ...

    def withdraw(
        self, version_id: str, by: str, *, now: datetime | None = None, conn: Connection | None = None
    ) -> DocumentVersion: ...


def may_approve(*, by: str, role: str, uploaded_by: str) -> bool:
    """Whether this person may approve what `uploaded_by` has put in."""
    return role in APPROVER_ROLES and bool(by) and by != uploaded_by


def approve(versions: Versions, version_id: str, *, by: str, role: str, now: datetime | None = None) -> DocumentVersion:
    """Let a version be retrieved inside its dates.

    Raises: ApproverNotAllowed, DocumentNotFound, VersionWithdrawn.
    """
    version = versions.version(version_id)
    if not may_approve(by=by, role=role, uploaded_by=version.uploaded_by):
        raise ApproverNotAllowed(version_id=version_id, by=by)
    return versions.approve(version_id, by, now=now)


def withdraw(
    versions: Versions, version_id: str, *, by: str, role: str, now: datetime | None = None
) -> DocumentVersion:
    """Take a version out of retrieval for good; the uploader may do it too, since it only makes less sayable.

    Raises: ApproverNotAllowed, DocumentNotFound.
    """
    version = versions.version(version_id)
    if role not in APPROVER_ROLES and by != version.uploaded_by:
        raise ApproverNotAllowed(version_id=version_id, by=by)
    return versions.withdraw(version_id, by, now=now)
