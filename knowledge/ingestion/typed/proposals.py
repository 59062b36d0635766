"""Product sheets read from tables and leaflets: proposals, until a curator has confirmed them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from pydantic import ValidationError

from knowledge.errors import KnowledgeError
from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText
from knowledge.ingestion.reading import problems_by_field
from knowledge.ingestion.rows import TableKey, table_key
from knowledge.ingestion.typed.product_fields import put
from knowledge.ingestion.wording import words
from knowledge.products import ProductSheet

_ASIDE = re.compile(r"[（(【\[][^）)】\]]*[)）】\]]")
_NOISE = re.compile(r"[\s*_:：]+|^[\d一二三四五六七八九十]{1,3}[.、．)）]|^[-•●·]")
_LABELLED = re.compile(r"^\s*(?:[-*•●·]\s*)?(?:\d{1,2}[.、)）]\s*)?([^：:；;。，]{2,14}?)\s*[:：]\s*(\S.*?)\s*$")
_SPACED = re.compile(r"^\s*(?:[-*•●·]\s*)?(\S{2,10})[\s　]+(\S.*?)\s*$")
_TELLING = frozenset({"code", "registration", "risk_level", "minimum", "term", "benchmark", "redemption"})
_SEVERAL = frozenset(
    {"fees", "rates", "limits", "selling_points", "success_stories", "fit", "unfit", "risks", "must_say"}
)
_LEAST = 3
_TITLE_CHARS = 40


class ProductNotConfirmed(KnowledgeError):
    """A product sheet is not complete yet; `problems` says what each field lacks, in words for people."""

    code = "product_not_confirmed"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__()
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as it stands in the text: which field, under which label, and where; `end` is exclusive."""

    field: str
    label: str
    text: str
    start: int
    end: int
    cells: str | None = None


@dataclass(slots=True)
class Proposal:
    """What a file says about one product; `rows` are the blocks that speak of this one alone."""

    readings: list[Reading]
    rows: list[Block] = field(default_factory=list)

    def payload(self) -> dict[str, object]:
        """`{"content": "product_proposal", "data", "found", "missing", "unclear"}`.

        `found` is where each value stands; `unclear` fields are stated twice with different values and left empty.
        """
        data: dict[str, Any] = {"kind": "product"}
        found: dict[str, object] = {}
        unclear = self.unclear
        for reading in self.readings:
            if reading.field in unclear or (reading.field in found and reading.field not in _SEVERAL):
                continue
            if put(data, reading.field, reading.label, reading.text):
                found.setdefault(reading.field, _where(reading))
        if "code" not in data and "registration" in data:
            data["code"], found["code"] = data["registration"], found["registration"]
        return {
            "content": "product_proposal",
            "data": data,
            "found": found,
            "missing": _missing(data),
            "unclear": {name: sorted(texts) for name, texts in unclear.items()},
        }

    @property
    def unclear(self) -> dict[str, set[str]]:
        """Fields with more than one value, and the values."""
        said: dict[str, set[str]] = {}
        for reading in self.readings:
            if reading.field not in _SEVERAL:
                said.setdefault(reading.field, set()).add("".join(reading.text.split()))
        return {name: texts for name, texts in said.items() if len(texts) > 1}


def proposals_in(extracted: ExtractedText) -> list[Proposal]:
    """The products that a file describes by field: one a row of a product table, or one for the whole file.

    Conservative: only values beside a known label (`[product_fields]`) are read; without three fields, one of them
    telling, or with several names or codes in one list of fields, there is no proposal.
    """
    listed: list[Proposal] = []
    single: list[Reading] = []
    tables: dict[TableKey, list[Block]] = {}
    for block in extracted.blocks:
        if block.kind is BlockKind.ROW:
            tables.setdefault(table_key(block), []).append(block)
        else:
            single += _in_lines(block)
    for rows in tables.values():
        products = _one_per_row(rows)
        listed += products
        if not products:
            single += _in_pairs(rows)
    if listed:
        return listed
    whole = Proposal([*single, *_from_title(extracted, single)])
    fields = {reading.field for reading in single}  # the title alone does not make a product
    several = {"name", "code"} & whole.unclear.keys()
    return [whole] if len(fields) >= _LEAST and fields & _TELLING and not several else []


