"""Uploaded files and what was read from them, by the SHA-256 of their bytes."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from knowledge.errors import DocumentNotFound
from knowledge.ingestion.extracted import ExtractedText
from knowledge.stores.database import Database
from knowledge.stores.statements import insert_if_absent
from knowledge.stores.tables import files


@dataclass(frozen=True, slots=True)
class StoredFile:
    """`content` is None where the file held personal data: then only the masked text is kept."""

    file_hash: str
    name: str
    size: int
    content: bytes | None
    extracted: ExtractedText | None


@dataclass(frozen=True)
class FileStore:
    """Stored files."""

    database: Database

    def keep(
        self,
        conn: Connection,
        file_hash: str,
        *,
        name: str,
        size: int,
        content: bytes | None,
        extracted: ExtractedText | None,
        now: datetime,
    ) -> None:
        """Keep a file once, in the caller's transaction. `extracted` must be masked already."""
        body = None if extracted is None else packed(extracted)
        row = {"file_hash": file_hash, "name": name, "size": size, "content": content, "extracted": body}
        insert_if_absent(conn, files, ("file_hash",), {**row, "stored_at": now})

    def get(self, file_hash: str) -> StoredFile:
        """One file with its text. Raises: DocumentNotFound."""
        with self.database.reading() as conn:
            row = conn.execute(select(files).where(files.c.file_hash == file_hash)).one_or_none()
        if row is None:
            raise DocumentNotFound(file_hash=file_hash)
        content = None if row.content is None else bytes(row.content)
        return StoredFile(row.file_hash, row.name, row.size, content, unpacked(row.extracted))


def packed(extracted: ExtractedText) -> bytes:
    """Text and blocks as compressed JSON."""
    return zlib.compress(json.dumps(extracted.to_json(), ensure_ascii=False).encode("utf-8", "replace"), 6)


def unpacked(body: bytes | None) -> ExtractedText | None:
    """The inverse of `packed`."""
    return None if body is None else ExtractedText.from_json(json.loads(zlib.decompress(body)))
