"""Word's runs and styles: what is seen of a paragraph, what is hidden, how deep a heading it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from knowledge.ingestion.characters import repaired
from knowledge.ingestion.formats.docx_lists import W
from knowledge.ingestion.formats.visibility import is_pale, is_tiny

_HEADING = re.compile(r"^(?:heading|标题)\s*([1-9])$", re.I)
_NOT_TEXT = {f"{W}del", f"{W}moveFrom", f"{W}txbxContent", f"{W}pPr", f"{W}rPr", f"{W}instrText"}
_TITLES = {"title", "标题"}
_DEEPEST_STYLE = 10


@dataclass(frozen=True, slots=True)
class ParagraphStyle:
    """`level` is a heading's depth from 1, 0 for text; `list_at` the list and depth that the style numbers by."""

    name: str = ""
    level: int = 0
    list_at: tuple[str, int] | None = None
    shaded: bool = False


class Styles:
    """The named styles of a document."""

    def __init__(self, styles: Any) -> None:
        self._by_id = {style.get(f"{W}styleId"): style for style in styles.findall(f"{W}style")}

    def of(self, paragraph: Any) -> ParagraphStyle:
        """What the paragraph's style and its own marks say."""
        properties = paragraph.find(f"{W}pPr")
        chain = list(self._chain(_value(properties, "pStyle")))
        name = _value(chain[0], "name") if chain else ""
        own = _value(properties, "outlineLvl")
        level = _level(own) or (1 if name.lower() in _TITLES else 0)
        numbered: tuple[str, int] | None = None
        for style in chain:
            found = _HEADING.match(_value(style, "name"))
            inherited = style.find(f"{W}pPr")
            level = level or (int(found.group(1)) if found else _level(_value(inherited, "outlineLvl")))
            numbered = numbered or _numbered(inherited)
        return ParagraphStyle(name, level, numbered, properties is not None and properties.find(f"{W}shd") is not None)

    def table_name(self, table: Any) -> str:
        """The name of a table's style; empty for none."""
        style = self._by_id.get(_value(table.find(f"{W}tblPr"), "tblStyle"))
        return _value(style, "name")

    def _chain(self, style_id: str) -> Iterator[Any]:
        for _ in range(_DEEPEST_STYLE):
            style = self._by_id.get(style_id)
            if style is None:
                return
            yield style
            style_id = _value(style, "basedOn")


def _numbered(properties: Any) -> tuple[str, int] | None:
    marks = properties.find(f"{W}numPr") if properties is not None else None
    number = _value(marks, "numId")
    depth = _value(marks, "ilvl")
    return (number, int(depth) if depth.isdecimal() else 0) if number else None


def _level(value: str) -> int:
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else 0


def _value(element: Any, name: str) -> str:
    child = element.find(f"{W}{name}") if element is not None else None
    return "" if child is None else str(child.get(f"{W}val", ""))


def run_texts(paragraph: Any, *, on_white: bool = True) -> tuple[str, str]:
    """What people see of a paragraph and what they do not: vanished, white on white paper, too small."""
    seen: list[str] = []
    unseen: list[str] = []
    for run in _runs(paragraph):
        (unseen if _is_unseen(run.find(f"{W}rPr"), on_white=on_white) else seen).append(_run_text(run))
    return repaired("".join(seen)).strip(), repaired("".join(unseen)).strip()


def is_bold(paragraph: Any) -> bool:
    """Whether all that is written in a paragraph is bold."""
    runs = [run for run in _runs(paragraph) if _run_text(run).strip()]
    return bool(runs) and all(_switched_on(run.find(f"{W}rPr"), "b") for run in runs)


def footnote_numbers(paragraph: Any) -> list[str]:
    """The ids of the footnotes that a paragraph refers to."""
    return [mark.get(f"{W}id", "") for mark in paragraph.iter(f"{W}footnoteReference")]


def _runs(element: Any) -> Iterator[Any]:
    for child in element:
        if child.tag == f"{W}r":
            yield child
        elif child.tag not in _NOT_TEXT and len(child):
            yield from _runs(child)


def _run_text(run: Any) -> str:
    parts = []
    for child in run:
        if child.tag == f"{W}t":
            parts.append(child.text or "")
        elif child.tag in {f"{W}tab", f"{W}ptab"}:
            parts.append(" ")
        elif child.tag in {f"{W}br", f"{W}cr"} and child.get(f"{W}type") != "page":
            parts.append("\n")
        elif child.tag == f"{W}noBreakHyphen":
            parts.append("-")
    return "".join(parts)


def _is_unseen(look: Any, *, on_white: bool) -> bool:
    if look is None:
        return False
    if _switched_on(look, "vanish"):
        return True
    size = _value(look, "sz")
    if size.isdecimal() and is_tiny(int(size) / 2):
        return True
    plain = look.find(f"{W}shd") is None and look.find(f"{W}highlight") is None
    return on_white and plain and is_pale(_value(look, "color"))


def _switched_on(look: Any, name: str) -> bool:
    mark = look.find(f"{W}{name}") if look is not None else None
    return mark is not None and mark.get(f"{W}val", "true") not in {"0", "false", "off"}
