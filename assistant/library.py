"""Opens what retrieval found: from a passage to the typed content behind it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from assistant.drafting.brief import Materials
from knowledge.content import KnownQuestion, MomentsTopic, PlaybookHeader, Transcript
from knowledge.documents import DocumentKind, DocumentVersion, Evidence, Passage, Scope
from knowledge.products import ProductKind, ProductSheet
from knowledge.retrieval.products import ProductNames

log = logging.getLogger(__name__)

MOST_CACHED = 20_000
MOST_DAYS = 8
_FAMILY = re.compile(r"([\u4e00-\u9fff]{2,4})\d+(?:天|月|个月|年)")  # 稳盈90天 belongs to 稳盈


class ContentStore(Protocol):
    """The stored versions with their typed payloads."""

    def version(self, version_id: str) -> DocumentVersion: ...

    def passages_of(self, version_id: str) -> list[Passage]: ...

    def payloads(self, kind: DocumentKind, on: date) -> list[DocumentVersion]: ...

    def revision(self) -> int: ...


Sheet = tuple[ProductSheet, tuple[Passage, ...]]


@dataclass
class Library:
    """Typed contents by version, cached: a version's content never changes."""

    store: ContentStore
    _contents: dict[str, Any] = field(default_factory=dict)
    _shelves: dict[tuple[int, date], dict[str, DocumentVersion]] = field(default_factory=dict)
    _called: dict[frozenset[str], tuple[dict[str, DocumentVersion], ProductNames]] = field(default_factory=dict)
    _names: dict[date, tuple[dict[str, DocumentVersion], frozenset[str]]] = field(default_factory=dict)

    def materials(self, evidence: Iterable[Evidence], **more: Any) -> Materials:
        """Sort evidence by what stands behind it, keeping its order."""
        found = tuple(evidence)
        opened = [(self.content(e.passage), e.passage) for e in found]
        return Materials(
            known_questions=tuple((c, p) for c, p in opened if isinstance(c, KnownQuestion)),
            transcripts=tuple((c, p) for c, p in opened if isinstance(c, Transcript)),
            playbooks=tuple((c[0], c[1], p) for c, p in opened if isinstance(c, tuple)),
            topics=tuple((c, p) for c, p in opened if isinstance(c, MomentsTopic)),
            evidence=found,
            plain=tuple(p for c, p in opened if c is None),
            **more,
        )

    def content(self, passage: Passage) -> Any:
        """The typed content of a passage's version; None for a plain document."""
        version_id = passage.version_id
        if version_id not in self._contents:
            if len(self._contents) >= MOST_CACHED:
                self._contents.clear()
            self._contents[version_id] = _typed(self.store.version(version_id).payload)
        return self._contents[version_id]

    def product_names(self, on: date) -> frozenset[str]:
        """Every name of three characters or more of the products in force on `on`."""
        shelf = self._shelf(on)
        known = self._names.get(on)
        if known is None or known[0] is not shelf:
            known = self._names[on] = (shelf, _names_on(shelf))
            if len(self._names) > MOST_DAYS:
                self._names.clear()
        return known[1]

    def names(self, *, scope: Scope, on: date) -> ProductNames:
        """How the products in force on `on` are called, of those within `scope`."""
        shelf = self._shelf(on)
        readable = frozenset(code for code, version in shelf.items() if scope.admits(version))
        known = self._called.get(readable)
        if known is None or known[0] is not shelf:
            if len(self._called) > MOST_DAYS:
                self._called.clear()
            sheets = (_typed(shelf[code].payload) for code in sorted(readable))
            known = shelf, ProductNames([sheet for sheet in sheets if isinstance(sheet, ProductSheet)])
            self._called[readable] = known
        return known[1]

    def sheet(self, code: str, *, scope: Scope, on: date) -> Sheet | None:
        """A product's sheet in force on `on` with its passages, None when there is none within `scope`."""
        version = self._shelf(on).get(code)
        return self._open(version) if version and scope.admits(version) else None

    def sheets_up_to(self, level: str, *, scope: Scope, on: date) -> list[Sheet]:
        """Sheets with a risk level within `level` (C1-C5), the calmest first."""
        fitting = []
        for version in self._shelf(on).values():
            sheet = _typed(version.payload)
            if isinstance(sheet, ProductSheet) and sheet.risk_level and sheet.risk_level[1] <= level[1]:
                fitting.append((sheet.risk_level, sheet.code, version))
        admitted = [v for _, _, v in sorted(fitting, key=lambda f: f[:2]) if scope.admits(v)]
        return [self._open(version) for version in admitted]

    def deposits_for(self, term: str, *, scope: Scope, on: date) -> tuple[Sheet, ...]:
        """Ordinary deposits with a published rate for `term` (`3年`), by code."""
        opened = []
        for code in sorted(self._shelf(on)):
            sheet = self.sheet(code, scope=scope, on=on)
            if sheet is None or sheet[0].product_kind is not ProductKind.DEPOSIT:
                continue
            if any(rate.name.startswith(term) for rate in sheet[0].rates):
                opened.append(sheet)
        return tuple(opened)

    def _open(self, version: DocumentVersion) -> Sheet:
        key = f"sheet:{version.version_id}"
        if key not in self._contents:
            passages = tuple(self.store.passages_of(version.version_id))
            self._contents[key] = (_typed(version.payload), passages)
        sheet: Sheet = self._contents[key]
        return sheet

    def _shelf(self, on: date) -> dict[str, DocumentVersion]:
        key = (self.store.revision(), on)
        if key not in self._shelves:
            if len(self._shelves) > MOST_DAYS:
                self._shelves.clear()
            versions = [v for v in self.store.payloads(DocumentKind.PRODUCT, on) if _is_sheet(v)]
            self._shelves[key] = {str(_data(v.payload).get("code", "")): v for v in versions}
        return self._shelves[key]


