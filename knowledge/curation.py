"""Who may let a wording out, and take it back: a second person, who is a curator or a compliance officer."""

from __future__ import annotations

from knowledge.documents import DocumentVersion

CURATOR_ROLES = frozenset({"curator", "compliance_officer"})
APPROVER_ROLES = CURATOR_ROLES


def may_curate(role: str) -> bool:
    """Whether this role may upload, edit, submit and withdraw."""
    return role in CURATOR_ROLES


def may_approve(version: DocumentVersion, *, by: str, role: str) -> bool:
    """Whether this person may approve a wording: never one that they uploaded, edited or handed in themselves."""
    own = {version.uploaded_by, version.submitted_by, *version.editors}
    return role in APPROVER_ROLES and bool(by) and by not in own
