"""Whom a version is for, and when it holds: choices for forms, and forms back into details."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from assistant.product_lines import lines_in_use, lines_said
from assistant.records.staff import Branch, Staff
from assistant.wording import load_toml
from knowledge.documents import Addressed, DocumentVersion
from knowledge.errors import DetailsInvalid
from knowledge.ingestion.wording import words
from knowledge.stores.editing import Details


@dataclass(frozen=True, slots=True)
class Choice:
    """One box to tick; `depth` is how far below the top a branch stands."""

    value: str
    words: str
    chosen: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Audience:
    """Everything that can be ticked, with what is."""

    branches: tuple[Choice, ...]
    roles: tuple[Choice, ...]
    lines: tuple[Choice, ...]


def audience_of(staff: Staff, chosen: Addressed | None = None) -> Audience:
    """The choices of this bank; `chosen` is the version whose audience is ticked."""
    branches = frozenset() if chosen is None else chosen.branches
    roles = frozenset() if chosen is None else chosen.roles
    lines = frozenset() if chosen is None else chosen.lines
    return Audience(
        tuple(Choice(b.branch_id, b.name, b.branch_id in branches, depth) for b, depth in in_tree(staff.branches())),
        _choices(load_toml("console.zh")["roles"], roles),
        line_choices(staff, lines),
    )


def known_lines(staff: Staff) -> dict[str, str]:
    """The bank's product lines with how they are called; forms take others besides, which are known from then on."""
    named = words("product_kinds")
    return {line: str(named.get(line, line)) for line in lines_in_use(staff.database)}


def lines_in(form: Any) -> frozenset[str]:
    """The product lines that were ticked in a form, and those typed in beside them."""
    return ticked(form, "lines") | frozenset(lines_said(str(form.get("more_lines", ""))))


def line_choices(staff: Staff, chosen: Iterable[str]) -> tuple[Choice, ...]:
    """The bank's product lines to tick."""
    return _choices(known_lines(staff), frozenset(chosen))


def in_tree(branches: Iterable[Branch]) -> list[tuple[Branch, int]]:
    """Every branch below the one that it belongs to, with its depth; those whose parent is unknown stand on top."""
    below: dict[str | None, list[Branch]] = {}
    known = {branch.branch_id: branch for branch in branches}
    for branch in known.values():
        below.setdefault(branch.parent if branch.parent in known else None, []).append(branch)
    found: list[tuple[Branch, int]] = []
    waiting = [(branch, 0) for branch in reversed(below.get(None, []))]
    while waiting:
        branch, depth = waiting.pop()
        found.append((branch, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(branch.branch_id, []))]
    return found


def scope_words(version: Addressed, branch_names: dict[str, str]) -> tuple[str, ...]:
    """The limits of an audience in words, empty for the whole bank."""
    roles: dict[str, str] = load_toml("console.zh")["roles"]
    lines = words("product_kinds")
    return (
        *sorted(branch_names.get(each, each) for each in version.branches),
        *(str(roles.get(each, each)) for each in sorted(version.roles)),
        *(str(lines.get(each, each)) for each in sorted(version.lines)),
    )


def branch_names(staff: Staff) -> dict[str, str]:
    """Names of branches by id."""
    return {branch.branch_id: branch.name for branch in staff.branches()}


def names_of(staff: Staff, userids: Iterable[str | None]) -> dict[str, str]:
    """Names of members by userid; whoever is not registered is called by the id."""
    found: dict[str, str] = {}
    for userid in userids:
        if userid and userid not in found:
            member = staff.get(userid)
            found[userid] = member.name if member else userid
    return found


def people_in(version: DocumentVersion) -> tuple[str | None, ...]:
    """Everybody who had a hand in a version."""
    return (
        version.uploaded_by,
        version.submitted_by,
        version.approved_by,
        version.withdrawn_by,
        *version.editors,
    )


def details_from(form: Any, version: DocumentVersion) -> Details:
    """What a details form says. Raises: DetailsInvalid for a date that is none."""
    effective_from = day_in(form, "effective_from")
    if effective_from is None:
        raise DetailsInvalid(version_id=version.version_id, field="effective_from", reason="missing")
    return Details(
        title=str(form.get("title", "")),
        effective_from=effective_from,
        effective_until=day_in(form, "effective_until"),
        branches=ticked(form, "branches"),
        roles=ticked(form, "roles"),
        lines=lines_in(form),
    )


def day_in(form: Any, name: str) -> date | None:
    """A day from a form, None when left out. Raises: DetailsInvalid when it is no day."""
    said = str(form.get(name, "")).strip()
    if not said:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError as exc:
        raise DetailsInvalid(field=name, reason="no_date") from exc


def ticked(form: Any, name: str) -> frozenset[str]:
    """The boxes of one name that were ticked."""
    return frozenset(str(each) for each in form.getlist(name) if str(each))


def _choices(known: Any, chosen: frozenset[str]) -> tuple[Choice, ...]:
    named = [Choice(value, str(said), value in chosen) for value, said in known.items()]
    return (*named, *(Choice(value, value, True) for value in sorted(chosen - set(known))))
