"""Word documents: headings, lists with their numbers, tables, text boxes and footnotes in reading order."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import count
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.formats.docx_lists import Lists, W
from knowledge.ingestion.formats.docx_runs import Styles, footnote_numbers, is_bold, run_texts
from knowledge.ingestion.formats.grids import grid_blocks
from knowledge.ingestion.formats.merged import Span, placed
from knowledge.ingestion.formats.plain_text import heading_level
from knowledge.ingestion.wording import words

_CONTENTS = re.compile(r"^(?:toc|目录)\s*\d", re.I)
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_NOTES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
_PLAIN_TABLES = {"", "Normal Table", "Table Grid", "Table Normal", "普通表格", "网格型"}


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (broken)."""
    import docx  # slow to import

    try:
        document = docx.Document(io.BytesIO(data))
        reader = _Reader(document)
        blocks = list(reader.blocks(document.element.body))
        pictures = len(document.inline_shapes)
    except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, AttributeError) as exc:
        raise DocumentRefused(reason="broken") from exc
    doubts = [Doubt("pictures", (("count", str(pictures)),))] if pictures else []
    return joined(blocks, doubts)


class _Reader:
    def __init__(self, document: Any) -> None:
        self._styles = Styles(document.styles.element)
        self._lists = Lists(_part_element(document.part, "numbering"))
        self._notes = _footnotes(document.part)
        self._tables = count(1)
        self._dark = document.element.find(f"{W}background") is not None

    def blocks(self, container: Any) -> Iterator[Block]:
        """The blocks of a body, a content control or a text box."""
        for item in container:
            if item.tag == f"{W}p":
                yield from self._paragraph(item)
            elif item.tag == f"{W}tbl":
                yield from self._table(item)
            elif item.tag in {f"{W}sdt", f"{W}customXml", f"{W}ins"} and not _is_contents(item):
                content = item.find(f"{W}sdtContent")
                yield from self.blocks(item if content is None else content)

    def _paragraph(self, paragraph: Any) -> Iterator[Block]:
        style = self._styles.of(paragraph)
        if _CONTENTS.match(style.name):
            return
        seen, unseen = run_texts(paragraph, on_white=not (self._dark or style.shaded))
        mark = self._mark(paragraph, style.list_at) if seen else ""
        text = f"{mark} {seen}" if mark else seen
        level = style.level or (0 if mark and not is_bold(paragraph) else heading_level(text))
        yield Block(BlockKind.HEADING if level else BlockKind.PARAGRAPH, text, level=level)
        if unseen:
            yield Block(BlockKind.PARAGRAPH, unseen, hidden=True)
        for box in paragraph.iter(f"{W}txbxContent"):
            if next(box.iterancestors(_FALLBACK), None) is None:
                yield from self.blocks(box)
        for number in footnote_numbers(paragraph):
            if self._notes.get(number):
                yield Block(BlockKind.PARAGRAPH, f"{words('labels')['footnote']}：{self._notes[number]}")

    def _mark(self, paragraph: Any, list_at: tuple[str, int] | None) -> str:
        numbered = paragraph.find(f"{W}pPr/{W}numPr")
        if numbered is not None:
            number, depth = numbered.find(f"{W}numId"), numbered.find(f"{W}ilvl")
            if number is not None:
                at = depth.get(f"{W}val", "0") if depth is not None else "0"
                list_at = (number.get(f"{W}val", ""), int(at) if at.isdecimal() else 0)
        return self._lists.mark(*list_at) if list_at is not None else ""

    def _table(self, table: Any) -> Iterator[Block]:
        unseen: list[str] = []
        rows = self._rows(table, unseen)
        if max((len(row) for row in rows), default=0) == 1:
            for line in (line for row in rows for line in row[0].text.split("\n")):  # a frame around text
                level = heading_level(line)
                yield Block(BlockKind.HEADING if level else BlockKind.PARAGRAPH, line, level=level)
        elif any(span.text for row in rows for span in row):
            yield from grid_blocks(placed(rows), table=next(self._tables))
        yield from (Block(BlockKind.PARAGRAPH, text, hidden=True) for text in unseen)

    def _rows(self, table: Any, unseen: list[str]) -> list[list[Span]]:
        on_white = self._styles.table_name(table) in _PLAIN_TABLES and not self._dark
        rows: list[list[Span]] = []
        above: dict[int, tuple[int, int]] = {}  # by column: where the cell that is merged downwards stands
        for row in table.iter(f"{W}tr"):
            if next(row.iterancestors(f"{W}tbl")) is not table:
                continue
            spans: list[Span] = []
            column = _whole(row.find(f"{W}trPr/{W}gridBefore"))
            spans += [Span("")] * column
            header = _is_on(row.find(f"{W}trPr/{W}tblHeader"))
            for cell in _cells(row):
                wide = max(_whole(cell.find(f"{W}tcPr/{W}gridSpan")), 1)
                merge = cell.find(f"{W}tcPr/{W}vMerge")
                if merge is not None and merge.get(f"{W}val") != "restart" and column in above:
                    at, position = above[column]
                    span = rows[at][position]
                    rows[at][position] = Span(span.text, len(rows) - at + 1, span.columns, span.header)
                else:
                    above.pop(column, None)
                    if merge is not None:
                        above[column] = (len(rows), len(spans))
                    text = self._cell(cell, unseen, on_white=on_white and cell.find(f"{W}tcPr/{W}shd") is None)
                    spans.append(Span(text, 1, wide, header))
                column += wide
            rows.append(spans)
        return rows

    def _cell(self, cell: Any, unseen: list[str], *, on_white: bool) -> str:
        lines = []
        for paragraph in cell.iter(f"{W}p"):
            seen, hidden = run_texts(paragraph, on_white=on_white)
            mark = self._mark(paragraph, None) if seen else ""
            lines.append(f"{mark} {seen}" if mark else seen)
            unseen += [hidden] if hidden else []
        return "\n".join(line for line in lines if line)


def _cells(row: Any) -> Iterator[Any]:
    for item in row:
        if item.tag == f"{W}tc":
            yield item
        elif item.tag == f"{W}sdt":
            yield from item.iter(f"{W}tc")


def _is_contents(item: Any) -> bool:
    gallery = item.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return gallery is not None and gallery.get(f"{W}val") == "Table of Contents"


def _is_on(element: Any) -> bool:
    return element is not None and element.get(f"{W}val", "true") not in {"0", "false", "off"}


def _whole(element: Any) -> int:
    value = element.get(f"{W}val", "") if element is not None else ""
    return min(int(value), 200) if value.isdecimal() else 0


def _part_element(part: Any, name: str) -> Any:
    kind = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{name}"
    try:
        return part.part_related_by(kind).element
    except (KeyError, AttributeError):
        return None


def _footnotes(part: Any) -> dict[str, str]:
    from defusedxml.ElementTree import fromstring

    try:
        notes = fromstring(part.part_related_by(_NOTES).blob)
    except KeyError:
        return {}
    return {
        note.get(f"{W}id", ""): " ".join(text for item in note.iter(f"{W}p") if (text := run_texts(item)[0]))
        for note in notes.iter(f"{W}footnote")
        if note.get(f"{W}type") is None
    }
