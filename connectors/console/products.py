"""Product sheets as typed data: those in force, one by one, and proposals that a curator completes and confirms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from assistant.wording import load_toml
from connectors.console.originals import Original
from connectors.console.rendering import go, render
from connectors.console.sheet_forms import CONFIRMED, PROPOSED, FormField, fields_of, found_in, sheet_data, shown_sheet
from connectors.console.viewing import Curator, CurrentViewer, Viewer
from knowledge.documents import DocumentKind, DocumentVersion, PassageText, Stage
from knowledge.errors import DocumentNotFound
from knowledge.ingestion.typed.products import pitch_text, sheet_text
from knowledge.ingestion.typed.proposals import ProductNotConfirmed, confirm_product
from knowledge.ingestion.wording import words
from knowledge.products import ProductKind, ProductSheet
from knowledge.retrieval.source import ProductSheetVersion
from knowledge.stores.catalog import CatalogFilter

if TYPE_CHECKING:
    from connectors.console.console import Console

MOST_PROPOSALS = 200


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A sheet in force as listed; `figure` is its leading rate or benchmark with `as_of`, where it has one."""

    held: ProductSheetVersion
    document_id: str
    kind: str
    figure: str
    as_of: date | None


@dataclass(frozen=True, slots=True)
class ProductsPage:
    """What products.html shows."""

    rows: tuple[SheetRow, ...]
    proposals: tuple[DocumentVersion, ...]
    kind: str
    kinds: tuple[tuple[str, str], ...]
    today: date


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A sheet's time in force."""

    held: ProductSheetVersion
    stage: str


@dataclass(frozen=True, slots=True)
class ProductPage:
    """What product.html shows: label and values of every field that is filled."""

    held: ProductSheetVersion
    document_id: str
    stage: str
    fields: tuple[tuple[str, tuple[str, ...]], ...]
    others: tuple[ShownVersion, ...]


@dataclass(frozen=True, slots=True)
class SheetFormPage:
    """What product_form.html shows: a draft's sheet to complete and confirm."""

    version: DocumentVersion
    fields: tuple[FormField, ...]
    proposed: bool
    problems: int
    doubts: tuple[str, ...]


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    router = APIRouter()
    _confirming(router, console)

    @router.get("/products")
    def listed(request: Request, viewer: CurrentViewer, kind: str = "") -> Response:
        return render(request, "products.html", _products(console, kind), viewer)

    @router.get("/products/{code}")
    def shown(request: Request, viewer: CurrentViewer, code: str, version: str = "") -> Response:
        return render(request, "product.html", _product(console, code, version), viewer)

    return router


def _confirming(router: APIRouter, console: Console) -> None:
    @router.get("/products/sheet/{version_id:path}")
    def form(request: Request, viewer: Curator, version_id: str) -> Response:
        version = console.services.store.version(version_id)
        return _form(request, console, viewer, version, _data_of(version), {})

    @router.post("/products/sheet/{version_id:path}")
    async def confirm(request: Request, viewer: Curator, version_id: str) -> Response:
        form = await request.form()
        return await to_thread.run_sync(_confirm, request, console, viewer, version_id, form)


def _confirm(request: Request, console: Console, viewer: Viewer, version_id: str, form: FormData) -> Response:
    services = console.services
    version = services.store.version(version_id)
    data = sheet_data(form, version)
    try:
        sheet = confirm_product(data)
    except ProductNotConfirmed as invalid:
        return _form(request, console, viewer, version, data, invalid.problems)
    taken = _taken_by(console, sheet.code, version)
    if taken:
        return _form(request, console, viewer, version, data, {"code": _words()["code_taken"] + taken})
    payload: dict[str, object] = {"content": CONFIRMED, "data": sheet.model_dump(mode="json")}
    curating, now = services.middle_office.curating, services.now()
    _say_anew(console, viewer, version, sheet)
    curating.set_payload(version_id, payload, product_code=sheet.code, by=viewer.userid, now=now)
    return go(request, f"/documents/{quote(version.document_id)}", said="sheet_confirmed", version=version_id)


