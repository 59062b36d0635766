"""From the bytes of one file to the documents in it.

A file that declares what it is (front matter `kind`, the shape of its YAML) is read by its template. One that does not
fit its template is read as plain text with a doubt, unless the caller insists on the kind: then it is refused, with
the field. What declares nothing goes to `untyped.py`. Personal data is masked before anything is cut.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from knowledge.documents import DocumentKind
from knowledge.errors import DocumentRefused
from knowledge.ingestion.checks import check_name
from knowledge.ingestion.composed import anchored
from knowledge.ingestion.extracted import Doubt, ExtractedText
from knowledge.ingestion.formats import markdown, plain_text
from knowledge.ingestion.formats.registry import check_bytes
from knowledge.ingestion.masked import Mask, masked_value, unmasked
from knowledge.ingestion.naming import document_id
from knowledge.ingestion.reading import ContentInvalid, ReadDocument
from knowledge.ingestion.typed.conversations import read_known_questions, read_moments, read_transcripts
from knowledge.ingestion.typed.guidance import read_playbook, read_regulation
from knowledge.ingestion.typed.products import read_product
from knowledge.ingestion.untyped import Untyped, read_untyped
from knowledge.ingestion.wording import reason_sentence, sentence
from knowledge.ingestion.yaml_files import YamlInvalid, load_yaml, split_front_matter

MARKDOWN = {".md", ".markdown"}
YAML = {".yaml", ".yml"}
TEXT = MARKDOWN | YAML | {".txt", ".text", ".log", ".json", ".jsonl", ".csv", ".tsv", ".html", ".htm"}
Extract = Callable[[bytes, str], ExtractedText]


def read_document(
    data: bytes,
    name: str,
    *,
    extract: Extract,
    kind: DocumentKind | None = None,
    file: str | None = None,
    mask: Mask = unmasked,
) -> list[ReadDocument]:
    """The documents in one file, with the text that their passages' offsets count in.

    Args:
        name: the file's name, or its path below the folder when names alone are not unique; decides the document id.
        extract: parses every format, e.g. `sandbox.extract`, and refuses what it would take too long to read here.
        kind: what the caller says it is; None: guessed.
        file: what passages name as their file; the last part of `name` when left out.
        mask: takes personal data out of words.
    Raises: DocumentRefused with ids `file`, `reason`, and for `bad_content` also `field` and `problem`.
    """
    file = file if file is not None else PurePosixPath(name).name
    suffix = PurePosixPath(name).suffix.lower()
    upload = Untyped(name=name, file=file, kind=kind, mask=mask)
    try:
        check_name(name)
        check_bytes(data, suffix)
        extracted = extract(data, suffix)  # also of what is read again here: a worker has then read it within limits
        if suffix in YAML:
            found = _read_yaml(data, upload)
        elif suffix in MARKDOWN:
            found = _read_markdown(data, upload)
        else:
            raw = plain_text.decoded(data) if suffix in {".json", ".jsonl"} else ""
            found = read_untyped(extracted, upload, raw=raw)
        found = anchored(found, mask)
    except DocumentRefused as exc:
        raise DocumentRefused(**{**exc.ids, "file": file}) from exc
    if not any(document.passages for document in found):
        raise DocumentRefused(file=file, reason="empty")
    return _stamped(found, data, suffix, mask)


def refusal_sentence(refused: DocumentRefused) -> str:
    """What to tell people about a refused file and what to do next."""
    return reason_sentence(**{"reason": "broken", **refused.ids})


def _stamped(documents: list[ReadDocument], data: bytes, suffix: str, mask: Mask) -> list[ReadDocument]:
    """With the file's hash; what parsers leave out of a text file (front matter, comments) counts as masked too."""
    file_hash = hashlib.sha256(data).hexdigest()
    hidden = 0
    if mask is not unmasked and suffix in TEXT and not any(document.masked for document in documents):
        raw = plain_text.decoded(data)
        hidden = int(any(mask(line) != line for line in raw.splitlines()))
    return [
        replace(
            document,
            file_hash=file_hash,
            masked=document.masked + hidden,
            keeps_file=document.keeps_file and document.kind is not DocumentKind.TRANSCRIPT,
        )
        for document in documents
    ]


def _read_yaml(data: bytes, upload: Untyped) -> list[ReadDocument]:
    text = plain_text.decoded(data)
    shape: str | None = None
    try:
        content = masked_value(load_yaml(text), upload.mask)
        shape = _yaml_shape(content)
        if shape is not None:
            return _YAML_READERS[shape](content, text, file=upload.file)
    except (YamlInvalid, ContentInvalid) as exc:
        insists = upload.kind is not None and (shape is None or upload.kind is _KINDS.get(shape))
        doubt = _fallback(exc, shape, insists=insists)
        return [replace(item, doubts=(doubt,)) for item in read_untyped(plain_text.read(data), upload, simply=True)]
    return read_untyped(plain_text.read(data), upload)


def _read_markdown(data: bytes, upload: Untyped) -> list[ReadDocument]:
    head, body = split_front_matter(plain_text.decoded(data))
    front: Any = {}
    shape: str | None = None
    doubts: tuple[Doubt, ...] = ()
    try:
        front = masked_value(load_yaml(head), upload.mask) if head else {}
        shape = _front_shape(front)
        if shape is not None:
            return [_MARKDOWN_READERS[shape](front, body, upload)]
    except (YamlInvalid, ContentInvalid) as exc:
        shape = shape or _declared(head)
        doubts = (_fallback(exc, shape, insists=shape is not None and upload.kind is _KINDS.get(shape)),)
    known = front if isinstance(front, Mapping) else {}
    found = read_untyped(markdown.parse(body), upload, front=known, simply=bool(doubts))
    if doubts:
        found = [replace(item, kind=upload.kind or DocumentKind.OTHER) for item in found]
    return [replace(item, doubts=(*item.doubts, *doubts)) for item in found]


def _product(front: Any, body: str, upload: Untyped) -> ReadDocument:
    return read_product(front, body, file=upload.file, mask=upload.mask)


def _playbook(front: Any, body: str, upload: Untyped) -> ReadDocument:
    return read_playbook(front, body, file=upload.file)


def _regulation(front: Any, body: str, upload: Untyped) -> ReadDocument:
    name = document_id(upload.name, prefix="regulation")
    return read_regulation(front, body, document_id=name, file=upload.file, mask=upload.mask)


_MARKDOWN_READERS: dict[str, Callable[[Any, str, Untyped], ReadDocument]] = {
    "product": _product,
    "playbook": _playbook,
    "regulation": _regulation,
}
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


def _fallback(exc: YamlInvalid | ContentInvalid, shape: str | None, *, insists: bool) -> Doubt:
    if isinstance(exc, ContentInvalid):
        field, problem = exc.ids["field"], exc.ids["problem"]
    else:
        field, problem = "YAML", sentence("problems", "syntax", problem=str(exc))
    if insists:
        raise DocumentRefused(reason="bad_content", field=field, problem=problem) from exc
    return Doubt("typed_fallback", (("kind", shape or "YAML"), ("field", field), ("problem", problem)))
