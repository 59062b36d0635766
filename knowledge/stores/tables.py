"""Tables of what the bank knows. The one MetaData of the whole product starts here."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from knowledge.stores.columns import Instant, RowNumber, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

documents = Table(
    "documents",
    metadata,
    Column("document_id", Words, primary_key=True),
    Column("kind", Words, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("version_id", Words, primary_key=True),
    Column("document_id", Words, ForeignKey("documents.document_id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("effective_from", Date, nullable=False),
    Column("effective_until", Date),
    Column("content_hash", Words, nullable=False),
    Column("file", Words, nullable=False),
    Column("uploaded_by", Words, nullable=False),
    Column("uploaded_at", Instant),
    Column("approved_by", Words),
    Column("approved_at", Instant),
    Column("withdrawn_by", Words),
    Column("withdrawn_at", Instant),
    Column("branches", JSON, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("product_code", Words),
    Column("payload", JSON(none_as_null=True)),
    Column("lines", JSON, nullable=False, server_default="[]"),
    Column("submitted_by", Words),
    Column("submitted_at", Instant),
    Column("editors", JSON, nullable=False, server_default="[]"),
    Column("file_hash", Words, nullable=False, server_default=""),
    Column("derived_from", Words),
    Column("superseded_by", Words),
    Column("note", Words, nullable=False, server_default=""),
    UniqueConstraint("document_id", "version"),
    Index(None, "status", "kind"),
    Index(None, "file_hash"),
    Index(None, "effective_until"),
)

passages = Table(
    "passages",
    metadata,
    Column("passage_id", Words, primary_key=True),
    Column("version_id", Words, ForeignKey("versions.version_id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("text", Words, nullable=False),
    Column("known_questions", JSON, nullable=False),
    Column("source", JSON, nullable=False),
    Column("counter_questions", JSON, nullable=False, server_default="[]"),
    Index(None, "version_id", "position", unique=True),
)

# Every change that a person made to a passage before its approval; the newest state stands in `passages`.
passage_revisions = Table(
    "passage_revisions",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("version_id", Words, ForeignKey("versions.version_id"), nullable=False),
    Column("passage_id", Words, nullable=False),
    Column("edited_by", Words, nullable=False),
    Column("edited_at", Instant, nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Index(None, "version_id", "id"),
)

# Uploaded files by the SHA-256 of their bytes. `content` is kept only where nothing in it had to be masked.
files = Table(
    "files",
    metadata,
    Column("file_hash", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary),
    Column("extracted", LargeBinary),
    Column("stored_at", Instant, nullable=False),
)

# Which versions each revision touched, so that an index follows by reading those alone.
knowledge_changes = Table(
    "knowledge_changes",
    metadata,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("version_id", Words, primary_key=True),
)

# How often a version was found and how often cited, by business day.
version_uses = Table(
    "version_uses",
    metadata,
    Column("version_id", Words, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("retrieved", Integer, nullable=False),
    Column("cited", Integer, nullable=False),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("embedder_id", Words, primary_key=True),
    Column("content_key", Words, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

knowledge_revision = Table(
    "knowledge_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)
