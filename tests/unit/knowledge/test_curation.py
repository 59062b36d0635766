from __future__ import annotations

from datetime import date

import pytest

from knowledge.curation import may_approve
from knowledge.documents import DocumentKind, DocumentVersion, VersionStatus


def version(**changed: object) -> DocumentVersion:
    values = {"uploaded_by": "curator1", "submitted_by": "curator2", "editors": ("curator3",), **changed}
    return DocumentVersion("d@v1", "d", 1, DocumentKind.OTHER, "公告", VersionStatus.DRAFT, date(2026, 1, 1), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("by", "role"), [("curator4", "curator"), ("officer1", "compliance_officer")])
def test_a_second_person_with_the_role_approves(by: str, role: str) -> None:
    assert may_approve(version(), by=by, role=role)


@pytest.mark.parametrize("role", ["relationship_manager", "head_of_retail", "admin", ""])
def test_nobody_without_the_role_approves(role: str) -> None:
    assert not may_approve(version(), by="someone", role=role)


@pytest.mark.parametrize("by", ["curator1", "curator2", "curator3", ""])
def test_whoever_uploaded_edited_or_submitted_it_does_not_approve_it(by: str) -> None:
    assert not may_approve(version(), by=by, role="curator")
