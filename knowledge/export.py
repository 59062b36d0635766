"""All knowledge as files with their metadata: every version of every status, its passages, its uploaded file."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sqlalchemy import Connection

from knowledge.documents import DocumentVersion, Passage, Source
from knowledge.folder_format import (
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    PASSAGES,
    VERSIONS,
    as_json,
    file_folder,
    sound_source,
    version_folder,
)
from knowledge.stores.columns import storable
from knowledge.stores.database import Database
from knowledge.stores.transfer import (
    StoredPassage,
    file_hashes,
    read_file,
    read_whole,
    version_ids,
)

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip's first day: the same knowledge gives the same bytes


@dataclass
class _Packing:
    """Counts and hashes what goes out, for the manifest that goes last."""

    versions: int = 0
    passages: int = 0
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def noted(self, path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        self.files[path] = {"sha256": digest.hexdigest(), "bytes": size}

    def manifest(self) -> bytes:
        named = {"format": FORMAT, "format_version": FORMAT_VERSION}
        counts = {"versions": self.versions, "passages": self.passages}
        return as_json({**named, **counts, "files": dict(sorted(self.files.items()))}, indent=1)


def export_knowledge(database: Database, folder: Path) -> dict[str, int]:
    """Write the knowledge folder into an empty `folder`; returns how many `versions` and `passages`."""
    packing = _Packing()
    with database.reading() as conn:
        for path, chunks in _files(conn, packing):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out:
                out.writelines(packing.noted(path, chunks))
    (folder / MANIFEST).write_bytes(packing.manifest())
    return {"versions": packing.versions, "passages": packing.passages}


def export_zip(database: Database, out: IO[bytes]) -> dict[str, int]:
    """The same as one zip; equal knowledge gives equal bytes. Returns how many `versions` and `passages`."""
    packing = _Packing()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        with database.reading() as conn:
            for path, chunks in _files(conn, packing):
                _write(archive, path, packing.noted(path, chunks))
        _write(archive, MANIFEST, [packing.manifest()])
    return {"versions": packing.versions, "passages": packing.passages}


def _write(archive: ZipFile, path: str, chunks: Iterable[bytes]) -> None:
    entry = ZipInfo(path, _EARLIEST)
    entry.compress_type = ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as out:
        for chunk in chunks:
            out.write(chunk)


def _files(conn: Connection, packing: _Packing) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Every file but the manifest, all from one snapshot."""
    wanted = version_ids(conn)
    for whole in read_whole(conn, wanted):
        version, passages = whole.version, whole.passages
        packing.versions += 1
        packing.passages += len(passages)
        folder = version_folder(version.document_id, version.version)
        yield f"{folder}/version.json", [as_json({**asdict(version), "passages": len(passages)}, indent=1)]
        yield f"{folder}/passages.jsonl", [as_json(_passage(passage)) for passage in passages]
        if whole.history:
            yield f"{folder}/history.jsonl", [as_json(line) for line in whole.history]
    for file_hash in file_hashes(conn):
        yield from _uploaded(conn, file_hash)
    yield VERSIONS, (as_json(asdict(whole.version)) for whole in read_whole(conn, wanted))
    yield PASSAGES, _listed(conn, wanted)


def _listed(conn: Connection, wanted: Sequence[str]) -> Iterator[bytes]:
    """Passages as retrieval knows them, with the status of their version."""
    shared = [name for name in Passage.__dataclass_fields__ if name in DocumentVersion.__dataclass_fields__]
    for whole in read_whole(conn, wanted):
        of_version = {name: getattr(whole.version, name) for name in shared}
        for kept in whole.passages:
            passage = Passage(
                passage_id=kept.passage_id,
                text=kept.text,
                known_questions=kept.known_questions,
                counter_questions=kept.counter_questions,
                source=Source(**kept.source),
                **of_version,
            )
            yield as_json({**asdict(passage), "status": whole.version.status.value})


def _passage(passage: StoredPassage) -> dict[str, Any]:
    questions = {name: [storable(text) for text in getattr(passage, name)] for name in _QUESTIONS}
    return {**asdict(passage), **questions, "source": sound_source(passage.source)}


_QUESTIONS = ("known_questions", "counter_questions")


def _uploaded(conn: Connection, file_hash: str) -> Iterator[tuple[str, Iterable[bytes]]]:
    file, folder = read_file(conn, file_hash), file_folder(file_hash)
    kept = {"content": file.content is not None, "extracted": file.extracted is not None}
    card = {"file_hash": file_hash, "name": file.name, "size": file.size, "stored_at": file.stored_at, **kept}
    yield f"{folder}/file.json", [as_json(card, indent=1)]
    if file.content is not None:
        yield f"{folder}/content", [file.content]
    if file.extracted is not None:
        yield f"{folder}/extracted.json", [as_json(json.loads(zlib.decompress(file.extracted)))]
