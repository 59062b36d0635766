"""Passages of a version: beside their source, edited in place, added, removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response

from connectors.console.failing import sentence
from connectors.console.originals import Original, SourceView
from connectors.console.rendering import go, render
from connectors.console.viewing import CURATE, Curator, CurrentViewer, Viewer
from knowledge.content import COMPOSED
from knowledge.documents import DocumentVersion, Passage, PassageText, VersionStatus
from knowledge.errors import DetailsInvalid

if TYPE_CHECKING:
    from connectors.console.console import Console

Words = Annotated[str, Form(max_length=40_000)]
_CHARS_A_LINE = 60


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage as a card; `label` is its short name in the version (p3), `changes` how often it was edited."""

    passage: Passage
    label: str
    changes: int = 0
    here: bool = False


@dataclass(frozen=True, slots=True)
class PassageForm:
    """A passage being edited: what its editor wrote, and when somebody was faster, what is stored now."""

    passage: Passage
    label: str
    text: str
    known_questions: str
    counter_questions: str
    problem: str = ""
    theirs: str = ""

    @property
    def rows(self) -> int:
        """Lines of the text field."""
        return max(4, min(18, self.text.count("\n") + len(self.text) // _CHARS_A_LINE + 2))


@dataclass(frozen=True, slots=True)
class PassageFragment:
    """One card, alone."""

    version: DocumentVersion
    may_edit: bool
    row: PassageRow | None = None
    form: PassageForm | None = None


@dataclass(frozen=True, slots=True)
class SourceFragment:
    """The right-hand side, alone."""

    version: DocumentVersion
    source: SourceView | None
    has_file: bool


def routes(console: Console) -> APIRouter:
    """Fragments and changes of passages, below a version."""
    router = APIRouter(prefix="/versions/{version_id:path}")
    _reading(router, console)
    _changing(router, console)
    return router


def _reading(router: APIRouter, console: Console) -> None:
    @router.get("/passages/source")
    def source(request: Request, viewer: CurrentViewer, version_id: str, passage: str) -> Response:
        version = console.services.store.version(version_id)
        original = Original.of(console.services.middle_office.files, version)
        found = console.services.store.passage(passage)
        page = SourceFragment(version, original.view(found, label_of(found)), original.stored is not None)
        return render(request, "_source.html", page, viewer)

    @router.get("/passages/card")
    def card(request: Request, viewer: CurrentViewer, version_id: str, passage: str) -> Response:
        return _card(request, console, viewer, console.services.store.passage(passage))

    @router.get("/passages/form")
    def form(request: Request, viewer: Curator, version_id: str, passage: str) -> Response:
        found = console.services.store.passage(passage)
        return _form(request, console, viewer, form_of(found))


def _changing(router: APIRouter, console: Console) -> None:
    @router.post("/passages/edit")
    def edit(
        request: Request,
        viewer: Curator,
        version_id: str,
        passage: Words,
        text: Words = "",
        expected: Words = "",
        known_questions: Words = "",
        counter_questions: Words = "",
    ) -> Response:
        wanted = _text_of(text, known_questions, counter_questions)
        curating, now = console.services.middle_office.curating, console.services.now()
        try:
            saved = curating.edit_passage(passage, wanted, expected=_as_sent(expected), by=viewer.userid, now=now)
        except DetailsInvalid as error:
            stored = console.services.store.passage(passage)
            theirs = stored.text if error.ids.get("reason") == "changed_meanwhile" else ""
            problem = sentence(error.code, error.ids)
            label = label_of(stored)
            form = PassageForm(stored, label, text, known_questions, counter_questions, problem, theirs)
            return _form(request, console, viewer, form)
        if request.headers.get("HX-Request"):
            return _card(request, console, viewer, saved)
        return go(request, f"/documents/{quote(saved.document_id)}", said="passage_saved", version=version_id)

    @router.post("/passages/add")
    def add(
        request: Request,
        viewer: Curator,
        version_id: str,
        text: Words = "",
        known_questions: Words = "",
        counter_questions: Words = "",
    ) -> Response:
        wanted = _text_of(text, known_questions, counter_questions)
        services = console.services
        made = services.middle_office.curating.add_passage(version_id, wanted, by=viewer.userid, now=services.now())
        asked = {"version": version_id, "passage": made.passage_id}
        return go(request, f"/documents/{quote(made.document_id)}", said="passage_added", **asked)

    @router.post("/passages/remove")
    def remove(request: Request, viewer: Curator, version_id: str, passage: Words) -> Response:
        services = console.services
        services.middle_office.curating.remove_passage(passage, by=viewer.userid, now=services.now())
        document_id = services.store.version(version_id).document_id
        return go(request, f"/documents/{quote(document_id)}", said="passage_removed", version=version_id)


def form_of(passage: Passage) -> PassageForm:
    """A passage as its editor first sees it."""
    known, counter = "\n".join(passage.known_questions), "\n".join(passage.counter_questions)
    return PassageForm(passage, label_of(passage), passage.text, known, counter)


def label_of(passage: Passage) -> str:
    """The short name of a passage inside its version."""
    return passage.passage_id.rpartition("#")[2]


def may_edit(viewer: Viewer, version: DocumentVersion) -> bool:
    """Whether this viewer may change this version's passages one by one now."""
    free = (version.payload or {}).get("content") not in COMPOSED
    return CURATE in viewer.may and version.status is VersionStatus.DRAFT and free


def _card(request: Request, console: Console, viewer: Viewer, passage: Passage) -> Response:
    version = console.services.store.version(passage.version_id)
    revisions = console.services.middle_office.editing.revisions(version.version_id)
    changes = sum(each.passage_id == passage.passage_id for each in revisions)
    page = PassageFragment(version, may_edit(viewer, version), row=PassageRow(passage, label_of(passage), changes))
    return render(request, "passage_card.html", page, viewer)


def _form(request: Request, console: Console, viewer: Viewer, form: PassageForm) -> Response:
    version = console.services.store.version(form.passage.version_id)
    page = PassageFragment(version, may_edit(viewer, version), form=form)
    alone = "passage_form.html" if request.headers.get("HX-Request") else "document_passage_form.html"
    return render(request, alone, page, viewer)


def _text_of(text: str, known_questions: str, counter_questions: str) -> PassageText:
    return PassageText(
        _as_sent(text), known_questions=_lines(known_questions), counter_questions=_lines(counter_questions)
    )


def _as_sent(text: str) -> str:
    """Browsers send lines ended by CR LF."""
    return text.replace("\r\n", "\n")


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
