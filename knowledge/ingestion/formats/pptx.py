"""PowerPoint decks: the text and tables of every slide, a slide being a page."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import GridRow, grid_blocks

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_SLIDE = re.compile(r"^ppt/slides/slide(\d+)\.xml$")


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (broken)."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    blocks: list[Block] = []
    pictures = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in sorted(filter(_SLIDE.match, archive.namelist()), key=_number):
                slide = fromstring(archive.read(name))
                pictures += sum(1 for _ in slide.iter(f"{_P}pic"))
                blocks += _slide(slide, _number(name))
    except (zipfile.BadZipFile, KeyError, ParseError, DefusedXmlException) as exc:
        raise DocumentRefused(reason="broken") from exc
    doubts = [Doubt("pictures", (("count", str(pictures)),))] if pictures else []
    return joined(blocks, doubts)


def _number(name: str) -> int:
    found = _SLIDE.match(name)
    return int(found.group(1)) if found else 0


def _slide(slide: Any, page: int) -> Iterator[Block]:
    for shape in _shapes(slide):
        if shape.tag == f"{_P}graphicFrame":
            for position, table in enumerate(shape.iter(f"{_A}tbl")):
                yield from grid_blocks(_rows(table), table=page * 100 + position, page=page)
            continue
        titled = any(mark.get("type") in {"title", "ctrTitle"} for mark in shape.iter(f"{_P}ph"))
        for line in _lines(shape):
            yield Block(BlockKind.HEADING if titled else BlockKind.PARAGRAPH, line, level=2 if titled else 0, page=page)


def _shapes(slide: Element) -> Iterator[Element]:
    return (shape for shape in slide.iter() if shape.tag in {f"{_P}sp", f"{_P}graphicFrame"})


def _lines(shape: Element) -> list[str]:
    return [line for paragraph in shape.iter(f"{_A}p") if (line := _text(paragraph))]


def _text(element: Element) -> str:
    return repaired("".join(part.text or "" for part in element.iter(f"{_A}t"))).strip()


def _rows(table: Element) -> list[GridRow]:
    rows = [tuple("\n".join(_lines(cell)) for cell in row.iter(f"{_A}tc")) for row in table.iter(f"{_A}tr")]
    return [GridRow(number, cells) for number, cells in enumerate(rows, start=1) if any(cells)]
