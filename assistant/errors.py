"""What can go wrong in the assistant room.

AssistantError
├── DraftNotFound
├── DraftAlreadyDecided
├── DraftNotYours
├── StaffUnknown
├── StaffInactive
├── FinalTextMissing
├── EvidenceLapsed            what a draft rests on was taken back or replaced
├── TextNotAllowed            the gate does not let a text go out as it stands
├── TicketNotOpen             somebody answered it meanwhile
├── SignInRefused
├── SignInBusy
├── PasswordTooWeak
├── BranchUnknown
├── BranchNotMovable
├── RoleUnknown
├── OwnAccountProtected
└── ModelUnavailable            the language model did not answer usefully in time
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from assistant.compliance.findings import Finding, Review


class AssistantError(Exception):
    """The assistant could not do what was asked."""

    code = "assistant_error"

    def __init__(self, **ids: str) -> None:
        super().__init__(type(self).__doc__)
        self.ids = ids  # identifiers only, so they are safe to log


class DraftNotFound(AssistantError):
    """There is no draft with this id."""

    code = "draft_not_found"


class DraftAlreadyDecided(AssistantError):
    """This draft already has a decision."""

    code = "draft_already_decided"


class DraftNotYours(AssistantError):
    """This draft was written for another member of staff."""

    code = "draft_not_yours"


class StaffUnknown(AssistantError):
    """Nobody with this userid is registered."""

    code = "staff_unknown"


class StaffInactive(AssistantError):
    """This member of staff has no access any more."""

    code = "staff_inactive"


class FinalTextMissing(AssistantError):
    """An edited draft needs the text that was sent: give it with --text."""

    code = "final_text_missing"


class EvidenceLapsed(AssistantError):
    """What this draft rests on holds no longer: ask for a new draft."""

    code = "evidence_lapsed"


class TextNotAllowed(AssistantError):
    """The compliance gate does not let this text go out as it stands."""

    code = "text_not_allowed"

    def __init__(self, findings: Sequence[Finding] = (), suggestion: str = "", **ids: str) -> None:
        super().__init__(**ids)
        self.findings = tuple(findings)
        self.suggestion = suggestion

    @classmethod
    def by(cls, review: Review) -> Self:
        """The error for a review; its ids name the rules, `findings` hold everything."""
        faults = [finding for finding in review.findings if finding.severity != "W"]
        titles = "、".join(dict.fromkeys(finding.title for finding in faults))
        codes = ",".join(dict.fromkeys(finding.code for finding in faults))
        return cls(faults, review.suggestion, codes=codes, titles=titles, count=str(len(faults)))


class TicketNotOpen(AssistantError):
    """This ticket has its answer already, or was closed."""

    code = "ticket_not_open"


class SignInRefused(AssistantError):
    """Userid and password do not fit, or the account is locked or inactive."""

    code = "sign_in_refused"


class SignInBusy(AssistantError):
    """Too many are signing in at this moment."""

    code = "sign_in_busy"


class PasswordTooWeak(AssistantError):
    """This password is not good enough."""

    code = "password_too_weak"


class BranchUnknown(AssistantError):
    """There is no such branch."""

    code = "branch_missing"


class BranchNotMovable(AssistantError):
    """A branch cannot stand below itself."""

    code = "branch_not_movable"


class RoleUnknown(AssistantError):
    """There is no such role."""

    code = "role_unknown"


class OwnAccountProtected(AssistantError):
    """Nobody takes the console away from themselves."""

    code = "own_account_protected"


class ModelUnavailable(AssistantError):
    """The language model did not answer usefully in time; the offline composer takes over."""

    code = "model_unavailable"
