"""What an asker may find, and in plain codes why something may not be found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from knowledge.documents import DocumentKind, Passage, Scope


class Refusal(StrEnum):
    """Why a passage is not found, or not among the first."""

    EXPIRED = "expired"
    NOT_YET_IN_FORCE = "not_yet_in_force"
    OTHER_BRANCH = "other_branch"
    OTHER_ROLE = "other_role"
    OTHER_LINE = "other_line"
    OTHER_KIND = "other_kind"
    OTHER_PRODUCT = "other_product"
    COUNTER_QUESTION = "counter_question"


@dataclass(frozen=True, slots=True)
class Reason:
    """`detail`: the day as YYYY-MM-DD, the audience the passage is for, its kind, product or counter-question."""

    refusal: Refusal
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """What may be found: in force on the day, within the scope, of these kinds and these products if given.

    `addressed`: only what is meant for the asker's own branch, role or line, not what everybody may read.
    """

    on: date
    scope: Scope
    kinds: frozenset[DocumentKind] | None = None
    product_codes: frozenset[str] | None = None
    addressed: bool = False

    def admits(self, passage: Passage) -> bool:
        """The same promise in Python, to check what any index returns."""
        return (
            passage.effective_from <= self.on
            and (passage.effective_until is None or self.on < passage.effective_until)
            and self.scope.admits(passage)
            and (self.kinds is None or passage.kind in self.kinds)
            and (self.product_codes is None or passage.product_code in self.product_codes)
            and (not self.addressed or is_addressed(passage))
        )

    def reasons(self, passage: Passage) -> tuple[Reason, ...]:
        """Everything that keeps the passage out; empty when it is admitted."""
        scope, until = self.scope, passage.effective_until
        found = [
            _audience(Refusal.OTHER_BRANCH, passage.branches, scope.branches),
            _audience(Refusal.OTHER_ROLE, passage.roles, scope.roles),
            _audience(Refusal.OTHER_LINE, passage.lines, scope.lines),
        ]
        if until is not None and until <= self.on:
            found.append(Reason(Refusal.EXPIRED, until.isoformat()))
        if self.on < passage.effective_from:
            found.append(Reason(Refusal.NOT_YET_IN_FORCE, passage.effective_from.isoformat()))
        if self.kinds is not None and passage.kind not in self.kinds:
            found.append(Reason(Refusal.OTHER_KIND, passage.kind.value))
        if self.product_codes is not None and passage.product_code not in self.product_codes:
            found.append(Reason(Refusal.OTHER_PRODUCT, passage.product_code or ""))
        return tuple(reason for reason in found if reason is not None)


def is_addressed(passage: Passage) -> bool:
    """Whether it is meant for some branch, role or line rather than for everybody."""
    return bool(passage.branches or passage.roles or passage.lines)


def _audience(refusal: Refusal, meant: frozenset[str], own: frozenset[str]) -> Reason | None:
    return Reason(refusal, ", ".join(sorted(meant))) if meant and not meant & own else None
