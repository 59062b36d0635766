"""Which product a question names, among the sheets that hold on the day and that the asker may read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from knowledge.documents import Scope
from knowledge.retrieval.products import ProductNames, Resolution
from knowledge.retrieval.source import ProductSheetVersion

_DAYS_REMEMBERED = 64
_QUESTIONS_REMEMBERED = 64


class NamedProducts:
    """Names of one set of sheets. What is remembered is kept by day and scope, so no asker gets another's."""

    def __init__(self, sheets: Iterable[ProductSheetVersion]) -> None:
        self.sheets = {sheet.version_id: sheet for sheet in sheets}
        self._readable: dict[tuple[date, Scope], ProductNames] = {}
        self._names: dict[tuple[str, ...], ProductNames] = {}
        self._resolved: dict[tuple[str, date, Scope], Resolution] = {}

    def resolve(self, question: str, *, on: date, scope: Scope) -> Resolution:
        """The product a question names; remembered, because one draft searches several times with the same words."""
        key = (question, on, scope)
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) >= _QUESTIONS_REMEMBERED:
                self._resolved = {}
            found = self._resolved[key] = self._readable_on(on, scope).resolve(question)
        return found

    def changed(self, version_ids: frozenset[str], sheets: Iterable[ProductSheetVersion]) -> NamedProducts:
        """The same without these versions and with these sheets; itself when that is no change."""
        new = {sheet.version_id: sheet for sheet in sheets}
        if not new and not version_ids & self.sheets.keys():
            return self
        kept = {name: sheet for name, sheet in self.sheets.items() if name not in version_ids}
        merged = kept | new
        return NamedProducts(merged[name] for name in sorted(merged))

    def _readable_on(self, on: date, scope: Scope) -> ProductNames:
        found = self._readable.get((on, scope))
        if found is None:
            if len(self._readable) >= _DAYS_REMEMBERED:
                self._readable, self._names = {}, {}
            found = self._readable[on, scope] = self._names_of(on, scope)
        return found

    def _names_of(self, on: date, scope: Scope) -> ProductNames:
        """Askers who may read the same sheets share their names."""
        readable = tuple(
            name
            for name, held in self.sheets.items()
            if held.effective_from <= on
            and (held.effective_until is None or on < held.effective_until)
            and scope.admits(held)
        )
        names = self._names.get(readable)
        if names is None:
            names = self._names[readable] = ProductNames([self.sheets[name].sheet for name in readable])
        return names
