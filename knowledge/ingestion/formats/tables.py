"""Table rows as sentences that carry their column names, so that a figure never stands without its meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence

from knowledge.ingestion.extracted import Cell

_NAME_COLUMNS = {"项目", "要素", "名称", "条目", "字段", "指标", "类别", "事项", "要素名称", "项目名称", ""}
VALUE_COLUMNS = {"内容", "说明", "值", "取值", "描述", "要求", "具体内容", "详情", ""}
_SPACES = re.compile(r"\s+")
_BREAK = re.compile(r"<br\s*/?>", re.I)
_BETWEEN_CHINESE = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])\s+(?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])"
)


def cell_text(value: str) -> str:
    """One cell on one line; a line break inside Chinese words leaves no gap."""
    return _SPACES.sub(" ", _BETWEEN_CHINESE.sub("", _BREAK.sub("\n", value).strip())).strip()


def cell_lines(value: str) -> tuple[str, ...]:
    """The lines of a cell that was written on several, else nothing."""
    lines = tuple(text for line in _BREAK.sub("\n", value).split("\n") if (text := cell_text(line)))
    return lines if len(lines) > 1 else ()


def sentence(cells: Sequence[Cell]) -> str:
    """`列名：值；列名：值`; a value that repeats its column's name, or has none, stands alone."""
    return "；".join(
        f"{cell.name}：{cell.value}" if cell.name and cell.name != cell.value else cell.value for cell in cells
    )


def names_and_values(headers: Sequence[str]) -> bool:
    """Whether a table has two columns, names and values (项目 | 内容), so that a row reads `名：值`."""
    return len(headers) == 2 and headers[0] in _NAME_COLUMNS and headers[1] in VALUE_COLUMNS


def header_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """Column names from one or more header rows; a name above several columns is put before theirs."""
    width = max((len(row) for row in rows), default=0)
    names: list[str] = []
    for column in range(width):
        parts: list[str] = []
        for row in rows:
            part = cell_text(row[column]) if column < len(row) else ""
            if part and part not in parts:
                parts.append(part)
        names.append("·".join(parts))
    return names
