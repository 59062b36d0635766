"""One document: its versions in time, the chosen one's passages beside their source, and every step of its life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from connectors.console.audience import Audience, audience_of, branch_names, names_of, people_in, scope_words
from connectors.console.originals import Original, SourceView
from connectors.console.passages import PassageForm, PassageRow, form_of, label_of, may_edit
from connectors.console.rendering import render
from connectors.console.steps import compared_with
from connectors.console.viewing import APPROVE, CURATE, CurrentViewer, Viewer
from knowledge.curation import may_approve
from knowledge.documents import DocumentVersion, Passage, Stage, VersionStatus
from knowledge.errors import DocumentNotFound
from knowledge.ingestion.typed.written import content_of
from knowledge.stores.editing import PassageRevision

if TYPE_CHECKING:
    from connectors.console.console import Console

PAGE = 40
_LATEST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class VersionStep:
    """One version on the way of a document through time; `holds`: in force on the day looked at."""

    version: DocumentVersion
    stage: Stage
    holds: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class May:
    """What this viewer may do with the chosen version now."""

    edit: bool = False
    passages: bool = False
    content: bool = False
    submit: bool = False
    decide: bool = False
    revise: bool = False
    roll_back: bool = False
    withdraw: bool = False
    confirm_sheet: bool = False


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """What document.html shows. `on` is the day looked at; `held` the version that held then, None: nothing did."""

    version: DocumentVersion
    stage: Stage
    steps: tuple[VersionStep, ...]
    on: date
    today: date
    held: DocumentVersion | None
    rows: tuple[PassageRow, ...]
    total: int
    first: int
    previous: str
    next: str
    form: PassageForm | None
    source: SourceView | None
    has_file: bool
    doubts: tuple[str, ...]
    audience: Audience
    scope: tuple[str, ...]
    people: dict[str, str]
    may: May
    compared_with: DocumentVersion | None
    changes: tuple[PassageRevision, ...]

    @property
    def may_edit(self) -> bool:
        """As fragments of one passage call it."""
        return self.may.passages


def routes(console: Console) -> APIRouter:
    """The routes of this page; steps.py and passages.py have those of its versions."""
    router = APIRouter()

    @router.get("/documents/{document_id:path}")
    def show(
        request: Request,
        viewer: CurrentViewer,
        document_id: str,
        version: str = "",
        on: str = "",
        passage: str = "",
        edit: str = "",
        offset: int = -1,
    ) -> Response:
        versions = console.services.store.versions(document_id)
        if not versions:
            raise DocumentNotFound(document_id=document_id)
        look = _Look(version, _day(on, console.services.today()), passage or edit, edit, offset)
        return render(request, "document.html", _page(console, viewer, versions, look), viewer)

    return router


@dataclass(frozen=True, slots=True)
class _Look:
    """What was asked to be seen."""

    version_id: str
    on: date
    passage_id: str
    edited_id: str
    offset: int


def _page(console: Console, viewer: Viewer, versions: Sequence[DocumentVersion], look: _Look) -> DocumentPage:
    services, office = console.services, console.services.middle_office
    today = services.today()
    held = next((each for each in versions if each.in_force_on(look.on)), None)
    chosen = _chosen(versions, look, held)
    texts = services.store.passages_of(chosen.version_id)
    revisions = office.editing.revisions(chosen.version_id)
    original = Original.of(office.files, chosen)
    shown, offset = _shown(texts, look)
    selected = next((each for each in texts if each.passage_id == look.passage_id), texts[0] if texts else None)
    changed = Counter(each.passage_id for each in revisions)
    may = _may(viewer, chosen, today)
    people = [name for each in versions for name in people_in(each)] + [each.edited_by for each in revisions]
    return DocumentPage(
        version=chosen,
        stage=chosen.stage_on(today),
        steps=tuple(VersionStep(v, v.stage_on(today), v is held, v is chosen) for v in reversed(versions)),
        on=look.on,
        today=today,
        held=held,
        rows=tuple(PassageRow(p, label_of(p), changed[p.passage_id], p is selected) for p in shown),
        total=len(texts),
        first=offset + 1 if shown else 0,
        previous=_address(chosen, offset - PAGE) if offset else "",
        next=_address(chosen, offset + PAGE) if offset + PAGE < len(texts) else "",
        form=form_of(selected) if selected and may.passages and look.edited_id == selected.passage_id else None,
        source=original.view(selected, label_of(selected)) if selected else None,
        has_file=original.stored is not None,
        doubts=original.doubts_about(chosen, services.records.uploads),
        audience=audience_of(services.records.staff, chosen),
        scope=scope_words(chosen, branch_names(services.records.staff)),
        people=names_of(services.records.staff, people),
        may=may,
        compared_with=compared_with(versions, chosen, today),
        changes=tuple(reversed(revisions[-_LATEST_CHANGES:])),
    )


def _chosen(versions: Sequence[DocumentVersion], look: _Look, held: DocumentVersion | None) -> DocumentVersion:
    if look.version_id:
        found = next((each for each in versions if each.version_id == look.version_id), None)
        if found is None:
            raise DocumentNotFound(version_id=look.version_id)
        return found
    return held or versions[-1]


def _shown(texts: Sequence[Passage], look: _Look) -> tuple[Sequence[Passage], int]:
    """One page of passages: the one asked for, or the one with the passage asked for."""
    at = next((n for n, each in enumerate(texts) if each.passage_id == look.passage_id), 0)
    offset = look.offset if look.offset >= 0 else at - at % PAGE
    offset = offset if offset < len(texts) else 0
    return texts[offset : offset + PAGE], offset


def _may(viewer: Viewer, version: DocumentVersion, today: date) -> May:
    stage = version.stage_on(today)
    if CURATE not in viewer.may:
        return May()
    approved = version.status is VersionStatus.APPROVED
    ended = stage in {Stage.SUPERSEDED, Stage.EXPIRED}
    decides = APPROVE in viewer.may and may_approve(version, by=viewer.userid, role=viewer.member.role)
    content = (version.payload or {}).get("content")
    return May(
        edit=stage is Stage.DRAFT,
        passages=may_edit(viewer, version),
        content=stage is Stage.DRAFT and bool(content_of(version)),
        submit=stage is Stage.DRAFT,
        decide=stage is Stage.IN_REVIEW and decides,
        revise=approved and not ended,
        roll_back=ended,
        withdraw=stage is not Stage.WITHDRAWN,
        confirm_sheet=stage is Stage.DRAFT and content in {"product", "product_proposal"},
    )


def _address(version: DocumentVersion, offset: int) -> str:
    return f"?version={quote(version.version_id)}&offset={max(0, offset)}"


def _day(said: str, today: date) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return today
