"""From the bytes of one file to the documents in it.

A file that declares what it is (front matter `kind`, the shape of its YAML) is read by its template. One that does not
fit its template is read as plain text with a doubt, unless the caller insists on the kind: then it is refused, with
the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from knowledge.documents import DocumentKind
from knowledge.errors import DocumentRefused
from knowledge.ingestion.checks import check_name
from knowledge.ingestion.chunking import chunk
from knowledge.ingestion.dates import stated_in_front_matter, stated_in_opening
from knowledge.ingestion.extracted import BlockKind, Doubt, ExtractedText
from knowledge.ingestion.formats import markdown, plain_text
from knowledge.ingestion.formats.registry import check_bytes
from knowledge.ingestion.naming import document_id, guess_kind, looks_superseded
from knowledge.ingestion.reading import ContentInvalid, ReadDocument
from knowledge.ingestion.typed.conversations import read_known_questions, read_moments, read_transcripts
from knowledge.ingestion.typed.guidance import read_playbook, read_regulation
from knowledge.ingestion.typed.products import read_product
from knowledge.ingestion.wording import reason_sentence, sentence
from knowledge.ingestion.yaml_files import YamlInvalid, load_yaml, split_front_matter

MARKDOWN = {".md", ".markdown"}
YAML = {".yaml", ".yml"}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
Extract = Callable[[bytes, str], ExtractedText]


def read_document(
    data: bytes, name: str, *, extract: Extract, kind: DocumentKind | None = None, file: str | None = None
) -> list[ReadDocument]:
    """The documents in one file.

    Args:
        name: the file's name, or its path below the folder when names alone are not unique; decides the document id.
        extract: reads formats that are not text, e.g. `sandbox.extract`.
        kind: what the caller says it is; None: guessed.
        file: what passages name as their file; the last part of `name` when left out.
    Raises: DocumentRefused with ids `file`, `reason`, and for `bad_content` also `field` and `problem`.
    """
    file = file if file is not None else PurePosixPath(name).name
    suffix = PurePosixPath(name).suffix.lower()
    try:
        check_name(name)
        check_bytes(data, suffix)
        if suffix in YAML:
            found = _read_yaml(data, name, file, kind)
        elif suffix in MARKDOWN:
            found = _read_markdown(data, name, file, kind)
        else:
            found = [_plain(extract(data, suffix), name, file, kind, {})]
    except DocumentRefused as exc:
        raise DocumentRefused(**{**exc.ids, "file": file}) from exc
    if not any(document.passages for document in found):
        raise DocumentRefused(file=file, reason="empty")
    return found


def refusal_sentence(refused: DocumentRefused) -> str:
    """What to tell people about a refused file and what to do next."""
    return reason_sentence(**{"reason": "broken", **refused.ids})


def _read_yaml(data: bytes, name: str, file: str, kind: DocumentKind | None) -> list[ReadDocument]:
    text = plain_text.decoded(data)
    shape: str | None = None
    try:
        content = load_yaml(text)
        shape = _yaml_shape(content)
        if shape is not None:
            return _YAML_READERS[shape](content, text, file=file)
    except (YamlInvalid, ContentInvalid) as exc:
        doubt = _fallback(exc, shape, kind, insists=kind is not None and (shape is None or kind is _KINDS.get(shape)))
        return [replace(_plain(plain_text.read(data), name, file, kind, {}), doubts=(doubt,))]
    return [_plain(plain_text.read(data), name, file, kind, {})]


def _read_markdown(data: bytes, name: str, file: str, kind: DocumentKind | None) -> list[ReadDocument]:
    text = plain_text.decoded(data)
    head, body = split_front_matter(text)
    front: Any = {}
    shape: str | None = None
    doubts: tuple[Doubt, ...] = ()
    try:
        front = load_yaml(head) if head else {}
        shape = _front_shape(front)
        if shape == "product":
            return [read_product(front, text[: len(text) - len(body)], body, file=file)]
        if shape == "playbook":
            return [read_playbook(front, body, file=file)]
        if shape == "regulation":
            return [read_regulation(front, body, document_id=document_id(name, prefix="regulation"), file=file)]
    except (YamlInvalid, ContentInvalid) as exc:
        shape = shape or _declared(head)
        doubts = (_fallback(exc, shape, kind, insists=shape is not None and kind is _KINDS.get(shape)),)
    known = front if isinstance(front, Mapping) else {}
    plain = _plain(markdown.parse(body), name, file, kind, known)
    if doubts:
        plain = replace(plain, kind=kind or DocumentKind.OTHER)
    return [replace(plain, doubts=(*plain.doubts, *doubts))]


_YAML_READERS: dict[str, Callable[..., list[ReadDocument]]] = {
    "transcript": read_transcripts,
    "known_question": read_known_questions,
    "moments_topic": read_moments,
}
_KINDS = {
    "transcript": DocumentKind.TRANSCRIPT,
    "known_question": DocumentKind.FAQ,
    "moments_topic": DocumentKind.OTHER,
    "product": DocumentKind.PRODUCT,
    "playbook": DocumentKind.PLAYBOOK,
    "regulation": DocumentKind.REGULATION,
}


def _yaml_shape(content: Any) -> str | None:
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, dict):
        return None
    if "turns" in first and "outcome" in first:
        return "transcript"
    if "question" in first and "answer" in first:
        return "known_question"
    return "moments_topic" if "angles" in first else None


def _front_shape(front: Any) -> str | None:
    if not isinstance(front, dict):
        return None
    if front.get("kind") in {"product", "playbook", "regulation"}:
        return str(front["kind"])
    return "product" if {"code", "product_kind"} <= set(front) else None


def _declared(head: str) -> str | None:
    found = re.search(r"^kind:\s*(product|playbook|regulation)\s*$", head, re.M)
    return found.group(1) if found else None


def _fallback(
    exc: YamlInvalid | ContentInvalid, shape: str | None, kind: DocumentKind | None, *, insists: bool
) -> Doubt:
    if isinstance(exc, ContentInvalid):
        field, problem = exc.ids["field"], exc.ids["problem"]
    else:
        field, problem = "YAML", sentence("problems", "syntax", problem=str(exc))
    if insists:
        raise DocumentRefused(reason="bad_content", field=field, problem=problem) from exc
    return Doubt("typed_fallback", (("kind", shape or "YAML"), ("field", field), ("problem", problem)))


def _plain(
    extracted: ExtractedText, name: str, file: str, kind: DocumentKind | None, front: Mapping[str, Any]
) -> ReadDocument:
    declared = str(front.get("kind", ""))
    if kind is None:
        kind = DocumentKind(declared) if declared in set(DocumentKind) else guess_kind(name, extracted.text[:4000])
    title = str(front.get("title") or "").strip() or _title(extracted, PurePosixPath(name).stem)
    doubts = list(extracted.warnings)
    first, until = stated_in_opening(extracted.text)
    until = stated_in_front_matter(front, "until", "expir") or until
    if until is None and looks_superseded(PurePosixPath(name).stem, str(front.get("status", "")), title):
        doubts.append(Doubt("looks_superseded"))
    return ReadDocument(
        document_id=document_id(name),
        kind=kind,
        title=title[:200],
        passages=tuple(chunk(extracted, kind, file=file)),
        effective_from=stated_in_front_matter(front, "from", "date") or first,
        effective_until=until,
        doubts=tuple(doubts),
    )


def _title(extracted: ExtractedText, stem: str) -> str:
    """The top heading; else the file's own name where that is Chinese; else a short first line."""
    first = extracted.blocks[0] if extracted.blocks else None
    line = " ".join(first.text.split()) if first is not None else ""
    if first is None or len(line) > 60 or first.kind is BlockKind.ROW:
        return stem
    if first.kind is BlockKind.HEADING and first.level == 1 and first.sheet is None:
        return line
    is_name = len(_CHINESE.findall(line)) >= 4 and len(line) <= 40 and not line.endswith(("。", "；", "，", "："))
    return line if is_name and first.sheet is None and not _CHINESE.search(stem) else stem
