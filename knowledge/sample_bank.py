"""The sample bank: its knowledge, loaded and approved once, and its branches, staff and customers as typed data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from knowledge.documents import DocumentVersion, VersionStatus
from knowledge.errors import DocumentRefused
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.sandbox import parse_here
from knowledge.ingestion.yaml_files import load_yaml
from knowledge.stores.repository import KnowledgeStore

SAMPLES = Path(__file__).resolve().parent / "samples"
UPLOADER, APPROVER = "sample", "curator2"
_FIRST_DAY = date(2026, 1, 1)  # for texts that do not say since when they hold
_FOLDERS = ("products", "regulations", "faq", "playbooks", "transcripts", "moments")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BranchRow(_Row):
    """One branch; `parent` is the branch above it."""

    branch_id: str
    name: str
    parent: str | None = None


class StaffRow(_Row):
    """One member of staff; `persona` says how experienced an RM is, `lines` are product lines."""

    userid: str
    name: str
    role: str
    branch_id: str
    persona: str | None = None
    lines: tuple[str, ...] = ()


class CustomerRow(_Row):
    """One customer by form of address only; `level` is C1-C5 and `assessed_on` its date."""

    customer_id: str
    alias: str
    owner: str
    age: int | None = None
    level: str | None = None
    assessed_on: date | None = None
    stage: str = ""
    segment: str = ""
    opt_out: bool = False
    holdings: tuple[str, ...] = ()
    note: str = ""


class BankFile(_Row):
    """bank.yaml as a whole."""

    branches: tuple[BranchRow, ...]
    staff: tuple[StaffRow, ...]
    customers: tuple[CustomerRow, ...]


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """What a run of `load_sample_knowledge` did, in documents (passages: of the newly loaded ones)."""

    loaded: int = 0
    unchanged: int = 0
    passages: int = 0


def read_bank(folder: Path = SAMPLES) -> BankFile:
    """Branches, staff and customers of the sample bank."""
    return BankFile.model_validate(load_yaml((folder / "bank.yaml").read_text(encoding="utf-8")))


def read_sample_documents(folder: Path = SAMPLES) -> list[ReadDocument]:
    """Every document of the sample bank; former versions of a file (`X.v1.md`) come before it.

    Raises: DocumentRefused, also when a file does not fit its template.
    """
    documents: list[ReadDocument] = []
    for part in _FOLDERS:
        paths = sorted(
            (path for path in (folder / part).glob("*.*") if path.name != "README.md"),
            key=lambda path: (path.name.split(".")[0], -path.name.count(".")),
        )
        for path in paths:
            for document in read_document(path.read_bytes(), path.name, extract=parse_here, file=f"{part}/{path.name}"):
                if document.doubts:
                    said = {name: value for name, value in document.doubts[0].slots if name != "kind"}
                    raise DocumentRefused(**{**said, "file": path.name, "reason": "bad_content"})
                documents.append(document)
    return documents


def load_sample_knowledge(store: KnowledgeStore, folder: Path = SAMPLES) -> SampleCounts:
    """Put the sample bank's knowledge into the store, approved; what is there already stays as it is."""
    known: dict[str, list[DocumentVersion]] = {}
    for version in store.versions():
        known.setdefault(version.document_id, []).append(version)
    documents = read_sample_documents(folder)
    fresh = [document for document in documents if not _is_there(document, known.get(document.document_id, []))]
    if fresh:
        with store.database.writing() as conn:
            for document in fresh:
                version = store.add_version(
                    document.document_id,
                    document.kind,
                    document.title,
                    document.passages,
                    effective_from=document.effective_from or _FIRST_DAY,
                    effective_until=document.effective_until,
                    file=document.passages[0].source.file,
                    content_hash=document.content_hash,
                    uploaded_by=UPLOADER,
                    payload=document.payload,
                    branches=document.branches,
                    product_code=document.product_code,
                    version=document.version,
                    conn=conn,
                )
                if version.status is VersionStatus.DRAFT:
                    store.approve(version.version_id, APPROVER, conn=conn)
    passages = sum(len(document.passages) for document in fresh)
    return SampleCounts(loaded=len(fresh), unchanged=len(documents) - len(fresh), passages=passages)


def _is_there(document: ReadDocument, versions: list[DocumentVersion]) -> bool:
    return any(
        version.content_hash == document.content_hash and version.status is not VersionStatus.DRAFT
        for version in versions
    )
