"""A product sheet as form fields with the quoted source beside each, and a form back as a sheet's data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from starlette.datastructures import FormData

from assistant.wording import load_toml
from knowledge.documents import DocumentVersion
from knowledge.ingestion.wording import words
from knowledge.products import ProductSheet

SPARE_ROWS = 2
CONFIRMED, PROPOSED = "product", "product_proposal"  # kinds of typed content


class Shape(StrEnum):
    """How a field is asked for."""

    TEXT = "text"
    LONG = "long"
    DATE = "date"
    CHOICE = "choice"
    LINES = "lines"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `value` is text (lines joined by newlines); `rows` the cells of a small table with `columns`."""

    name: str
    label: str
    shape: Shape
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    required: bool = False
    quote: str = ""
    quoted_at: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    shape: Shape = Shape.TEXT
    required: bool = False
    parts: tuple[str, ...] = ()


_FIELDS = (
    _Asked("code", required=True),
    _Asked("name", required=True),
    _Asked("nicknames", Shape.LINES),
    _Asked("product_kind", Shape.CHOICE, required=True),
    _Asked("issuer", required=True),
    _Asked("sold_as", Shape.CHOICE, required=True),
    _Asked("registration"),
    _Asked("risk_level", Shape.CHOICE),
    _Asked("term.text", required=True),
    _Asked("term.days"),
    _Asked("minimum.text", required=True),
    _Asked("minimum.amount"),
    _Asked("currency"),
    _Asked("fees", Shape.ROWS, parts=("name", "rate", "note")),
    _Asked("rates", Shape.ROWS, parts=("name", "rate", "as_of", "note")),
    _Asked("benchmark.text"),
    _Asked("benchmark.basis", Shape.LONG),
    _Asked("benchmark.as_of", Shape.DATE),
    _Asked("benchmark.statement", Shape.LONG),
    _Asked("past_performance.text", Shape.LONG),
    _Asked("past_performance.interval"),
    _Asked("past_performance.source"),
    _Asked("past_performance.benchmark"),
    _Asked("past_performance.as_of", Shape.DATE),
    _Asked("redemption.text", Shape.LONG, required=True),
    _Asked("redemption.early", Shape.LONG),
    *(_Asked(name, Shape.LINES) for name in ("limits", "selling_points", "success_stories", "fit", "unfit")),
    *(_Asked(name, Shape.LINES) for name in ("risks", "must_say", "questions")),
    _Asked("owner"),
)
_QUOTED_BY_THE_WHOLE = frozenset({"text", "days", "amount"})  # parts that one quotation of a field can vouch for


def fields_of(
    data: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]], problems: Mapping[str, str]
) -> Iterator[FormField]:
    """Every field of a sheet, filled from `data`; `found` quotes the source by field, `problems` by place."""
    labels: dict[str, str] = load_toml("console.zh")["sheet"]
    for asked in _FIELDS:
        value = _at(data, asked.name)
        whole, _, part = asked.name.partition(".")
        source = found.get(asked.name) or (found.get(whole) if part in _QUOTED_BY_THE_WHOLE else None) or {}
        is_rows, is_lines = asked.shape is Shape.ROWS, asked.shape is Shape.LINES
        yield FormField(
            asked.name,
            labels[asked.name],
            asked.shape,
            value="" if is_rows else "\n".join(map(str, value or ())) if is_lines else _text(value),
            options=_options(asked.name) if asked.shape is Shape.CHOICE else (),
            columns=tuple((part, labels[f"{asked.name}.{part}"]) for part in asked.parts),
            rows=_cells(value, asked.parts) if is_rows else (),
            required=asked.required,
            quote=_text(source.get("text")),
            quoted_at=_text(source.get("cells")),
            problem=_problem(asked.name, problems),
        )


def found_in(payload: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Where a proposal's fields were read, by field."""
    found = payload.get("found")
    if not isinstance(found, Mapping):
        return {}
    return {str(name): each for name, each in found.items() if isinstance(each, Mapping)}


def sheet_data(form: FormData, version: DocumentVersion) -> dict[str, object]:
    """What a form says, in the shape of ProductSheet; dates and audience are the version's.

    What was left empty is left out, so that a field that must be filled is missing rather than an empty text.
    """
    data: dict[str, Any] = {"term": {}, "minimum": {}, "redemption": {}}
    for asked in _FIELDS:
        said = _said(form, asked)
        if said:
            holder, _, name = asked.name.rpartition(".")
            (data.setdefault(holder, {}) if holder else data)[name] = said
    data["minimum"]["currency"] = data.get("currency", "CNY")
    return {
        **data,
        "version": version.version,
        "effective_from": version.effective_from,
        "effective_until": version.effective_until,
        "scope": ",".join(sorted(version.branches)) or "bank",
    }


def shown_sheet(sheet: ProductSheet) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Label and values of every field that is filled."""
    yield from shown_data(sheet.model_dump(mode="json"))


def sheet_in(version: DocumentVersion) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Label and values of the product sheet that a version carries, confirmed or not; nothing for other content."""
    payload = version.payload or {}
    data = payload.get("data")
    if payload.get("content") in {CONFIRMED, PROPOSED} and isinstance(data, Mapping):
        yield from shown_data(data)


def shown_data(data: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Label and values of every field of a sheet's data that is filled."""
    for field in fields_of(data, {}, {}):
        if field.shape is Shape.ROWS:
            values = tuple("　".join(cell for cell in row if cell) for row in field.rows if any(row))
        elif field.shape is Shape.CHOICE:
            values = tuple(said for code, said in field.options if code == field.value and code)
        else:
            values = tuple(field.value.splitlines())
        if values:
            yield field.label, values


def _said(form: FormData, asked: _Asked) -> Any:
    if asked.shape is Shape.ROWS:
        columns = [[str(value).strip() for value in form.getlist(f"{asked.name}.{part}")] for part in asked.parts]
        rows = zip(*columns, strict=False)
        return [{part: cell for part, cell in zip(asked.parts, row, strict=True) if cell} for row in rows if any(row)]
    text = str(form.get(asked.name, "")).strip()
    if asked.shape is Shape.LINES:
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text


def _at(data: Mapping[str, Any], name: str) -> Any:
    value: Any = data
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _cells(value: Any, parts: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    held = [each for each in value or () if isinstance(each, Mapping)]
    filled = [tuple(_text(each.get(part)) for part in parts) for each in held]
    return (*filled, *([("",) * len(parts)] * SPARE_ROWS))


def _options(name: str) -> tuple[tuple[str, str], ...]:
    if name == "risk_level":
        return (("", "—"), *((level, level) for level in ("R1", "R2", "R3", "R4", "R5")))
    known = words("product_kinds" if name == "product_kind" else name)
    return (("", "—"), *((code, str(said)) for code, said in known.items()))


def _problem(name: str, problems: Mapping[str, str]) -> str:
    return next((said for place, said in problems.items() if place == name or place.startswith(f"{name}.")), "")


def _text(value: object) -> str:
    return "" if value is None else str(value)
