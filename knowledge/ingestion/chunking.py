"""Cut extracted text into passages: by article, by heading and paragraph, by row.

Every passage is one stretch of the extracted text, so `text[source.start:source.end] == passage.text`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from knowledge.documents import DocumentKind, PassageText
from knowledge.ingestion.articles import article_number, by_article, reads_like_articles
from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText
from knowledge.ingestion.rows import caption_of, data_tables, only_names_a_section, row_group, table_key
from knowledge.ingestion.stretches import AIM, MOST, Group, HeadingPath, asks, passages_of

CHUNKER = "2"  # raise it when the cutting changes: it is part of every content hash


def chunk(extracted: ExtractedText, kind: DocumentKind, *, file: str = "") -> list[PassageText]:
    """The passages of a document in reading order; never empty when the text is not."""
    groups: list[Group] = []
    if reads_like_articles(extracted.blocks, declared=kind is DocumentKind.REGULATION):
        # A heading alone says nothing here; what stands below keeps it in `source.heading`.
        groups = [group for group in by_article(extracted.blocks) if group.blocks and _says_something(group)]
    groups = groups or list(_by_heading(extracted.blocks))
    return [passage for group in groups for passage in passages_of(extracted.text, group, file)]


def _says_something(group: Group) -> bool:
    return not group.only_headings or bool(article_number(group.blocks[0].text))


def _by_heading(blocks: Sequence[Block]) -> Iterator[Group]:
    tables = data_tables(blocks)
    path, group, caption = HeadingPath(), Group(""), ""
    for at, block in enumerate(blocks):
        before = blocks[at - 1] if at else None
        if block.kind is BlockKind.ROW and table_key(block) in tables:
            if before is None or table_key(before) != table_key(block):
                caption = caption_of(before)
            if not group.only_headings:
                yield group
            group = Group(str(path))
            if not only_names_a_section(block, blocks[at + 1] if at + 1 < len(blocks) else None):
                yield row_group(block, path, caption)
            continue
        if block.kind is BlockKind.HEADING:
            if not group.only_headings:
                yield group
                group = Group("")
            path.enter(block.level, block.text)
            group.heading = str(path)
        elif not group.only_headings and _breaks(group, block):
            yield group
            group = Group(str(path))
        group.blocks.append(block)
        group.heading = group.heading or str(path)
    yield group


def _breaks(group: Group, block: Block) -> bool:
    """Whether `block` begins a passage of its own under the same heading."""
    last = group.blocks[-1]
    if last.sheet != block.sheet or (last.table != block.table and group.size > AIM // 3):
        return True
    if asks(block):
        return True
    return group.size + len(block.text) > MOST and (group.size >= AIM // 3 or len(block.text) >= MOST)
