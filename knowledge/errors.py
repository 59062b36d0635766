"""What can go wrong in the knowledge room.

KnowledgeError
├── DocumentRefused            a file could not be read into a document
├── DocumentNotFound
├── VersionNotApproved
├── VersionNotDraft
├── TypedContent               its passages follow from its fields
├── VersionWithdrawn
├── ApproverNotAllowed
├── CuratorNotAllowed
├── DetailsInvalid
├── ImportRefused             a knowledge folder cannot be taken in, and why
├── ModelUnusable             a folder or name in the settings does not lead to a model that can be run
├── DatabaseUnavailable
│   └── DatabaseNotMigrated
└── IndexUnavailable
    ├── IndexLocked
    ├── EmbedderUnavailable
    └── EmbedderMismatch
"""


class KnowledgeError(Exception):
    """The knowledge base could not do what was asked."""

    code = "knowledge_error"

    def __init__(self, **ids: str) -> None:
        super().__init__(type(self).__doc__)
        self.ids = ids  # identifiers only, so they are safe to log


class DocumentRefused(KnowledgeError):
    """This file could not be read, so nothing of it was stored."""

    code = "document_refused"


class DocumentNotFound(KnowledgeError):
    """There is no such document or version."""

    code = "document_not_found"


class VersionNotApproved(KnowledgeError):
    """This version has no approval, so it cannot be published."""

    code = "version_not_approved"


class VersionNotDraft(KnowledgeError):
    """This version is not in the state that the step needs: only drafts are edited, only versions in review decided."""

    code = "version_not_draft"


class TypedContent(KnowledgeError):
    """The passages of this version follow from its typed content: change that, and they follow."""

    code = "typed_content"


class VersionWithdrawn(KnowledgeError):
    """This version was withdrawn and stays so: load the wording again with a new first day."""

    code = "version_withdrawn"


class ApproverNotAllowed(KnowledgeError):
    """Only a curator or a compliance officer other than the uploader may approve a version."""

    code = "approver_not_allowed"


class CuratorNotAllowed(KnowledgeError):
    """Only an active curator or compliance officer may change knowledge."""

    code = "curator_not_allowed"


class DetailsInvalid(KnowledgeError):
    """A date, scope or text given for a version cannot be; ids["field"] and ids["reason"] say which and why."""

    code = "details_invalid"


class ImportRefused(KnowledgeError):
    """This knowledge folder cannot be taken in, so nothing of it was stored; ids["reason"] says why."""

    code = "import_refused"


class DatabaseUnavailable(KnowledgeError):
    """The database cannot be read or written now; nothing was acknowledged."""

    code = "database_unavailable"


class DatabaseNotMigrated(DatabaseUnavailable):
    """The database has no tables yet or an older schema: run `wainao sample load` or `wainao serve`."""

    code = "database_not_migrated"


class IndexUnavailable(KnowledgeError):
    """A derived index cannot be used; it is rebuilt from the database."""

    code = "index_unavailable"


class IndexLocked(IndexUnavailable):
    """Another process owns this index folder."""

    code = "index_locked"


class EmbedderUnavailable(IndexUnavailable):
    """The embedder gives no vectors now; retrieval goes on by words alone."""

    code = "embedder_unavailable"


class EmbedderMismatch(IndexUnavailable):
    """The index was built with another embedder: run `wainao reindex`."""

    code = "embedder_mismatch"


class ModelUnusable(KnowledgeError):
    """This is no model that can be run here."""

    code = "model_unusable"
