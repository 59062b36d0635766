"""Beside a passage, what it was read from: the page as a picture, the table as a table, or the text around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.records.uploads import Uploads
from connectors.console.sheet_forms import PROPOSED
from knowledge.documents import DocumentVersion, Passage, Source
from knowledge.errors import DocumentNotFound
from knowledge.ingestion.extracted import Block, ExtractedText
from knowledge.ingestion.wording import warning_sentence, words
from knowledge.stores.files import FileStore, StoredFile

AROUND = 1200  # characters of text before and after the passage
MOST_ROWS = 40  # of a table; more are drawn around the passage only
MOST_TABLES = 3
_REF = re.compile(r"([A-Z]+)([0-9]+)")


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column by its letter, with the name that its cells share; '' where each cell has a name of its own."""

    letter: str
    name: str


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell; empty ones have no address."""

    value: str = ""
    name: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One row; `here`: the passage was read from it."""

    number: str
    cells: tuple[CellView, ...]
    here: bool


@dataclass(frozen=True, slots=True)
class TableView:
    """A table, or the part of it around the passage. `number` counts within the file."""

    sheet: str
    number: int | None
    columns: tuple[ColumnView, ...]
    rows: tuple[RowView, ...]
    total: int
    left_out: bool


@dataclass(frozen=True, slots=True)
class SourceView:
    """What one passage was read from. `before`, `here`, `after` are the extracted text around it."""

    source: Source
    label: str
    picture_page: int | None = None
    tables: tuple[TableView, ...] = ()
    before: str = ""
    here: str = ""
    after: str = ""
    cut_before: bool = False
    cut_after: bool = False


@dataclass(frozen=True, slots=True)
class Original:
    """The file behind a version, as far as it is kept."""

    stored: StoredFile | None

    @classmethod
    def of(cls, files: FileStore, version: DocumentVersion) -> Original:
        """Its file; what was loaded before files were kept has none."""
        try:
            return cls(files.get(version.file_hash) if version.file_hash else None)
        except DocumentNotFound:
            return cls(None)

    @property
    def extracted(self) -> ExtractedText | None:
        """What was read."""
        return self.stored.extracted if self.stored else None

    @property
    def doubts(self) -> tuple[str, ...]:
        """What a curator should look at in the file, as sentences."""
        doubts = self.extracted.warnings if self.extracted else ()
        return tuple(dict.fromkeys(warning_sentence(doubt.code, **dict(doubt.slots)) for doubt in doubts))

    def doubts_about(self, version: DocumentVersion, uploads: Uploads) -> tuple[str, ...]:
        """The doubts about the file, and those about what its upload made of it; a proposal is told of by its page."""
        upload = uploads.of_version(version.version_id)
        found = dict.fromkeys((*self.doubts, *(upload.warnings if upload else ())))
        if (version.payload or {}).get("content") != PROPOSED:
            return tuple(found)
        told, _, _ = str(words("warnings")["product_proposed"]).partition("$")
        return tuple(each for each in found if not each.startswith(told))

    @property
    def has_pictures(self) -> bool:
        """Whether pages can be drawn: a PDF whose bytes were kept."""
        return self.stored is not None and self.stored.content is not None and self.stored.content[:5] == b"%PDF-"

    def view(self, passage: Passage, label: str) -> SourceView:
        """What to show beside a passage; `label` is how people call it."""
        source, extracted = passage.source, self.extracted
        picture = source.page if self.has_pictures else None
        if extracted is None or not 0 <= source.start < source.end <= len(extracted.text):
            return SourceView(source, label, picture)
        text, start, end = extracted.text, source.start, source.end
        first, last = max(0, start - AROUND), min(len(text), end + AROUND)
        return SourceView(
            source,
            label,
            picture,
            tables=tuple(tables_at(extracted.blocks, source)),
            before=text[first:start],
            here=text[start:end],
            after=text[end:last],
            cut_before=first > 0,
            cut_after=last < len(text),
        )


def tables_at(blocks: Sequence[Block], source: Source) -> list[TableView]:
    """The tables that a passage's rows belong to, in reading order."""
    by_table: dict[tuple[str | None, int | None], list[Block]] = {}
    wanted: dict[tuple[str | None, int | None], None] = {}
    for block in blocks:
        if not block.row:
            continue
        key = (block.sheet, block.table)
        by_table.setdefault(key, []).append(block)
        if block.start < source.end and block.end > source.start:
            wanted[key] = None
    return [_table(key, by_table[key], source) for key in list(wanted)[:MOST_TABLES]]


def _table(key: tuple[str | None, int | None], rows: Sequence[Block], source: Source) -> TableView:
    here = [n for n, row in enumerate(rows) if row.start < source.end and row.end > source.start]
    first = 0 if len(rows) <= MOST_ROWS else max(0, min(here[0] - MOST_ROWS // 4, len(rows) - MOST_ROWS))
    shown = rows[first : first + MOST_ROWS]
    names: dict[str, set[str]] = {}
    for row in shown:
        for cell in row.row:
            names.setdefault(_letter(cell.ref), set()).add(cell.name)
    letters = sorted(names, key=lambda letter: (len(letter), letter))
    sheet, number = key
    return TableView(
        sheet=sheet or "",
        number=number,
        columns=tuple(ColumnView(letter, _shared(names[letter])) for letter in letters),
        rows=tuple(_row(row, letters, first + at in set(here)) for at, row in enumerate(shown)),
        total=len(rows),
        left_out=len(shown) < len(rows),
    )


def _row(block: Block, letters: Sequence[str], here: bool) -> RowView:
    held = {_letter(cell.ref): CellView(cell.value, cell.name, cell.ref) for cell in block.row}
    match = _REF.fullmatch(block.row[0].ref)
    return RowView(match[2] if match else "", tuple(held.get(letter, CellView()) for letter in letters), here)


def _shared(names: set[str]) -> str:
    return next(iter(names)) if len(names) == 1 else ""


def _letter(ref: str) -> str:
    match = _REF.fullmatch(ref)
    return match[1] if match else ref
