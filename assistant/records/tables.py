"""Tables of what people asked, what was drafted and decided, and what left the house; beside knowledge's tables."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    text,
)

from knowledge.stores.columns import Instant, RowNumber, Words
from knowledge.stores.tables import metadata as metadata

staff = Table(
    "staff",
    metadata,
    Column("userid", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("branch_id", Words),
    Column("persona", Words),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("source", Words, nullable=False),
    Column("lines", JSON, nullable=False, server_default="[]"),
)

branches = Table(
    "branches",
    metadata,
    Column("branch_id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("parent", Words),
)

customers = Table(
    "customers",
    metadata,
    Column("customer_id", Words, primary_key=True),
    Column("alias", Words, nullable=False),
    Column("owner", Words, nullable=False),
    Column("age", Integer),
    Column("level", Words),
    Column("assessed_on", Date),
    Column("stage", Words),
    Column("segment", Words),
    Column("opt_out", Boolean, nullable=False),
    Column("opt_out_at", Instant),
    Column("holdings", JSON, nullable=False),
    Column("note", Words, nullable=False),
    Index(None, "owner", "alias"),
)

_INBOX_WAITING = text("status IN ('new', 'leased')")

inbox = Table(
    "inbox",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("channel", Words, nullable=False),
    Column("dedupe_key", Words, nullable=False),
    Column("userid", Words, nullable=False),
    Column("payload", JSON(none_as_null=True)),
    Column("received_at", Instant, nullable=False),
    Column("status", Words, nullable=False),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("error", Words),
    UniqueConstraint("channel", "dedupe_key"),
    Index("ix_inbox_waiting", "userid", "id", sqlite_where=_INBOX_WAITING, postgresql_where=_INBOX_WAITING),
    Index("ix_inbox_queue", "id", sqlite_where=_INBOX_WAITING, postgresql_where=_INBOX_WAITING),
)

conversations = Table(
    "conversations",
    metadata,
    Column("userid", Words, primary_key=True),
    Column("last_draft_id", Words),
    Column("last_question", Words),
    Column("customer_words", Words),
    Column("state", JSON, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("draft_id", Words, primary_key=True),
    Column("parent_draft_id", Words),
    Column("inbox_id", BigInteger),
    Column("userid", Words, nullable=False),
    Column("customer_id", Words),
    Column("kind", Words, nullable=False),
    Column("question_masked", Words, nullable=False),
    Column("text", Words),
    Column("alternatives", JSON, nullable=False),
    Column("verdict", Words, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("drafter", Words, nullable=False),
    Column("prompt_id", Words, nullable=False),
    Column("rule_pack", Words, nullable=False),
    Column("model", Words, nullable=False),
    Column("settings_fingerprint", Words, nullable=False),
    Column("code_version", Words, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ticket_id", Words),
    Column("text_hash", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("details", JSON, nullable=False),
    UniqueConstraint("inbox_id"),  # one message, at most one draft, whatever the workers do
    Index(None, "userid", "created_at"),
    Index(None, "status", "created_at"),
)

draft_evidence = Table(
    "draft_evidence",
    metadata,
    Column("draft_id", Words, ForeignKey("drafts.draft_id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("passage_id", Words, nullable=False),
    Column("version_id", Words, nullable=False),
    Column("quote", Words, nullable=False),
    Column("scores", JSON, nullable=False),
    Index(None, "version_id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("feedback_id", Words, primary_key=True),
    Column("draft_id", Words, ForeignKey("drafts.draft_id"), nullable=False),
    Column("userid", Words, nullable=False),
    Column("decision", Words, nullable=False),
    Column("final_text", Words),
    Column("edits", JSON, nullable=False),
    Column("reason", Words),
    Column("decided_at", Instant, nullable=False),
    Column("how", Words, nullable=False),
    Column("sent_hash", Words),
    Index(None, "draft_id"),
    Index(None, "decided_at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("outcome_id", Words, primary_key=True),
    Column("draft_id", Words, ForeignKey("drafts.draft_id"), nullable=False),
    Column("kind", Words, nullable=False),
    Column("body", JSON, nullable=False),
    Column("recorded_by", Words, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index(None, "draft_id"),
)

_OUTBOX_WAITING = text("status IN ('pending', 'sending')")

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("dedupe_key", Words, nullable=False),
    Column("userid", Words, nullable=False),
    Column("msgtype", Words, nullable=False),
    Column("body", JSON(none_as_null=True)),
    Column("sequence", Integer, nullable=False),
    Column("status", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("queued_at", Instant, nullable=False),
    Column("first_sent_at", Instant),
    Column("sent_at", Instant),
    Column("error", Words),
    Column("msgid", Words),
    Column("draft_id", Words),
    UniqueConstraint("dedupe_key"),
    Index("ix_outbox_waiting", "userid", "id", sqlite_where=_OUTBOX_WAITING, postgresql_where=_OUTBOX_WAITING),
    Index("ix_outbox_queue", "id", sqlite_where=_OUTBOX_WAITING, postgresql_where=_OUTBOX_WAITING),
    Index(None, "userid", "sent_at"),
    Index(None, "draft_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Words, nullable=False),
    Column("event", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("body", Words, nullable=False),
    Column("prev_hash", Words, nullable=False),
    Column("hash", Words, nullable=False),
    Index(None, "subject"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Words, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("ticket_id", Words, primary_key=True),
    Column("question_masked", Words, nullable=False),
    Column("userid", Words, nullable=False),
    Column("draft_id", Words),
    Column("status", Words, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("answer", Words),
    Column("answered_by", Words),
    Column("version_id", Words),  # the known question that the answer became
    Index(None, "status", "due_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", Words, primary_key=True),
    Column("userid", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

wecom_tokens = Table(
    "wecom_tokens",
    metadata,
    Column("key", Words, primary_key=True),
    Column("value", Words, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

passwords = Table(
    "passwords",
    metadata,
    Column("userid", Words, ForeignKey("staff.userid"), primary_key=True),
    Column("hash", Words, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("locked_until", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", Words, primary_key=True),
    Column("userid", Words, nullable=False),
    Column("csrf", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index(None, "userid"),
)

_UPLOADS_WAITING = text("status IN ('queued', 'reading')")

uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary),  # until it is read; then gone, or in `files`
    Column("options", JSON, nullable=False),
    Column("uploaded_by", Words, nullable=False),
    Column("uploaded_at", Instant, nullable=False),
    Column("status", Words, nullable=False),
    Column("step", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", Instant),
    Column("finished_at", Instant),
    Column("reason", Words, nullable=False),
    Column("message", Words, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("version_ids", JSON, nullable=False),
    Column("passages", Integer, nullable=False),
    Index("ix_uploads_waiting", "uploaded_at", sqlite_where=_UPLOADS_WAITING, postgresql_where=_UPLOADS_WAITING),
    Index(None, "uploaded_by", "uploaded_at"),
)

recalls = Table(
    "recalls",
    metadata,
    Column("recall_id", Words, primary_key=True),
    Column("version_id", Words, nullable=False),
    Column("document_id", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("say_now", Words, nullable=False),
    Column("days", Integer, nullable=False),
    Column("recalled_by", Words, nullable=False),
    Column("recalled_at", Instant, nullable=False),
    Index(None, "recalled_at"),
)

recall_notices = Table(
    "recall_notices",
    metadata,
    Column("recall_id", Words, ForeignKey("recalls.recall_id"), primary_key=True),
    Column("userid", Words, primary_key=True),
    Column("draft_ids", JSON, nullable=False),
    Column("sent_draft_ids", JSON, nullable=False),
    Column("notified_at", Instant, nullable=False),
)
