"""Typed content as its curators write it, and read again by the readers of its files.

Conversations, known questions and topics are YAML, a playbook is Markdown with front matter, of a regulation only the
front matter is typed (its articles are ordinary passages). Title, dates and id are the version's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from knowledge.content import RegulationHeader
from knowledge.documents import DocumentVersion, PassageText
from knowledge.ingestion.masked import Mask, masked_value, unmasked
from knowledge.ingestion.reading import ContentInvalid, ReadDocument, validated
from knowledge.ingestion.typed.conversations import read_known_questions, read_moments, read_transcripts
from knowledge.ingestion.typed.guidance import read_playbook, with_header
from knowledge.ingestion.wording import sentence
from knowledge.ingestion.yaml_files import YamlInvalid, dump_yaml, load_yaml, split_front_matter

DATED = frozenset({"known_question", "playbook", "regulation"})  # contents that state when they hold
_TITLES = {"known_question": "question", "moments_topic": "topic"}  # "title" elsewhere
_NEEDED = {
    "known_question": ("question", "situation", "answer"),
    "transcript": ("title", "turns"),
    "moments_topic": ("topic", "angles"),
    "playbook": ("title", "stage", "segment"),
    "regulation": ("title",),
}
_YAML_READERS: dict[str, Callable[..., list[ReadDocument]]] = {
    "known_question": read_known_questions,
    "transcript": read_transcripts,
    "moments_topic": read_moments,
}
WRITTEN = frozenset(_NEEDED)


def content_of(version: DocumentVersion) -> str:
    """Which of `WRITTEN` a version's typed content is; empty for everything else."""
    content = str((version.payload or {}).get("content", ""))
    return content if content in WRITTEN else ""


def data_of(version: DocumentVersion) -> dict[str, Any]:
    """The fields of a version's content (of a playbook those of its front matter), with the version's dates."""
    content, data = content_of(version), (version.payload or {}).get("data")
    fields = dict(data) if isinstance(data, Mapping) else {}
    if content == "playbook":
        header = fields.get("header")
        fields = dict(header) if isinstance(header, Mapping) else {}
    if content in DATED:
        until = version.effective_until
        fields |= {"effective_from": version.effective_from.isoformat()}
        fields |= {"effective_until": until.isoformat() if until else None}
    return fields


def written(version: DocumentVersion) -> str:
    """A version's typed content as text to edit. Fields that are empty and may be are left out."""
    content = content_of(version)
    fields = {name: value for name, value in data_of(version).items() if value not in (None, "", [], {})}
    if content != "playbook":
        return dump_yaml(_plain(fields))
    data = (version.payload or {}).get("data")
    sections = data.get("sections") if isinstance(data, Mapping) else None
    parts = [f"## {name}\n\n{text}" if name else str(text) for name, text in dict(sections or {}).items()]
    return f"---\n{dump_yaml(fields)}---\n\n" + "\n\n".join(part.strip() for part in parts) + "\n"


def read_written(
    text: str, version: DocumentVersion, passages: list[PassageText], *, mask: Mask = unmasked
) -> ReadDocument:
    """What an edited text says, as the document that `version` is to become; `passages` are those it has.

    Raises: ContentInvalid with the field that does not fit, also when the id was changed.
    """
    head, body = split_front_matter(text) if content_of(version) == "playbook" else (text, "")
    try:
        data = load_yaml(head)
    except YamlInvalid as exc:
        raise ContentInvalid(field="YAML", problem=sentence("problems", "syntax", problem=str(exc))) from exc
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, Mapping):
        raise ContentInvalid(field="YAML", problem=sentence("problems", "type"))
    return read_fields(dict(data), version, passages, body=body, mask=mask)


def read_fields(
    data: Mapping[str, Any],
    version: DocumentVersion,
    passages: list[PassageText],
    *,
    body: str = "",
    mask: Mask = unmasked,
) -> ReadDocument:
    """As `read_written`, from fields; `body` is the Markdown below a playbook's front matter."""
    content = content_of(version)
    data = masked_value(dict(data), mask)
    for name in _NEEDED.get(content, ()):
        if not str(data.get(name) or "").strip():
            raise ContentInvalid(field=name, problem=sentence("problems", "missing"))
    _same_id(data, version)
    if content in _YAML_READERS:
        found = _YAML_READERS[content](data, "", file=version.file)[0]
    elif content == "playbook":
        if not body.strip():
            raise ContentInvalid(field="body", problem=sentence("problems", "missing"))
        found = read_playbook(data, mask(body), file=version.file)
    elif content == "regulation":
        found = _regulation(data, version, passages)
    else:
        raise ContentInvalid(field="content", problem=sentence("problems", "other"))
    return _as_version(found, version)


def read_payload(payload: Mapping[str, Any], version: DocumentVersion, passages: list[PassageText]) -> ReadDocument:
    """The document that `version` becomes with another payload. Raises: ContentInvalid."""
    wanted = replace(version, payload=dict(payload))
    data = payload.get("data")
    fields: Any = data if isinstance(data, Mapping) else {}
    if content_of(wanted) == "playbook":
        _, body = split_front_matter(written(wanted))
        return read_fields(fields.get("header") or {}, _holder(version, wanted), passages, body=body)
    return read_fields(fields, _holder(version, wanted), passages)


def _holder(version: DocumentVersion, wanted: DocumentVersion) -> DocumentVersion:
    """`version` where both hold the same kind of content, so that its id is kept; else what is wanted of it."""
    return version if content_of(version) == content_of(wanted) else wanted


def _same_id(data: Mapping[str, Any], version: DocumentVersion) -> None:
    former = data_of(version).get("id")
    if former is not None and data.get("id") != former:
        raise ContentInvalid(field="id", problem=sentence("problems", "fixed", expected=str(former)))


def _regulation(data: Mapping[str, Any], version: DocumentVersion, passages: list[PassageText]) -> ReadDocument:
    former = data_of(version).get("questions") or ()
    header = validated(RegulationHeader, data)
    payload = {**(version.payload or {}), "content": "regulation", "data": header.model_dump(mode="json")}
    return ReadDocument(
        document_id=version.document_id,
        kind=version.kind,
        title=header.title,
        passages=tuple(with_header(passages, former=tuple(map(str, former)), header=header)),
        payload=payload,
        effective_from=header.effective_from,
        effective_until=header.effective_until,
    )


def _as_version(found: ReadDocument, version: DocumentVersion) -> ReadDocument:
    """With what belongs to the version: its id, its kind, the title unless that was changed here, its other dates."""
    content = content_of(version)
    former = data_of(version).get(_TITLES.get(content, "title"))
    changes: dict[str, Any] = {"document_id": version.document_id, "kind": version.kind}
    if found.title == former:
        changes["title"] = version.title
    if content not in DATED:
        changes |= {"effective_from": version.effective_from, "effective_until": version.effective_until}
    if content != "known_question":
        changes["product_code"] = version.product_code
    return replace(found, **changes)


def _plain(value: Any) -> Any:
    """Without what a template may leave out inside lists: null, empty text, `reusable: false`."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if item not in (None, "", [], False)}
    return [_plain(item) for item in value] if isinstance(value, list) else value
