"""Documents whose passages were put together from fields: offsets count in the composed text, which is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from knowledge.documents import PassageText
from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText, joined
from knowledge.ingestion.masked import Mask, masked_value
from knowledge.ingestion.reading import ReadDocument


def anchored(documents: Sequence[ReadDocument], mask: Mask) -> list[ReadDocument]:
    """The documents of one file masked, over one text that holds all their passages in order.

    Documents that already stand on an extracted text of their own are left alone.
    """
    composed = [document for document in documents if document.extracted is None]
    if not composed:
        return list(documents)
    clean = [_masked(document, mask) for document in composed]
    changed = sum(
        after.text != before.text
        for document, was in zip(clean, composed, strict=True)
        for after, before in zip(document.passages, was.passages, strict=True)
    )
    changed += sum(document.payload != was.payload for document, was in zip(clean, composed, strict=True))
    blocks = [_block(passage) for document in clean for passage in document.passages if passage.text.strip()]
    text = joined(blocks)
    done = _placed(clean, text, changed)
    return [done.pop(0) if document.extracted is None else document for document in documents]


def _masked(document: ReadDocument, mask: Mask) -> ReadDocument:
    passages = tuple(
        PassageText(
            mask(item.text).strip(),
            replace(item.source, heading=mask(item.source.heading)),
            tuple(map(mask, item.known_questions)),
            tuple(map(mask, item.counter_questions)),
        )
        for item in document.passages
    )
    payload = masked_value(document.payload, mask)
    return replace(document, title=mask(document.title), passages=passages, payload=payload)


def _block(passage: PassageText) -> Block:
    source = passage.source
    return Block(
        BlockKind.PARAGRAPH,
        passage.text,
        page=source.page,
        sheet=source.sheet,
        cells=source.cells,
        table=source.table,
    )


def _placed(documents: Sequence[ReadDocument], text: ExtractedText, changed: int) -> list[ReadDocument]:
    placed: list[ReadDocument] = []
    blocks = iter(text.blocks)
    for document in documents:
        passages = []
        for passage in document.passages:
            block = next(blocks, None) if passage.text else None
            if block is not None:
                source = replace(passage.source, start=block.start, end=block.end)
                passages.append(replace(passage, text=block.text, source=source))
        placed.append(replace(document, passages=tuple(passages), extracted=text, masked=changed))
    return placed
