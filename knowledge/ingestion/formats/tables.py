"""Table rows as sentences that carry their column names, so that a figure never stands without its meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME_COLUMNS = {"项目", "要素", "名称", "条目", "字段", "指标", "类别", "事项", "要素名称", "项目名称", ""}
_VALUE_COLUMNS = {"内容", "说明", "值", "取值", "描述", "要求", "具体内容", "详情", ""}
_SPACES = re.compile(r"\s+")
_BETWEEN_CHINESE = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])\s+(?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])"
)


def cell_text(value: str) -> str:
    """One cell on one line; a line break inside Chinese words leaves no gap."""
    return _SPACES.sub(" ", _BETWEEN_CHINESE.sub("", value.replace("<br>", "\n").strip()))


def row_text(headers: Sequence[str], cells: Sequence[str]) -> str:
    """`列名：值；列名：值`; a two-column table of names and values becomes `名：值`."""
    values = [cell_text(cell) for cell in cells]
    if len(headers) == 2 and len(values) == 2 and headers[0] in _NAME_COLUMNS and headers[1] in _VALUE_COLUMNS:
        return "：".join(value for value in values if value)
    parts: list[str] = []
    for position, value in enumerate(values):
        name = headers[position] if position < len(headers) else ""
        if value:
            parts.append(f"{name}：{value}" if name and name != value else value)
    return "；".join(parts)


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
