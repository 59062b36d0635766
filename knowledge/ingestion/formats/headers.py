"""Which rows of a table are its header: told from merged cells, from figures below words, and from periods across."""

from __future__ import annotations

import re
from collections.abc import Sequence

from knowledge.ingestion.formats.merged import GridRow
from knowledge.ingestion.formats.tables import VALUE_COLUMNS

_FIGURE = re.compile(
    r"^[\s¥￥$€£(（+\-±≤≥<>~约]*\d[\d,.，\s]*(?:[%‰)）+]|BP|bp|万|亿|元|倍)*$|^\d{4}[-/]\d{1,2}[-/]\d{1,2}$"
)
_PERIOD = re.compile(r"^(?:19|20)\d{2}(?:[-/.]\d{1,2}(?:[-/.]\d{1,2})?)?(?:\s?(?:A|E|H[12]|Q[1-4]))?$")
_SENTENCE_END = re.compile(r"[。；;！!]$")
_ATTRIBUTE = re.compile(
    r"(?:名称|简称|全称|代码|编码|编号|类型|类别|性质|期限|起点|金额|等级|费率?|利率|收益率|币种|日期|时间|对象|范围|方式|"
    r"机构|基准|规模|渠道|部门|地址|电话|比例|条件|用途|频率|评级|投资方向|管理人|托管人|发行人|备注|说明|规则|安排|要求)$"
)
_NUMBERED = re.compile(
    r"^(?:[一二三四五六七八九十]+[、.．]|[（(][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十]+[类部章])"
)
_HEADER_CHARS = 40
_LABEL_CHARS = 20
_MOST_ROWS = 4


def is_figure(text: str) -> bool:
    """Whether a cell is an amount, a rate, a count or a date, not words."""
    return bool(_FIGURE.match(text.strip()))


def header_depth(rows: Sequence[GridRow]) -> int:
    """How many rows from the first on are the header; 0 for none."""
    marked = next((at for at, row in enumerate(rows) if not row.marked), len(rows))
    depth = marked if 0 < marked < len(rows) else 1 if rows and _names(rows, 0) else 0
    while 0 < depth < min(len(rows), _MOST_ROWS) and _continues(rows, depth - 1):
        depth += 1
    return depth


def _names(rows: Sequence[GridRow], at: int) -> bool:
    """Whether a row holds names of columns."""
    cells = [cell.strip() for cell in rows[at].cells if cell.strip()]
    if len(cells) < 2 or any(len(cell) > _HEADER_CHARS or _SENTENCE_END.search(cell) for cell in cells):
        return False
    figures = [cell for cell in cells if is_figure(cell)]
    if not figures:
        return True
    periods = all(_PERIOD.match(cell) for cell in figures) and len(set(figures)) == len(figures)
    enough = len(figures) > 1 or len(figures[0]) == 4
    return periods and enough and not is_figure(rows[at].cells[0]) and not _periods_below(rows, at)


def _periods_below(rows: Sequence[GridRow], at: int) -> bool:
    """Whether the next row repeats the pattern: then the periods are data, not names."""
    if at + 1 >= len(rows):
        return True
    here, below = rows[at].cells, rows[at + 1].cells
    columns = [column for column, cell in enumerate(here) if _PERIOD.match(cell.strip())]
    return any(column < len(below) and _PERIOD.match(below[column].strip()) for column in columns)


def _continues(rows: Sequence[GridRow], at: int) -> bool:
    """Whether the header goes on in the row after `at`."""
    upper, lower = rows[at], rows[at + 1]
    if lower.number != upper.number + 1 and not upper.down > 1:
        return False
    if at + 2 >= len(rows) or not _words_only(lower.cells):
        return False
    if upper.down > 1:
        return any(above != below for above, below in zip(upper.cells, lower.cells, strict=False))
    grouped = upper.across or _gaps(upper.cells, lower.cells)
    if upper.across and not _at(upper.cells, 0) and not _at(lower.cells, 0):
        return True  # the corner above the labels is empty in both rows
    return bool(grouped) and any(
        lower.cells[column].strip() and is_figure(_at(rows[at + 2].cells, column))
        for column in range(1, len(lower.cells))
    )


def _gaps(upper: Sequence[str], lower: Sequence[str]) -> frozenset[int]:
    """Columns that a name without merged cells stands above: empty here, named below, right of a name."""
    return frozenset(
        column for column in range(1, len(lower)) if lower[column].strip() and not _at(upper, column).strip()
    )


def _words_only(cells: Sequence[str]) -> bool:
    solid = [cell.strip() for cell in cells if cell.strip()]
    return bool(solid) and all(
        (not is_figure(cell) or _PERIOD.match(cell)) and len(cell) <= _HEADER_CHARS and not _SENTENCE_END.search(cell)
        for cell in solid
    )


def _at(cells: Sequence[str], column: int) -> str:
    return cells[column].strip() if column < len(cells) else ""


def spread(rows: Sequence[GridRow]) -> list[tuple[str, ...]]:
    """Header rows as cells; a name written once above several columns is put above each of them."""
    done: list[tuple[str, ...]] = []
    for at, row in enumerate(rows):
        cells = list(row.cells)
        if at + 1 < len(rows) and not row.across:
            for column in sorted(_gaps(cells, rows[at + 1].cells)):
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cells[column - 1]
        done.append(tuple(cells))
    return done


def is_form(rows: Sequence[GridRow]) -> bool:
    """Whether rows are pairs of label and value (产品代码 | CK-1 | 币种 | 人民币), not records under column names."""
    width = max((len(row.cells) for row in rows), default=0)
    if width not in {2, 4, 6} or len(rows) < 2:
        return False
    labels = [_at(row.cells, column) for row in rows for column in range(0, width, 2)]
    pairs = [(_at(row.cells, column), _at(row.cells, column + 1)) for row in rows for column in range(0, width, 2)]
    named = [label for label, value in pairs if label and label != value]
    first = _at(rows[0].cells, 0), _at(rows[0].cells, 1)
    if any(len(label) > _LABEL_CHARS or is_figure(label) for label in labels) or len(set(named)) < len(named):
        return False
    if not _ATTRIBUTE.search(first[0]) or first[1] in VALUE_COLUMNS or (width == 2 and _ATTRIBUTE.search(first[1])):
        return False
    return sum(bool(_ATTRIBUTE.search(label)) for label in named) * 2 >= len(named)


def is_section(row: GridRow, is_last: bool) -> bool:
    """Whether a row inside a table only names the rows below it (一、个人业务 across the table)."""
    different = {cell.strip() for cell in row.cells if cell.strip()}
    if len(different) != 1 or is_last:
        return False
    text = different.pop()
    if len(text) > _LABEL_CHARS or is_figure(text) or _SENTENCE_END.search(text) or text.startswith(("注", "备注")):
        return False
    alone = sum(bool(cell.strip()) for cell in row.cells) == 1
    return bool(_NUMBERED.match(text) or text.endswith(("：", ":"))) if alone else len(row.across) >= 2