def _say_anew(console: Console, viewer: Viewer, version: DocumentVersion, sheet: ProductSheet) -> None:
    """Passages that were composed from the sheet as it was say what it says now."""
    try:
        former = confirm_product(_data_of(version))
    except ProductNotConfirmed:
        return
    services = console.services
    composed = {compose(former): compose(sheet) for compose in (sheet_text, pitch_text)}
    for passage in services.store.passages_of(version.version_id):
        text = composed.get(passage.text, "")
        if text:
            wanted = PassageText(text, passage.source, passage.known_questions, passage.counter_questions)
            curating, now = services.middle_office.curating, services.now()
            curating.edit_passage(passage.passage_id, wanted, expected=passage.text, by=viewer.userid, now=now)


def _form(
    request: Request,
    console: Console,
    viewer: Viewer,
    version: DocumentVersion,
    data: dict[str, object],
    problems: dict[str, str],
) -> Response:
    content = (version.payload or {}).get("content")
    if content not in {CONFIRMED, PROPOSED}:
        raise DocumentNotFound(version_id=version.version_id)
    original = Original.of(console.services.middle_office.files, version)
    page = SheetFormPage(
        version,
        tuple(fields_of(data, found_in(version.payload or {}), problems)),
        content == PROPOSED,
        len(problems),
        original.doubts,
    )
    return render(request, "product_form.html", page, viewer, 422 if problems else 200)


def _products(console: Console, kind: str) -> ProductsPage:
    services, today = console.services, console.services.today()
    held = [each for each in services.store.product_sheets() if _holds(each, today)]
    wanted = CatalogFilter(kind=DocumentKind.PRODUCT, stage=Stage.DRAFT)
    drafts = services.middle_office.catalog.page(wanted, on=today, limit=MOST_PROPOSALS).rows
    kinds = words("product_kinds")
    rows = [_row(each) for each in held if not kind or each.sheet.product_kind.value == kind]
    return ProductsPage(
        tuple(
            sorted(rows, key=lambda row: (list(ProductKind).index(row.held.sheet.product_kind), row.held.sheet.code))
        ),
        tuple(row.version for row in drafts if (row.version.payload or {}).get("content") == PROPOSED),
        kind,
        tuple((code, str(said)) for code, said in kinds.items()),
        today,
    )


def _row(held: ProductSheetVersion) -> SheetRow:
    sheet = held.sheet
    figure, as_of = "", None
    if sheet.rates:
        figure, as_of = f"{sheet.rates[0].name} {sheet.rates[0].rate}", sheet.rates[0].as_of
    elif sheet.benchmark is not None:
        figure, as_of = sheet.benchmark.text, sheet.benchmark.as_of
    return SheetRow(held, _document_id(held), str(words("product_kinds")[sheet.product_kind.value]), figure, as_of)


def _product(console: Console, code: str, version_id: str) -> ProductPage:
    today = console.services.today()
    held = [each for each in console.services.store.product_sheets() if each.sheet.code == code]
    asked = [each for each in held if each.version_id == version_id]
    now = [each for each in held if _holds(each, today)]
    chosen = next(iter([*asked, *now, *reversed(held)]), None)
    if chosen is None:
        raise DocumentNotFound(product_code=code)
    others = tuple(ShownVersion(each, _stage(each, today)) for each in held)
    return ProductPage(chosen, _document_id(chosen), _stage(chosen, today), tuple(shown_sheet(chosen.sheet)), others)


def _taken_by(console: Console, code: str, version: DocumentVersion) -> str:
    """The name of another document's product with this code that is or will be in force; '' if there is none."""
    today = console.services.today()
    for held in console.services.store.product_sheets():
        ended = held.effective_until is not None and held.effective_until <= today
        if held.sheet.code == code and not ended and _document_id(held) != version.document_id:
            return held.sheet.name
    return ""


def _holds(held: ProductSheetVersion, on: date) -> bool:
    return held.effective_from <= on and (held.effective_until is None or on < held.effective_until)


def _stage(held: ProductSheetVersion, on: date) -> str:
    if _holds(held, on):
        return Stage.IN_FORCE.value
    return Stage.SCHEDULED.value if held.effective_from > on else Stage.EXPIRED.value


def _document_id(held: ProductSheetVersion) -> str:
    return held.version_id.rpartition("@v")[0]


def _data_of(version: DocumentVersion) -> dict[str, object]:
    data = (version.payload or {}).get("data")
    return dict(data) if isinstance(data, dict) else {}


def _words() -> dict[str, str]:
    words_: dict[str, str] = load_toml("console.zh")["sheet"]
    return words_
