"""Which rows of a table are passages of their own, and what stands above a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from knowledge.ingestion.extracted import Block, BlockKind, Cell
from knowledge.ingestion.stretches import Group, HeadingPath

ROW_MOST = 2_000  # a row is not cut below this: its later cells would lose their row's name
_CAPTION_CHARS = 60
_CAPTION = re.compile(r"^[（(\[【]?(?:附?表|单位|图表|Table)|表\s*[\d一二三四五六七八九十]*$|[:：]$", re.I)
_FIGURE = re.compile(
    r"^[<>≤≥~约¥$￥€±+\-－—\s]*(?:LPR)?[\d.,]+[^\u4e00-\u9fff]{0,14}[\u4e00-\u9fff/]{0,4}[\d.,%‰BPbp]*$"
)
TableKey = tuple[str | None, int | None]


def table_key(block: Block) -> TableKey:
    """One table within a file."""
    return (block.sheet, block.table)


def data_tables(blocks: Iterable[Block]) -> frozenset[TableKey]:
    """Tables whose rows each say something by themselves: three columns or more, or a name and a figure.

    A table of names and values (two columns, or pairs side by side) is not one: its rows belong together.
    """
    rows: dict[TableKey, list[tuple[Cell, ...]]] = {}
    for block in blocks:
        if block.kind is BlockKind.ROW and len(block.row) > 1:
            rows.setdefault(table_key(block), []).append(block.row)
    return frozenset(key for key, found in rows.items() if _is_data(found))


def _is_data(rows: Sequence[tuple[Cell, ...]]) -> bool:
    width = max(map(len, rows))
    names = {cell.name for row in rows for cell in row}
    if len(names - {""}) > width:  # names that change from row to row are labels, not columns
        return False
    if width >= 3:
        return True
    figures = sum(bool(_FIGURE.match(row[-1].value)) for row in rows)
    return len(names - {""}) == 2 and figures * 2 > len(rows)


def row_group(block: Block, path: HeadingPath, caption: str) -> Group:
    """A data row as a group of its own, under its headings, its table's caption and its sheet."""
    names = path.names()
    for name in (block.sheet or "", caption):
        if name and name not in names:
            names.append(name)
    return Group(" / ".join(names), [block], most=ROW_MOST)


def caption_of(block: Block | None) -> str:
    """What a short paragraph right above a table calls it, or nothing."""
    if block is None or block.kind is not BlockKind.PARAGRAPH or len(block.text) > _CAPTION_CHARS:
        return ""
    text = " ".join(block.text.split())
    return text.rstrip("：:") if _CAPTION.search(text) else ""


def only_names_a_section(block: Block, following: Block | None) -> bool:
    """A row that stands across the table and is repeated at the beginning of the rows below it."""
    return len(block.row) <= 1 and following is not None and following.text.startswith(f"{block.text}；")
