"""The life of a version and the editing of drafts; the services decide who may do what."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from connectors.api.documents import PassageId, VersionId
from connectors.api.door import Curator
from connectors.api.passage_shapes import PassageEdit, PassageIn, PassageOut
from connectors.api.shapes import DetailsIn, NoteIn, PayloadIn, ReviseIn, VersionOut
from connectors.services import Services
from knowledge.documents import DocumentVersion, PassageText
from knowledge.stores.editing import Details


def routes(services: Callable[[], Services]) -> APIRouter:
    """The changing routes."""
    router = APIRouter(tags=["curating"])
    _life_routes(router, services)
    _draft_routes(router, services)
    return router


def _life_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.post("/versions/{version_id:path}/submit", summary="Hand a draft in for review")
    def submit(caller: Curator, version_id: VersionId) -> VersionOut:
        built = services()
        return _shown(built, built.middle_office.curating.submit(version_id, by=caller.userid, now=built.now()))

    @router.post("/versions/{version_id:path}/send-back", summary="Return a version from review, with a note")
    def send_back(caller: Curator, version_id: VersionId, body: NoteIn) -> VersionOut:
        built = services()
        curating = built.middle_office.curating
        return _shown(built, curating.send_back(version_id, by=caller.userid, note=body.note, now=built.now()))

    @router.post("/versions/{version_id:path}/approve", summary="Approve, as somebody who did not write it")
    def approve(caller: Curator, version_id: VersionId) -> VersionOut:
        built = services()
        return _shown(built, built.middle_office.curating.approve(version_id, by=caller.userid, now=built.now()))

    @router.post("/versions/{version_id:path}/withdraw", summary="Take a version out of retrieval for good, at once")
    def withdraw(caller: Curator, version_id: VersionId, body: NoteIn) -> VersionOut:
        built = services()
        curating = built.middle_office.curating
        return _shown(built, curating.withdraw(version_id, by=caller.userid, note=body.note, now=built.now()))

    @router.post("/versions/{version_id:path}/revise", summary="A new draft of the same content", status_code=201)
    def revise(caller: Curator, version_id: VersionId, body: ReviseIn) -> VersionOut:
        built = services()
        curating = built.middle_office.curating
        since = body.effective_from
        return _shown(built, curating.revise(version_id, effective_from=since, by=caller.userid, now=built.now()))


def _draft_routes(router: APIRouter, services: Callable[[], Services]) -> None:
    @router.patch("/versions/{version_id:path}", summary="Change title, dates or audience of a draft")
    def set_details(caller: Curator, version_id: VersionId, body: DetailsIn) -> VersionOut:
        built = services()
        details = _details(body, built.store.version(version_id))
        curating = built.middle_office.curating
        return _shown(built, curating.set_details(version_id, details, by=caller.userid, now=built.now()))

    @router.put("/versions/{version_id:path}/payload", summary="Set the typed content of a draft, e.g. a product sheet")
    def set_payload(caller: Curator, version_id: VersionId, body: PayloadIn) -> VersionOut:
        built = services()
        set_it = built.middle_office.curating.set_payload
        version = set_it(version_id, body.payload, product_code=body.product_code, by=caller.userid, now=built.now())
        return _shown(built, version)

    @router.post("/versions/{version_id:path}/passages", summary="Add a passage to a draft", status_code=201)
    def add_passage(caller: Curator, version_id: VersionId, body: PassageIn) -> PassageOut:
        built = services()
        added = PassageText(body.text, known_questions=body.known_questions, counter_questions=body.counter_questions)
        curating = built.middle_office.curating
        return PassageOut.of(curating.add_passage(version_id, added, by=caller.userid, now=built.now()))

    @router.put("/passages/{passage_id:path}", summary="Reword a passage of a draft")
    def edit_passage(caller: Curator, passage_id: PassageId, body: PassageEdit) -> PassageOut:
        built = services()
        text = PassageText(body.text, known_questions=body.known_questions, counter_questions=body.counter_questions)
        edit = built.middle_office.curating.edit_passage
        return PassageOut.of(edit(passage_id, text, expected=body.expected, by=caller.userid, now=built.now()))

    @router.delete("/passages/{passage_id:path}", summary="Take a passage out of a draft", status_code=204)
    def remove_passage(caller: Curator, passage_id: PassageId) -> Response:
        built = services()
        built.middle_office.curating.remove_passage(passage_id, by=caller.userid, now=built.now())
        return Response(status_code=204)


def _shown(built: Services, version: DocumentVersion) -> VersionOut:
    return VersionOut.of(version, built.today())


def _details(body: DetailsIn, version: DocumentVersion) -> Details:
    """What is asked, and for what is left out what the version has."""
    asked = {name: getattr(body, name) for name in body.model_fields_set}
    kept = {name: getattr(version, name) for name in Details.__dataclass_fields__}
    wanted = {name: asked[name] if asked.get(name) is not None else kept[name] for name in kept}
    if "effective_until" in asked:
        wanted["effective_until"] = asked["effective_until"]
    return Details(**wanted)