def _is_sheet(version: DocumentVersion) -> bool:
    """A sheet read from a leaflet is a proposal, and no source of figures, until a curator has confirmed it."""
    return (version.payload or {}).get("content", "product") == "product"


def _names_on(shelf: Mapping[str, DocumentVersion]) -> frozenset[str]:
    contents = [_data(version.payload) for version in shelf.values()]
    names = {str(name) for data in contents for name in (data.get("name"), *data.get("nicknames", ())) if name}
    titles = [str(data.get("name", "")) for data in contents]
    families = {match.group(1) for name in names if (match := _FAMILY.fullmatch(name)) and _is_brand(match[1], titles)}
    return frozenset(name for name in names if len(name) > 2) | families


def _is_brand(family: str, titles: Iterable[str]) -> bool:
    """Whether a full name carries the family with a figure: 稳盈 of 稳盈90天, but not 国债 of 国债3年."""
    return any(re.search(rf"{family}\d", title) for title in titles)


def _data(payload: Mapping[str, Any] | None) -> Mapping[str, Any]:
    data = (payload or {}).get("data", {})
    return data if isinstance(data, Mapping) else {}


def _typed(payload: Mapping[str, Any] | None) -> Any:
    """The pydantic content of a payload, or (header, sections) of a playbook; None for a plain document.

    A payload of another release that does not fit its model any more is read as a plain document, and noted.
    """
    try:
        return _opened(payload)
    except (ValidationError, KeyError, TypeError, ValueError) as exc:
        log.warning(
            "payload_unreadable", extra={"content": str((payload or {}).get("content")), "cause": type(exc).__name__}
        )
        return None


def _opened(payload: Mapping[str, Any] | None) -> Any:
    models: dict[str, type[BaseModel]] = {
        "product": ProductSheet,
        "known_question": KnownQuestion,
        "transcript": Transcript,
        "moments_topic": MomentsTopic,
    }
    content = (payload or {}).get("content")
    if content == "playbook":
        data = _data(payload)
        return (PlaybookHeader.model_validate(data["header"]), dict(data["sections"]))
    model = models.get(str(content))
    return model.model_validate(_data(payload)) if model else None
