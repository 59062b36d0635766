"""Files that declare nothing: told apart by what they look like, and read as that.

A chat becomes exchanges, a table of questions known questions, a regulation articles, a table or leaflet of products
a proposal beside its passages; all else is text under its headings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from knowledge.documents import DocumentKind, PassageText
from knowledge.ingestion.chunking import chunk
from knowledge.ingestion.dates import stated_in_articles, stated_in_front_matter, stated_in_opening
from knowledge.ingestion.extracted import BlockKind, Doubt, ExtractedText
from knowledge.ingestion.masked import Mask, masked_text, unmasked
from knowledge.ingestion.naming import document_id, guess_kind, looks_superseded
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.references import article_index
from knowledge.ingestion.typed.chat_json import conversations_in_json
from knowledge.ingestion.typed.chat_lines import conversations_in_rows, conversations_in_text
from knowledge.ingestion.typed.chats import Conversation
from knowledge.ingestion.typed.exchanges import chat_document
from knowledge.ingestion.typed.proposals import Proposal, proposals_in
from knowledge.ingestion.typed.questions import questions_in_rows, questions_in_text

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_OPENING = 4_000
_PRODUCTS_MAY_BE = frozenset({DocumentKind.PRODUCT, DocumentKind.OTHER})


@dataclass(frozen=True, slots=True)
class Untyped:
    """One file as it came: `kind` is what the uploader said, None: guessed; `file` what passages name as theirs."""

    name: str
    file: str
    kind: DocumentKind | None = None
    mask: Mask = unmasked

    @property
    def stem(self) -> str:
        """The file's name without folders and ending."""
        return PurePosixPath(self.name).stem


def read_untyped(
    extracted: ExtractedText,
    upload: Untyped,
    *,
    front: Mapping[str, Any] | None = None,
    raw: str = "",
    simply: bool = False,
) -> list[ReadDocument]:
    """The documents of a file without a template.

    Args:
        front: its front matter, if any.
        raw: its text as it stands, where that is JSON.
        simply: as text under headings, because reading it by its template has failed.
    """
    front = front or {}
    declared = str(front.get("kind", ""))
    kind = upload.kind or (DocumentKind(declared) if declared in set(DocumentKind) else None)
    if not simply and kind in {None, DocumentKind.TRANSCRIPT}:
        chat = _conversations(extracted, raw, kind, upload)
        if chat:
            title = str(front.get("title") or "").strip() or upload.stem
            document = chat_document(chat, name=upload.name, file=upload.file, title=title, mask=upload.mask)
            return [replace(document, doubts=(*extracted.warnings, *document.doubts))]
    clean, changed = masked_text(extracted, upload.mask)
    kind = kind or guess_kind(upload.name, clean.text[:_OPENING])
    base = replace(_base(clean, kind, upload, front), masked=changed)
    if simply:
        return [replace(base, passages=tuple(chunk(clean, kind, file=upload.file)))]
    return _by_kind(base, clean, kind, upload)


def _by_kind(base: ReadDocument, clean: ExtractedText, kind: DocumentKind, upload: Untyped) -> list[ReadDocument]:
    if kind in {DocumentKind.FAQ, DocumentKind.OTHER} or upload.kind is None:
        read = questions_in_rows(clean, file=upload.file) or questions_in_text(clean, file=upload.file)
        if read is not None:
            base = replace(base, kind=DocumentKind.FAQ, passages=read.passages, payload=read.payload)
            return [replace(base, extracted=read.extracted)]
    passages = tuple(chunk(clean, kind, file=upload.file))
    if kind in _PRODUCTS_MAY_BE and upload.kind in {None, DocumentKind.PRODUCT} and (found := proposals_in(clean)):
        return _proposed(replace(base, kind=DocumentKind.PRODUCT), found, passages)
    if kind is DocumentKind.REGULATION:
        index = article_index(passages)
        payload: dict[str, object] | None = {"content": "articles", "data": index} if index["articles"] else None
        return [replace(base, passages=passages, payload=payload)]
    if kind is DocumentKind.TRANSCRIPT:
        base = replace(base, doubts=(*base.doubts, Doubt("chat_not_understood")), keeps_file=False)
    return [replace(base, passages=passages)]


def _conversations(
    extracted: ExtractedText, raw: str, kind: DocumentKind | None, upload: Untyped
) -> list[Conversation]:
    if raw:
        return conversations_in_json(raw)
    insists = kind is DocumentKind.TRANSCRIPT
    if not insists and guess_kind(upload.name, "") is DocumentKind.REGULATION:
        return []
    return conversations_in_rows(extracted.blocks) or conversations_in_text(extracted.text, insists=insists)


def _base(clean: ExtractedText, kind: DocumentKind, upload: Untyped, front: Mapping[str, Any]) -> ReadDocument:
    title = str(front.get("title") or "").strip() or _title(clean, upload.stem)
    first, until = stated_in_opening(clean.text)
    until = stated_in_front_matter(front, "until", "expir") or until
    first = stated_in_front_matter(front, "from", "date") or first or _in_articles(clean, kind)
    doubts = list(clean.warnings)
    if until is None and looks_superseded(upload.stem, str(front.get("status", "")), title):
        doubts.append(Doubt("looks_superseded"))
    return ReadDocument(
        document_id=document_id(upload.name),
        kind=kind,
        title=upload.mask(title)[:200],
        passages=(),
        effective_from=first,
        effective_until=until,
        doubts=tuple(doubts),
        extracted=clean,
    )


def _in_articles(clean: ExtractedText, kind: DocumentKind) -> date | None:
    return stated_in_articles(clean.text) if kind is DocumentKind.REGULATION else None


def _proposed(base: ReadDocument, found: list[Proposal], passages: tuple[PassageText, ...]) -> list[ReadDocument]:
    doubt = Doubt("product_proposed", (("count", str(len(found))),))
    if len(found) == 1 and not found[0].rows:
        return [_proposal(base, found[0], passages, base.document_id, doubt)]
    documents: list[ReadDocument] = []
    spoken: set[int] = set()
    by_row = {row.start: number for number, proposal in enumerate(found) for row in proposal.rows}
    own: dict[int, list[PassageText]] = {}
    for item in passages:
        if (number := by_row.get(item.source.start)) is not None:
            own.setdefault(number, []).append(item)
            spoken.add(item.source.start)
    for number, proposal in enumerate(found):
        name = f"{base.document_id}-{number + 1}"
        documents.append(_proposal(base, proposal, tuple(own.get(number, ())), name, doubt))
    rest = tuple(item for item in passages if item.source.start not in spoken)
    documents = [document for document in documents if document.passages]
    return documents + ([replace(base, passages=rest)] if rest else [])


def _proposal(
    base: ReadDocument, proposal: Proposal, passages: tuple[PassageText, ...], name: str, doubt: Doubt
) -> ReadDocument:
    payload = proposal.payload()
    data = payload["data"]
    said = data if isinstance(data, dict) else {}
    code, title = str(said.get("code") or ""), str(said.get("name") or "")
    return replace(
        base,
        document_id=name,
        title=title[:200] or base.title,
        passages=passages,
        payload=payload,
        product_code=code or None,
        doubts=(*base.doubts, doubt),
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
