"""PowerPoint decks: titles, text, tables and notes of every slide, a slide being a page."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import repaired
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.grids import grid_blocks
from knowledge.ingestion.formats.merged import Span, placed
from knowledge.ingestion.formats.visibility import is_pale, is_tiny
from knowledge.ingestion.wording import words

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_SLIDE = re.compile(r"^ppt/slides/slide(\d+)\.xml$")
_FURNITURE = {"sldNum", "dt", "ftr", "hdr", "sldImg"}


@dataclass(frozen=True, slots=True)
class _Canvas:
    """The slide's size, in the file's own units (None when the file does not say), and whether it is white paper."""

    width: int | None
    height: int | None
    is_white: bool = False

    def shows(self, shape: Element) -> bool:
        """Whether any of the shape lies on the slide, as far as the shape says where it is."""
        transform = shape.find(f"{_P}spPr/{_A}xfrm")
        offset, extent = (transform.find(f"{_A}{name}") if transform is not None else None for name in ("off", "ext"))
        if offset is None or extent is None or self.width is None or self.height is None:
            return True
        x, y = _whole(offset.get("x")), _whole(offset.get("y"))
        across, down = _whole(extent.get("cx")), _whole(extent.get("cy"))
        return x < self.width and y < self.height and x + across > 0 and y + down > 0


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (broken)."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    blocks: list[Block] = []
    pictures = 0
    numbers = count(1)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())

            def part(name: str) -> Element | None:
                return fromstring(archive.read(name)) if name in names else None

            canvas = _canvas(part("ppt/presentation.xml"))
            for page, name in enumerate(_slide_names(names, part), start=1):
                slide = part(name)
                if slide is None:
                    continue
                pictures += sum(1 for _ in slide.iter(f"{_P}pic"))
                paper = replace(canvas, is_white=_is_white_paper(slide, name, part))
                found = [*_slide(slide, page, numbers, paper), *_notes(name, page, part)]
                unseen = slide.get("show") in {"0", "false"}
                blocks += [_hidden(block) for block in found] if unseen else found
    except (zipfile.BadZipFile, KeyError, ParseError, DefusedXmlException) as exc:
        raise DocumentRefused(reason="broken") from exc
    doubts = [Doubt("pictures", (("count", str(pictures)),))] if pictures else []
    return joined(blocks, doubts)


def _hidden(block: Block) -> Block:
    return Block(BlockKind.PARAGRAPH, block.text, page=block.page, hidden=True)


def _slide_names(names: set[str], part: Any) -> list[str]:
    """Slides in the order in which they are shown; by the numbers in their names where the deck does not say."""
    numbered = sorted(filter(_SLIDE.match, names), key=_number)
    deck, targets = part("ppt/presentation.xml"), _targets("ppt/presentation.xml", part)
    listed = [] if deck is None else [targets.get(item.get(f"{_R}id", "")) for item in deck.iter(f"{_P}sldId")]
    ordered = [name for name in listed if name in names]
    return ordered if len(ordered) == len(numbered) else numbered


def _targets(name: str, part: Any) -> dict[str, str]:
    """The parts that a part refers to, by id."""
    folder, file = posixpath.split(name)
    relations = part(f"{folder}/_rels/{file}.rels")
    if relations is None:
        return {}
    return {
        item.get("Id", ""): posixpath.normpath(posixpath.join(folder, item.get("Target", ""))).lstrip("/")
        for item in relations
    }


def _number(name: str) -> int:
    found = _SLIDE.match(name)
    return int(found.group(1)) if found else 0


def _whole(value: str | None) -> int:
    return int(value) if value and re.fullmatch(r"-?\d{1,12}", value) else 0


def _canvas(deck: Element | None) -> _Canvas:
    size = deck.find(f"{_P}sldSz") if deck is not None else None
    return _Canvas(None, None) if size is None else _Canvas(_whole(size.get("cx")), _whole(size.get("cy")))


def _slide(slide: Element, page: int, numbers: Iterator[int], canvas: _Canvas) -> Iterator[Block]:
    shapes = list(_shapes(slide))
    yield from (block for shape in shapes if _is_title(shape) for block in _text_blocks(shape, page, canvas))
    for shape in shapes:
        if shape.tag == f"{_P}graphicFrame":
            for table in shape.iter(f"{_A}tbl"):
                yield from grid_blocks(placed(_rows(table)), table=next(numbers), page=page)
        elif not _is_title(shape):
            yield from _text_blocks(shape, page, canvas)


def _shapes(slide: Element) -> Iterator[Element]:
    """Shapes also from groups; page numbers, dates and footers are left out."""
    for shape in slide.iter():
        if shape.tag in {f"{_P}sp", f"{_P}graphicFrame"} and not (_placeholders(shape) & _FURNITURE):
            yield shape


def _placeholders(shape: Element) -> set[str]:
    return {mark.get("type", "") for mark in shape.iter(f"{_P}ph")}


def _is_title(shape: Element) -> bool:
    return bool(_placeholders(shape) & {"title", "ctrTitle"})


def _text_blocks(shape: Element, page: int, canvas: _Canvas) -> Iterator[Block]:
    titled = _is_title(shape)
    outside = not canvas.shows(shape)
    counts: dict[int, int] = {}
    for paragraph in shape.iter(f"{_A}p"):
        seen, unseen = _split(paragraph, on_white=canvas.is_white)
        numbered = _list_number(paragraph, counts) if seen else 0
        if unseen or (outside and seen):
            yield Block(BlockKind.PARAGRAPH, f"{unseen}{seen if outside else ''}", page=page, hidden=True)
        if outside or not seen:
            continue
        text = f"{numbered}. {seen}" if numbered else seen
        yield Block(BlockKind.HEADING if titled else BlockKind.PARAGRAPH, text, level=2 if titled else 0, page=page)


def _list_number(paragraph: Element, counts: dict[int, int]) -> int:
    """The number that PowerPoint draws before a paragraph, 0 for none; `counts` by depth goes on to the next one."""
    look = paragraph.find(f"{_A}pPr")
    depth = _whole(look.get("lvl")) if look is not None else 0
    mark = look.find(f"{_A}buAutoNum") if look is not None else None
    for deeper in [at for at in counts if at > depth or (mark is None and at == depth)]:
        del counts[deeper]
    if mark is None:
        return 0
    counts[depth] = counts[depth] + 1 if depth in counts else _whole(mark.get("startAt")) or 1
    return counts[depth]


def _split(paragraph: Element, *, on_white: bool) -> tuple[str, str]:
    """What people see of a paragraph, and what they do not: white letters on white paper, tiny ones."""
    seen: list[str] = []
    unseen: list[str] = []
    for run in paragraph:
        if run.tag == f"{_A}br":
            seen.append("\n")
        text = "".join(part.text or "" for part in run.iter(f"{_A}t"))
        (unseen if _is_unseen(run, on_white=on_white) else seen).append(text)
    return repaired("".join(seen)).strip(), repaired("".join(unseen)).strip()


def _is_unseen(run: Element, *, on_white: bool) -> bool:
    style = run.find(f"{_A}rPr")
    if style is None:
        return False
    size = style.get("sz")
    if size is not None and size.isdecimal() and is_tiny(int(size) / 100):
        return True
    return on_white and _is_pale_fill(style)


def _is_pale_fill(element: Element) -> bool:
    colour = element.find(f"{_A}solidFill/")
    if colour is None:
        return False
    value = colour.get("val", "")
    return value in {"bg1", "lt1"} if colour.tag == f"{_A}schemeClr" else is_pale(value)


def _is_white_paper(slide: Element, name: str, part: Any) -> bool:
    """Whether white letters on this slide cannot be read: nothing coloured on it, its layout or its master."""
    sheets = [slide]
    for folder in ("ppt/slideLayouts/", "ppt/slideMasters/"):
        name = next((target for target in _targets(name, part).values() if target.startswith(folder)), "")
        sheet = part(name) if name else None
        if sheet is not None:
            sheets.append(sheet)
    return not any(_is_coloured(sheet) for sheet in sheets)


def _is_coloured(sheet: Element) -> bool:
    if next(sheet.iter(f"{_P}pic"), None) is not None or next(sheet.iter(f"{_A}blipFill"), None) is not None:
        return True
    mapping = sheet.find(f"{_P}clrMap")
    if mapping is not None and not mapping.get("bg1", "lt1").startswith("lt"):
        return True
    paper = sheet.find(f"{_P}cSld/{_P}bg")
    if paper is not None and not any(_is_pale_fill(fill) for fill in paper) and not _refers_to_white(paper):
        return True
    return any(_has_fill(shape) for shape in sheet.iter(f"{_P}sp"))


def _refers_to_white(paper: Element) -> bool:
    colour = paper.find(f"{_P}bgRef/{_A}schemeClr")
    return colour is not None and colour.get("val") in {"bg1", "lt1"}


def _has_fill(shape: Element) -> bool:
    look, style = shape.find(f"{_P}spPr"), shape.find(f"{_P}style/{_A}fillRef")
    if look is not None:
        if look.find(f"{_A}noFill") is not None or _is_pale_fill(look):
            return False
        if any(look.find(f"{_A}{kind}") is not None for kind in ("solidFill", "gradFill", "pattFill")):
            return True
    return style is not None and style.get("idx", "0") != "0"


def _rows(table: Element) -> list[list[Span]]:
    return [
        [
            Span(
                "\n".join(line for paragraph in cell.iter(f"{_A}p") if (line := _split(paragraph, on_white=False)[0])),
                _whole(cell.get("rowSpan")) or 1,
                _whole(cell.get("gridSpan")) or 1,
            )
            for cell in row.findall(f"{_A}tc")
            if cell.get("hMerge") not in {"1", "true"} and cell.get("vMerge") not in {"1", "true"}
        ]
        for row in table.iter(f"{_A}tr")
    ]


def _notes(name: str, page: int, part: Any) -> Iterator[Block]:
    """The speaker's notes, marked as such."""
    for target in _targets(name, part).values():
        notes = part(target) if target.startswith("ppt/notesSlides/") else None
        if notes is None:
            continue
        lines = [_split(item, on_white=False)[0] for shape in _shapes(notes) for item in shape.iter(f"{_A}p")]
        text = "\n".join(line for line in lines if line)
        if text:
            yield Block(BlockKind.PARAGRAPH, f"{words('labels')['notes']}：{text}", page=page)
