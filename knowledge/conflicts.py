"""Passages in force that state different figures for the same product and attribute.

From typed sheets, rows and sentences alike. A conflict needs two documents whose audiences overlap, the same product,
attribute and limits (term, customers, channel, currency, class...), and figures that cannot both be true. A document
that itself states several figures for one attribute has tiers that we did not understand, so it is left out there.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations

from sqlalchemy import ColumnElement, or_, select

from knowledge.documents import Addressed, DocumentKind, Passage, VersionStatus
from knowledge.figure_values import Figure
from knowledge.figures import QUOTED, Claim, attributes, claims_in, lines_of, may_state_figures
from knowledge.retrieval.source import ProductSheetVersion
from knowledge.stated import Subjects, core_name, sheet_claims
from knowledge.stores.repository import KnowledgeStore
from knowledge.stores.tables import passages, versions

_READ_KINDS = (DocumentKind.PRODUCT, DocumentKind.FAQ, DocumentKind.PLAYBOOK, DocumentKind.OTHER)
_NAMED_BY_TITLE = (DocumentKind.PRODUCT.value, DocumentKind.OTHER.value)
_IDS_AT_ONCE = 500
_DAYS_REMEMBERED = 4


@dataclass(frozen=True, slots=True)
class Statement:
    """What one passage says: the figure as written, and the words around it."""

    passage_id: str
    version_id: str
    title: str
    value: str
    quote: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Statements that cannot all be true: at least two, of different figures."""

    subject: str
    attribute: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class _Stated:
    """A claim with its subject and the passage that makes it."""

    subject: str
    claim: Claim
    passage: Passage


_VersionKey = tuple[str, bool]  # version, and whether another document's title carries the same name
_Key = tuple[str, str, frozenset[str]]  # subject, attribute, limits
_Parents = Mapping[str, str | None]  # each branch with the one above it
_FoundKey = tuple[int, date, frozenset[tuple[str, str | None]]]


@dataclass
class ConflictFinder:
    """Finds conflicts in one store. Remembers what each version states, so that a change costs its versions only.

    `parents` gives each branch with the one above it: what is for a branch is read in those below it too.
    """

    store: KnowledgeStore
    parents: Callable[[], _Parents] = dict
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stated: dict[_VersionKey, tuple[_Stated, ...]] = field(default_factory=dict)
    _sheets: frozenset[str] = frozenset()
    _found: dict[_FoundKey, list[Conflict]] = field(default_factory=dict)

    def find(self, *, on: date) -> list[Conflict]:
        """Conflicts among what is in force on a day, by subject and attribute."""
        with self._lock:
            parents = self.parents()
            key = (self.store.revision(), on, frozenset(parents.items()))
            if key not in self._found:
                if len(self._found) >= _DAYS_REMEMBERED:
                    self._found.clear()
                self._found[key] = self._look(on, parents)
            return list(self._found[key])

    def _look(self, on: date, parents: _Parents) -> list[Conflict]:
        sheets = [held for held in self.store.product_sheets() if _in_force(held, on)]
        known = frozenset(held.version_id for held in sheets)
        if known != self._sheets:  # whom a sentence is about depends on the products' names
            self._stated.clear()
            self._sheets = known
        subjects = Subjects(sheets)
        present = self._present(on)
        self._read([key for key in present if key not in self._stated], sheets, subjects)
        for gone in set(self._stated).difference(present):
            del self._stated[gone]
        return _conflicts((stated for key in present for stated in self._stated[key]), subjects, parents)

    def _present(self, on: date) -> list[_VersionKey]:
        """Versions in force, each with whether another document's title carries the same name."""
        columns = (versions.c.version_id, versions.c.document_id, versions.c.title, versions.c.kind)
        with self.store.database.reading() as conn:
            rows = conn.execute(select(*columns).where(*_in_force_clauses(on)).order_by(versions.c.version_id)).all()
        named = [(row.version_id, core_name(row.title) if row.kind in _NAMED_BY_TITLE else "") for row in rows]
        often = Counter(name for _, name in named if name)
        return [(version_id, often[name] > 1) for version_id, name in named]

    def _read(self, keys: Sequence[_VersionKey], sheets: Iterable[ProductSheetVersion], subjects: Subjects) -> None:
        by_version = {held.version_id: held for held in sheets}
        for start in range(0, len(keys), _IDS_AT_ONCE):
            part = dict(keys[start : start + _IDS_AT_ONCE])
            texts: dict[str, list[Passage]] = {version_id: [] for version_id in part}
            for passage in self._worth_reading(part, by_version, subjects):
                texts[passage.version_id].append(passage)
            for version_id, found in texts.items():
                held = by_version.get(version_id)
                stated = _of_sheet(held, found) if held else _of_texts(found, subjects, by_title=part[version_id])
                self._stated[version_id, part[version_id]] = tuple(stated)

    def _worth_reading(
        self, part: Mapping[str, bool], sheets: Mapping[str, ProductSheetVersion], subjects: Subjects
    ) -> list[Passage]:
        """Passages of sheets, and those that state a figure of something that two documents can be about."""
        columns = (passages.c.passage_id, passages.c.version_id, passages.c.text, versions.c.title)
        query = select(*columns, versions.c.product_code).join_from(passages, versions)
        query = query.where(passages.c.version_id.in_(list(part)))
        with self.store.database.reading() as conn:
            rows = conn.execute(query.order_by(passages.c.version_id, passages.c.position)).all()
        ids = [
            row.passage_id
            for row in rows
            if row.version_id in sheets
            or (
                (part[row.version_id] or row.product_code or subjects.may_be_named(f"{row.title}\n{row.text}"))
                and may_state_figures(row.text)
            )
        ]
        found = self.store.passages_by_ids(ids)
        return [found[name] for name in ids if name in found]


