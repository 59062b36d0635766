"""All knowledge as one zip, out and in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Annotated

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import Field

from assistant.transferring import Transferring
from connectors.api.door import Curator, Reader
from connectors.api.shapes import Out
from connectors.services import Services
from knowledge.export import export_zip
from knowledge.folder_sources import ZipFolder

_CHUNK = 256 * 1024
_IN_MEMORY = 8 * 1024 * 1024


class ImportOut(Out):
    """What an import did, or with a dry run would do; the lists hold version ids."""

    fingerprint: str = Field(description="SHA-256 of the manifest.")
    dry_run: bool
    versions: int = Field(examples=[378])
    passages: int = Field(examples=[937])
    files: int
    new: list[str]
    changed: list[str]
    unchanged: list[str]
    waiting: int = Field(description="Arrived as drafts though approved where they come from.")


def routes(services: Callable[[], Services]) -> APIRouter:
    """The transferring routes."""
    router = APIRouter(tags=["transfer"])

    @router.get(
        "/export",
        summary="All knowledge as a zip that another installation reads back",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def export(caller: Reader) -> StreamingResponse:
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (closed when it is sent)
        try:
            export_zip(services().records.database, file)
        except BaseException:
            file.close()
            raise
        size = file.tell()
        file.seek(0)
        headers = {"Content-Disposition": 'attachment; filename="knowledge.zip"', "Content-Length": str(size)}
        return StreamingResponse(_sent(file), media_type="application/zip", headers=headers)

    @router.post("/import", summary="Take a zip of the same kind in, all or nothing")
    def take_in(
        caller: Curator,
        file: UploadFile,
        trust_approvals: Annotated[bool, Form(description="Take approvals given elsewhere as they stand.")] = False,
        dry_run: Annotated[bool, Form(description="Only say what would happen.")] = False,
    ) -> ImportOut:
        built = services()
        report = Transferring(built.records).take_in(
            ZipFolder(file.file),
            by=caller.userid,
            trust_approvals=trust_approvals,
            dry_run=dry_run,
            now=built.now(),
        )
        return ImportOut(dry_run=dry_run, **vars(report))

    return router


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
