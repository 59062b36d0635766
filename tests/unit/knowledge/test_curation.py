from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from knowledge import curation
from knowledge.documents import DocumentKind, DocumentVersion, PassageText, VersionStatus
from knowledge.errors import ApproverNotAllowed
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore


@pytest.fixture
def store(tmp_path: Path) -> KnowledgeStore:
    database = Database(f"sqlite:///{tmp_path}/wainao.db", checkpoints=True)
    with database.migrating() as conn:
        tables.metadata.create_all(conn)
    return KnowledgeStore(database)


@pytest.fixture
def version(store: KnowledgeStore) -> DocumentVersion:
    return store.add_version(
        "d",
        DocumentKind.OTHER,
        "公告",
        [PassageText("正文。")],
        effective_from=date(2026, 1, 1),
        uploaded_by="curator1",
    )


@pytest.mark.parametrize(("by", "role"), [("curator2", "curator"), ("officer1", "compliance_officer")])
def test_a_second_person_with_the_role_approves(
    store: KnowledgeStore, version: DocumentVersion, by: str, role: str
) -> None:
    assert curation.approve(store, version.version_id, by=by, role=role).status is VersionStatus.APPROVED


@pytest.mark.parametrize(
    ("by", "role"), [("curator1", "curator"), ("rm001", "relationship_manager"), ("admin1", "admin"), ("", "curator")]
)
def test_nobody_else_approves(store: KnowledgeStore, version: DocumentVersion, by: str, role: str) -> None:
    with pytest.raises(ApproverNotAllowed):
        curation.approve(store, version.version_id, by=by, role=role)
    assert store.version(version.version_id).status is VersionStatus.DRAFT


def test_a_relationship_manager_withdraws_nothing(store: KnowledgeStore, version: DocumentVersion) -> None:
    with pytest.raises(ApproverNotAllowed):
        curation.withdraw(store, version.version_id, by="rm001", role="relationship_manager")
    withdrawn = curation.withdraw(store, version.version_id, by="officer1", role="compliance_officer")
    assert withdrawn.status is VersionStatus.WITHDRAWN