def _from_title(extracted: ExtractedText, readings: Sequence[Reading]) -> Iterator[Reading]:
    """The document's own title as the product's name, where no label gives one."""
    first = extracted.blocks[0] if extracted.blocks else None
    named = any(reading.field == "name" for reading in readings)
    if first and not named and first.kind is BlockKind.HEADING and first.level == 1 and len(first.text) <= _TITLE_CHARS:
        yield Reading("name", "", first.text, first.start, first.end)


def confirm_product(payload_data: Mapping[str, Any]) -> ProductSheet:
    """The completed data of a proposal as a product sheet. Raises: ProductNotConfirmed with a sentence per field."""
    try:
        return ProductSheet.model_validate(payload_data)
    except ValidationError as exc:
        raise ProductNotConfirmed(problems_by_field(exc)) from exc


@cache
def _labels() -> dict[str, str]:
    return {_plain(label): name for name, labels in words("product_fields").items() for label in labels}


@lru_cache(maxsize=4096)
def field_of(label: str) -> str | None:
    """The field that a label names, e.g. 起购金额（元） → minimum; None for a label that is not known."""
    return _labels().get(_plain(label)) or _labels().get(_plain(_ASIDE.sub("", label)))


def _plain(label: str) -> str:
    return _NOISE.sub("", label).lower()


def _one_per_row(rows: Sequence[Block]) -> list[Proposal]:
    proposals = []
    for block in rows:
        readings = [
            _reading(block, name, cell.name, cell.value, cell.ref)
            for cell in block.row
            if (name := field_of(cell.name.rsplit("·", 1)[-1])) is not None
        ]
        fields = {reading.field for reading in readings}
        if len(fields) >= _LEAST and fields & {"name", "code"}:
            proposals.append(Proposal(readings, [block]))
    columns = {cell.name for block in rows for cell in block.row}
    # Pairs side by side give other names in every row: that is one product, not one a row.
    return proposals if len(proposals) * 2 >= len(rows) and len(columns) <= max(len(b.row) for b in rows) + 2 else []


def _in_pairs(rows: Sequence[Block]) -> Iterator[Reading]:
    """Names and values side by side; the first pair may have been taken for column names."""
    columns = {tuple(cell.name for cell in block.row) for block in rows}
    for at, block in enumerate(rows):
        cells = block.row
        if cells and at == 0 and len(cells) == 2 and len(columns) == 1 and (name := field_of(cells[0].name)):
            yield _reading(block, name, cells[0].name, cells[1].name, cells[0].ref)
        for cell in cells:
            if (name := field_of(cell.name)) and len(columns) > 1:
                yield _reading(block, name, cell.name, cell.value, cell.ref)
        if len(cells) in {2, 4}:
            for label, value in zip(cells[::2], cells[1::2], strict=True):
                if name := field_of(label.value):
                    yield _reading(block, name, label.value, value.value, value.ref)


def _in_lines(block: Block) -> Iterator[Reading]:
    for line in block.text.split("\n"):
        parts = re.split(r"[；;](?=\s*[^：:；;]{2,14}[：:])", line)
        for part in parts:
            found = _LABELLED.match(part) or _SPACED.match(part)
            name = field_of(found.group(1)) if found else None
            if found and name and (found.re is _LABELLED or any(char.isdigit() for char in found.group(2))):
                yield _reading(block, name, found.group(1), found.group(2).rstrip("。；;"), None)


def _reading(block: Block, name: str, label: str, text: str, cells: str | None) -> Reading:
    plain = " ".join(text.split())
    at = block.text.find(text)
    at = block.text.find(plain) if at < 0 else at
    start, end = (block.start + at, block.start + at + len(plain)) if at >= 0 else (block.start, block.end)
    return Reading(name, label.strip(), plain, start, end, cells)


def _where(reading: Reading) -> dict[str, object]:
    return {"text": reading.text, "start": reading.start, "end": reading.end, "cells": reading.cells}


def _missing(data: Mapping[str, Any]) -> list[str]:
    try:
        ProductSheet.model_validate(data)
    except ValidationError as exc:
        return _unique(".".join(map(str, error["loc"])) for error in exc.errors() if error["type"] == "missing")
    return []


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
