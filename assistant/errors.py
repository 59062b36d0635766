"""What can go wrong in the assistant room.

AssistantError
├── DraftNotFound
├── DraftAlreadyDecided
├── DraftNotYours
├── StaffUnknown
├── StaffInactive
├── FinalTextMissing
├── SignInRefused
├── PasswordTooWeak
├── BranchUnknown
├── BranchNotMovable
├── RoleUnknown
├── OwnAccountProtected
└── ModelUnavailable            the language model did not answer usefully in time
"""


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


class SignInRefused(AssistantError):
    """Userid and password do not fit, or the account is locked or inactive."""

    code = "sign_in_refused"


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
