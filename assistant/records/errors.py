"""What can go wrong with records.

RecordsError
├── LeaseLost
├── RecordNotFound
├── BackupRefused          a backup file that cannot be restored, and why
└── DatabaseNotEmpty
"""

from __future__ import annotations


class RecordsError(Exception):
    """The records could not be kept as asked."""

    code = "records_error"

    def __init__(self, **ids: str) -> None:
        super().__init__(type(self).__doc__)
        self.ids = ids  # identifiers only, so they are safe to log


class LeaseLost(RecordsError):
    """Another worker has taken this row over; roll back what was done for it."""

    code = "lease_lost"


class RecordNotFound(RecordsError):
    """There is no such record."""

    code = "record_not_found"


class BackupRefused(RecordsError):
    """This backup cannot be restored; nothing was changed."""

    code = "backup_refused"


class DatabaseNotEmpty(RecordsError):
    """The database already holds records: restore into an empty one, or use --force to replace everything in it."""

    code = "database_not_empty"
