"""Typed documents edited as what they are: a known question as a form, everything else in its own template's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from assistant.masking import mask
from assistant.understanding import situations
from assistant.wording import load_toml
from connectors.console.content_views import place_words
from connectors.console.failing import sentence
from connectors.console.rendering import go, render
from connectors.console.sheet_forms import FormField, Shape
from connectors.console.viewing import Curator, Viewer
from knowledge.content import KnownQuestion
from knowledge.documents import DocumentVersion, PassageText, VersionStatus
from knowledge.errors import DetailsInvalid, DocumentNotFound, VersionNotDraft
from knowledge.ingestion.reading import ContentInvalid, ReadDocument
from knowledge.ingestion.typed.written import DATED, content_of, data_of, read_fields, read_written, written
from knowledge.stores.editing import fingerprint, texts_of

if TYPE_CHECKING:
    from connectors.console.console import Console

FORM = "known_question"  # the one content with a form of its own
_SHAPES = {
    "question": Shape.TEXT,
    "situation": Shape.CHOICE,
    "answer": Shape.LONG,
    "reason": Shape.LONG,
    "caution": Shape.LONG,
    "ask": Shape.LONG,
    "next_step": Shape.LONG,
    "known_questions": Shape.LINES,
    "counter_questions": Shape.LINES,
    "products": Shape.LINES,
    "source": Shape.TEXT,
    "effective_from": Shape.DATE,
    "effective_until": Shape.DATE,
}
_MOST_ROWS = 36


@dataclass(frozen=True, slots=True)
class ContentPage:
    """What content_form.html shows: fields, or one text; `theirs` is what somebody else wrote meanwhile."""

    version: DocumentVersion
    content: str
    fields: tuple[FormField, ...]
    text: str
    expected: str
    about: str
    dated: bool
    problem: str = ""
    theirs: str = ""

    @property
    def rows(self) -> int:
        """Lines of the text field."""
        return max(12, min(_MOST_ROWS, self.text.count("\n") + 3))


@dataclass(frozen=True, slots=True)
class _Said:
    """What a form sent: fields, or one text."""

    data: dict[str, Any]
    text: str
    expected: str


def routes(console: Console) -> APIRouter:
    """The form of a version's content."""
    router = APIRouter()

    @router.get("/versions/{version_id:path}/content")
    def form(request: Request, viewer: Curator, version_id: str) -> Response:
        version = _draft(console, version_id)
        said = _Said(data_of(version), written(version), fingerprint(version))
        return render(request, "content_form.html", _page(version, said), viewer)

    @router.post("/versions/{version_id:path}/content")
    async def save(request: Request, viewer: Curator, version_id: str) -> Response:
        form = await request.form()
        return await to_thread.run_sync(_save, request, console, viewer, version_id, form)

    return router


def _save(request: Request, console: Console, viewer: Viewer, version_id: str, form: FormData) -> Response:
    services = console.services
    version = _draft(console, version_id)
    said = _said(form, version)
    try:
        document = _read(said, version, texts_of(services.store.passages_of(version_id)))
        curating, now = services.middle_office.curating, services.now()
        curating.rewrite(version_id, document, expected=said.expected, by=viewer.userid, now=now)
    except ContentInvalid as invalid:
        page = _page(version, said, invalid.ids)
    except DetailsInvalid as invalid:
        page = _page(version, said, {**invalid.ids, "problem": sentence(invalid.code, invalid.ids)})
    else:
        return go(request, f"/documents/{quote(version.document_id)}", said="content_saved", version=version_id)
    return render(request, "content_form.html", page, viewer, 422)


def _draft(console: Console, version_id: str) -> DocumentVersion:
    version = console.services.store.version(version_id)
    if not content_of(version):
        raise DocumentNotFound(version_id=version_id)
    if version.status is not VersionStatus.DRAFT:
        raise VersionNotDraft(version_id=version_id, status=version.status.value)
    return version


def _read(said: _Said, version: DocumentVersion, passages: list[PassageText]) -> ReadDocument:
    if content_of(version) == FORM:
        return read_fields(said.data, version, passages, mask=mask)
    return read_written(said.text, version, passages, mask=mask)


def _said(form: FormData, version: DocumentVersion) -> _Said:
    """Browsers send lines ended by CR LF; what was left empty is left out."""
    sent = {name: str(form.get(name, "")).replace("\r\n", "\n").strip() for name in (*_SHAPES, "text", "expected")}
    data: dict[str, Any] = {"id": data_of(version).get("id")}
    for name, shape in _SHAPES.items():
        lines = [line.strip() for line in sent[name].split("\n") if line.strip()]
        if lines:
            data[name] = lines if shape is Shape.LINES else sent[name]
    return _Said(data, sent["text"], sent["expected"])


def _page(version: DocumentVersion, said: _Said, problem: Mapping[str, str] | None = None) -> ContentPage:
    content = content_of(version)
    field, words = (problem or {}).get("field", ""), (problem or {}).get("problem", "")
    late = (problem or {}).get("reason") == "changed_meanwhile"
    own = content == FORM and field.split(".")[0] in _SHAPES
    return ContentPage(
        version=version,
        content=content,
        fields=tuple(_fields(said.data, field, words)) if content == FORM else (),
        text=said.text,
        expected=fingerprint(version) if late else said.expected,
        about=str(load_toml("console.zh")["content_about"][content]),
        dated=content in DATED,
        problem=words if not words or own or late else "：".join(part for part in (place_words(field), words) if part),
        theirs=written(version) if late else "",
    )


def _fields(data: Mapping[str, Any], wrong: str, problem: str) -> list[FormField]:
    labels: dict[str, str] = load_toml("console.zh")["content"]
    found = []
    for name, shape in _SHAPES.items():
        value = data.get(name)
        text = "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")
        found.append(
            FormField(
                name,
                labels[name],
                shape,
                value=text,
                options=_situations(text) if shape is Shape.CHOICE else (),
                required=KnownQuestion.model_fields[name].is_required(),
                problem=problem if wrong.split(".")[0] == name else "",
            )
        )
    return found


def _situations(chosen: str) -> tuple[tuple[str, str], ...]:
    known = {code: each.title for code, each in situations().items()}
    return tuple(({chosen: chosen} | known if chosen else known).items())
