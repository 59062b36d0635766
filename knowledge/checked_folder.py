"""A knowledge folder whose manifest, checksums and every single file were checked before anything is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from knowledge.documents import DocumentVersion, VersionStatus
from knowledge.errors import ImportRefused
from knowledge.folder_format import (
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    FileCard,
    HistoryLine,
    Manifest,
    PassageLine,
    VersionCard,
    strict_json,
    version_folder,
)
from knowledge.folder_sources import FolderSource
from knowledge.ingestion.extracted import ExtractedText
from knowledge.payloads import payload_problem
from knowledge.stores.files import packed
from knowledge.stores.transfer import KeptFile, StoredPassage


@dataclass(frozen=True, slots=True)
class ArrivingVersion:
    """A version as the folder has it."""

    version: DocumentVersion
    passages: tuple[StoredPassage, ...]
    history: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class KnowledgeFolder:
    """A folder whose manifest and checksums were found right."""

    source: FolderSource
    manifest: Manifest
    fingerprint: str

    @classmethod
    def opened(cls, source: FolderSource) -> KnowledgeFolder:
        """Check names, format, and every file's checksum. Raises: ImportRefused."""
        sizes = source.sizes()
        if MANIFEST not in sizes:
            raise ImportRefused(reason="no_manifest")
        raw = source.read(MANIFEST)
        data = _parsed(raw, MANIFEST)
        if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("format_version") != FORMAT_VERSION:
            raise ImportRefused(reason="format")
        folder = cls(source, _checked(Manifest, data, MANIFEST), hashlib.sha256(raw).hexdigest())
        listed = folder.manifest.files
        for path in sorted(listed.keys() ^ (sizes.keys() - {MANIFEST})):
            raise ImportRefused(reason="missing" if path in listed else "not_listed", path=path)
        for path in listed:
            folder.read(path)
        return folder

    def read(self, path: str) -> bytes:
        """A file with the size and checksum of the manifest. Raises: ImportRefused."""
        entry = self.manifest.files.get(path)
        if entry is None:
            raise ImportRefused(reason="missing", path=path)
        data = self.source.read(path)
        if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ImportRefused(reason="checksum", path=path)
        return data

    def versions(self) -> Iterator[ArrivingVersion]:
        """Every version, checked by itself, by path. Raises: ImportRefused."""
        for path in sorted(path for path in self.manifest.files if path.endswith("/version.json")):
            yield self._version(path)

    def files(self) -> Iterator[KeptFile]:
        """Every uploaded file, checked by itself. Raises: ImportRefused."""
        for path in sorted(path for path in self.manifest.files if path.endswith("/file.json")):
            yield self._file(path)

    def _version(self, path: str) -> ArrivingVersion:
        card = _checked(VersionCard, _parsed(self.read(path), path), path)
        folder = path.removesuffix("/version.json")
        if folder != version_folder(card.document_id, card.version):
            raise ImportRefused(reason="misplaced", path=path)
        if card.version_id != f"{card.document_id}@v{card.version}":
            raise ImportRefused(reason="ids", path=path)
        passages = tuple(line.value() for line in self._lines(PassageLine, f"{folder}/passages.jsonl"))
        if len(passages) != card.passages or len({line.position for line in passages}) != len(passages):
            raise ImportRefused(reason="count", path=path)
        for passage in passages:
            if passage.passage_id != f"{card.version_id}#p{passage.position}":
                raise ImportRefused(reason="ids", path=path)
        history: tuple[dict[str, Any], ...] = ()
        if f"{folder}/history.jsonl" in self.manifest.files:
            history = tuple(line.model_dump() for line in self._lines(HistoryLine, f"{folder}/history.jsonl"))
        return ArrivingVersion(_plausible(card.value(), path), passages, history)

    def _lines(self, model: type[Any], path: str) -> Iterator[Any]:
        for number, line in enumerate(self.read(path).splitlines(), start=1):
            yield _checked(model, _parsed(line, f"{path}:{number}"), f"{path}:{number}")

    def _file(self, path: str) -> KeptFile:
        card = _checked(FileCard, _parsed(self.read(path), path), path)
        folder = path.removesuffix("/file.json")
        if folder != f"files/{card.file_hash}":
            raise ImportRefused(reason="misplaced", path=path)
        content = self.read(f"{folder}/content") if card.content else None
        if content is not None and hashlib.sha256(content).hexdigest() != card.file_hash:
            raise ImportRefused(reason="checksum", path=f"{folder}/content")
        extracted = _extracted(self.read(f"{folder}/extracted.json"), path) if card.extracted else None
        return KeptFile(card.file_hash, card.name, card.size, card.stored_at, content, extracted)


def _plausible(version: DocumentVersion, path: str) -> DocumentVersion:
    """Refuse a state that curation never leaves behind. Raises: ImportRefused."""
    if problem := payload_problem(version.kind, version.payload):
        raise ImportRefused(reason="invalid", path=path, field=f"payload.{problem}")
    authors = {version.uploaded_by, version.submitted_by, *version.editors}
    approved = version.status is VersionStatus.APPROVED
    if approved and (not version.approved_by or version.approved_by in authors):
        raise ImportRefused(reason="own_approval", path=path)
    if version.status is VersionStatus.WITHDRAWN and not version.withdrawn_by:
        raise ImportRefused(reason="state", path=path)
    return version


def _extracted(data: bytes, path: str) -> bytes:
    try:
        return packed(ExtractedText.from_json(_parsed(data, path)))
    except (TypeError, KeyError, ValueError, AttributeError) as exc:
        raise ImportRefused(reason="invalid", path=path) from exc


def _parsed(data: bytes, path: str) -> Any:
    try:
        return strict_json(data)
    except (ValueError, json.JSONDecodeError) as exc:
        raise ImportRefused(reason="invalid", path=path) from exc


def _checked(model: type[Any], data: Any, path: str) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in error["loc"])[:60]
        raise ImportRefused(reason="invalid", path=path, field=where) from exc