def _in_force_clauses(on: date) -> tuple[ColumnElement[bool], ...]:
    return (
        versions.c.status == VersionStatus.APPROVED.value,
        versions.c.kind.in_([kind.value for kind in _READ_KINDS]),
        versions.c.effective_from <= on,
        or_(versions.c.effective_until.is_(None), versions.c.effective_until > on),
    )


def _in_force(held: ProductSheetVersion, on: date) -> bool:
    return held.effective_from <= on and (held.effective_until is None or on < held.effective_until)


def _of_sheet(held: ProductSheetVersion, found: Sequence[Passage]) -> Iterable[_Stated]:
    """The typed fields; the leaflet below them says the same in words."""
    for claim in sheet_claims(held.sheet) if found else ():
        home = next((passage for passage in found if claim.quote in passage.text), found[0])
        yield _Stated(held.sheet.code, claim, home)


def _of_texts(found: Sequence[Passage], subjects: Subjects, *, by_title: bool) -> Iterable[_Stated]:
    for passage in found:
        about = subjects.of_passage(passage, by_title=by_title)
        for line in lines_of(passage.text):
            if not may_state_figures(line):
                continue
            named = subjects.of_line(line)
            about = named if named is not None else about
            claims = claims_in(subjects.without_names(line), context=passage.source.heading) if about else ()
            for claim in claims:
                yield _Stated(about, replace(subjects.without_own(about, claim), quote=line[:QUOTED]), passage)


def _conflicts(stated: Iterable[_Stated], subjects: Subjects, parents: _Parents) -> list[Conflict]:
    groups: dict[_Key, list[_Stated]] = {}
    for one in stated:
        groups.setdefault((one.subject, one.claim.attribute, one.claim.limits), []).append(one)
    found = []
    for (subject, attribute, limits), members in groups.items():
        opposed = _opposed(_single(members), parents)
        if opposed:
            label = " · ".join([attributes()[attribute].label, *sorted(limits)])
            found.append(Conflict(subjects.name_of(subject), label, tuple(_statement(one) for one in opposed)))
    return sorted(found, key=lambda conflict: (conflict.subject, conflict.attribute))


def _single(members: Sequence[_Stated]) -> list[_Stated]:
    """One statement per version, without versions that state several figures themselves."""
    by_version: dict[str, list[_Stated]] = {}
    for one in members:
        by_version.setdefault(one.passage.version_id, []).append(one)
    return [
        own[0] for own in by_version.values() if not any(_differ(a.claim, b.claim) for a, b in combinations(own, 2))
    ]


def _opposed(members: Sequence[_Stated], parents: _Parents) -> list[_Stated]:
    """Those that contradict at least one other, in the order of their versions."""
    figures: set[Figure] = {one.claim.figure for one in members}
    if len(figures) < 2:
        return []
    kept = [
        one
        for one in members
        if any(_contradict(one, other, parents) for other in members if other.passage is not one.passage)
    ]
    return sorted(kept, key=lambda one: one.passage.passage_id)


def _contradict(one: _Stated, other: _Stated, parents: _Parents) -> bool:
    return (
        one.passage.document_id != other.passage.document_id
        and _differ(one.claim, other.claim)
        and not (one.claim.as_of and other.claim.as_of and one.claim.as_of != other.claim.as_of)
        and _overlap(one.passage, other.passage, parents)
    )


def _differ(one: Claim, other: Claim) -> bool:
    return one.figure.contradicts(other.figure)


def _overlap(one: Addressed, other: Addressed, parents: _Parents) -> bool:
    """Whether somebody may read both: what is for a branch is for those below it too."""
    pairs = ((one.roles, other.roles), (one.lines, other.lines))
    if not all(not left or not right or left & right for left, right in pairs):
        return False
    if not one.branches or not other.branches:
        return True
    return bool(
        one.branches & _with_above(other.branches, parents) or other.branches & _with_above(one.branches, parents)
    )


def _with_above(branches: frozenset[str], parents: _Parents) -> set[str]:
    found: set[str] = set()
    for branch in branches:
        above: str | None = branch
        while above is not None and above not in found:
            found.add(above)
            above = parents.get(above)
    return found


def _statement(one: _Stated) -> Statement:
    return Statement(
        one.passage.passage_id, one.passage.version_id, one.passage.title, one.claim.value, one.claim.quote
    )
