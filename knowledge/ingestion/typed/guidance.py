"""Markdown files with front matter: playbooks, and summaries of regulations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from knowledge.content import PlaybookHeader, RegulationHeader
from knowledge.documents import DocumentKind, PassageText
from knowledge.ingestion.chunking import chunk
from knowledge.ingestion.extracted import BlockKind, ExtractedText
from knowledge.ingestion.formats import markdown
from knowledge.ingestion.masked import Mask, masked_text, unmasked
from knowledge.ingestion.reading import ContentInvalid, ReadDocument, labelled, validated, whole_file
from knowledge.ingestion.references import article_index
from knowledge.ingestion.wording import sentence, words


def read_playbook(front: object, body: str, *, file: str) -> ReadDocument:
    """One playbook as one passage. Raises: ContentInvalid."""
    header = validated(PlaybookHeader, front)
    extracted = markdown.parse(body)
    label = words("playbook")
    head = labelled(
        [(label["stage"], header.stage), (label["segment"], header.segment), (label["channel"], header.channel)]
    )
    text = "\n".join(part for part in (header.title, head, extracted.text) if part)
    data = {"header": header.model_dump(mode="json"), "sections": sections(extracted)}
    return ReadDocument(
        document_id=f"playbook-{header.id}",
        kind=DocumentKind.PLAYBOOK,
        title=header.title,
        passages=(PassageText(text, whole_file(file, extracted.text), header.questions),),
        payload={"content": "playbook", "data": data},
        effective_from=header.effective_from,
        effective_until=header.effective_until,
    )


def read_regulation(front: object, body: str, *, document_id: str, file: str, mask: Mask = unmasked) -> ReadDocument:
    """A summary as one passage per article. Raises: ContentInvalid.

    The header's questions ask about different articles, so each goes to the one passage that shares most of its
    character pairs; a question that shares too few goes to none.
    """
    header = validated(RegulationHeader, front)
    extracted, changed = masked_text(markdown.parse(body), mask)
    passages = chunk(extracted, DocumentKind.REGULATION, file=file)
    if not passages:
        raise ContentInvalid(field="body", problem=sentence("problems", "missing"))
    return ReadDocument(
        document_id=document_id,
        kind=DocumentKind.REGULATION,
        title=header.title,
        passages=tuple(_with_questions(passages, header.questions)),
        payload={"content": "regulation", "data": header.model_dump(mode="json"), **article_index(passages)},
        effective_from=header.effective_from,
        effective_until=header.effective_until,
        extracted=extracted,
        masked=changed,
    )


def with_header(
    passages: Sequence[PassageText], *, former: Sequence[str], header: RegulationHeader
) -> list[PassageText]:
    """The articles of a regulation with the questions of another header in place of the `former` ones."""
    bare = [
        replace(each, known_questions=tuple(q for q in each.known_questions if q not in former)) for each in passages
    ]
    return _with_questions(bare, header.questions) if bare else []


def sections(extracted: ExtractedText) -> dict[str, str]:
    """Heading to the text under it, in order; text before the first heading stands under an empty one."""
    found: dict[str, list[str]] = {}
    heading = ""
    for block in extracted.blocks:
        if block.kind is BlockKind.HEADING:
            heading = block.text
            found.setdefault(heading, [])
        else:
            found.setdefault(heading, []).append(block.text)
    return {name: "\n".join(lines) for name, lines in found.items()}


def _with_questions(passages: list[PassageText], questions: tuple[str, ...]) -> list[PassageText]:
    given: dict[int, list[str]] = {}
    pairs = [_pairs(passage.text) for passage in passages]
    for question in questions:
        asked = _pairs(question)
        shared = [len(asked & own) for own in pairs]
        best = max(range(len(shared)), key=shared.__getitem__)
        if shared[best] >= max(2, len(asked) // 5):
            given.setdefault(best, []).append(question)
    return [
        replace(passage, known_questions=(*passage.known_questions, *given.get(number, ())))
        for number, passage in enumerate(passages)
    ]


def _pairs(text: str) -> set[str]:
    solid = "".join(char for char in text if char.isalnum())
    return {solid[at : at + 2] for at in range(len(solid) - 1)}
