"""Commands that put knowledge into the house: documents, and the sample bank."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.cli.door import Door
from connectors.cli.failing import FAILED, CommandFailed
from connectors.cli.kinds import DocumentKindName
from connectors.cli.options import AsJson, day
from connectors.cli.output import emit, labels, progress, remark, show, show_table, words
from connectors.cli.people import ACTOR, Role, require_role

if TYPE_CHECKING:
    from connectors.services import Services
    from knowledge.ingestion.ingest import IngestedFile, Upload

APPROVERS = (Role.CURATOR, Role.COMPLIANCE_OFFICER)


def ingest(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders with files below.")],
    kind: Annotated[DocumentKindName | None, typer.Option("--kind", help="Guessed when left out.")] = None,
    approve_as: Annotated[
        str | None, typer.Option("--approve-as", metavar="USERID", help="Curator or officer.")
    ] = None,
    effective_from: Annotated[
        date | None, typer.Option("--effective-from", parser=day, metavar="DATE", help="Default: today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load documents; without --approve-as they wait for approval. 1 when any file was refused."""
    from knowledge.documents import DocumentKind
    from knowledge.ingestion.ingest import Outcome, Upload

    door: Door = ctx.obj
    with door.open_services() as services:
        if approve_as is not None:
            require_role(services, approve_as, APPROVERS)
        upload = Upload(
            effective_from=effective_from or services.today(),
            uploaded_by=ACTOR,
            approve_as=approve_as,
            kind=DocumentKind(kind.value) if kind else None,
            now=services.now(),
        )
        files = _ingested(services, paths, upload)
    if as_json:
        emit(_ingest_json(files))
    else:
        _show_files(files, approved=approve_as is not None)
    if any(file.outcome is Outcome.REFUSED for file in files):
        raise typer.Exit(FAILED)


def _ingested(services: Services, paths: list[Path], upload: Upload) -> list[IngestedFile]:
    from knowledge.ingestion.ingest import files_below

    total = sum(len(files_below(path)) for path in paths)
    done: list[IngestedFile] = []
    with progress() as bar:
        task = bar.add_task(words("ingest.working"), total=total)
        for file in services.ingestor.ingest_paths(paths, upload):
            done.append(file)
            _log(services, file, upload)
            bar.update(task, advance=1, description=file.path.name)
    return done


def _log(services: Services, file: IngestedFile, upload: Upload) -> None:
    """One audit row for each file that changed what is kept."""
    if file.outcome.value != "loaded":
        return
    body = {"versions": list(file.version_ids), "approved_by": upload.approve_as}
    with services.records.database.writing() as conn:
        services.records.audit.append(
            conn,
            actor=ACTOR,
            event="document_loaded",
            subject=file.document_ids[0] if file.document_ids else "",
            body=body,
            now=services.now(),
        )


def _ingest_json(files: list[IngestedFile]) -> dict[str, Any]:
    rows = [
        {
            "path": str(file.path),
            "outcome": file.outcome.value,
            "document_ids": list(file.document_ids),
            "version_ids": list(file.version_ids),
            "passages": file.passages,
            "warnings": list(file.warnings),
            "reason": file.reason or None,
            "message": file.message or None,
        }
        for file in files
    ]
    return {"files": rows, **_counts(files)}


def _counts(files: list[IngestedFile]) -> dict[str, int]:
    outcomes = [file.outcome.value for file in files]
    return {name: outcomes.count(name) for name in ("loaded", "unchanged", "refused")}


def _show_files(files: list[IngestedFile], *, approved: bool) -> None:
    outcomes = labels("outcomes")
    rows = [
        (file.path.name, outcomes[file.outcome.value], file.passages or "", "\n".join((file.message, *file.warnings)))
        for file in files
    ]
    show_table(list(labels("ingest_columns").values()), [(*row[:3], row[3].strip()) for row in rows])
    show(words("ingest.done", **_counts(files)))
    if not approved and any(file.outcome.value == "loaded" for file in files):
        remark(words("ingest.waiting"))


def sample_load(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Put the sample bank into WAINAO_HOME: staff, customers, approved knowledge; running it twice changes nothing."""
    from assistant.sample_people import load_sample_people
    from knowledge.sample_bank import load_sample_knowledge, read_bank

    door: Door = ctx.obj
    door.run.migrate()
    with door.open_services() as services:
        people = load_sample_people(services.records, read_bank(), now=services.now())
        counts = load_sample_knowledge(services.store)
        services.retriever.refresh()
        passages = services.retriever.status.passages
    if counts.loaded + counts.unchanged == 0:
        raise CommandFailed("sample_missing")
    if as_json:
        emit(
            {
                "staff": people.staff,
                "customers": people.customers,
                "branches": people.branches,
                "documents_loaded": counts.loaded,
                "documents_unchanged": counts.unchanged,
                "passages": passages,
            }
        )
    else:
        show(words("sample.done", staff=people.staff, customers=people.customers, loaded=counts.loaded,
                   unchanged=counts.unchanged, passages=passages))  # fmt: skip
