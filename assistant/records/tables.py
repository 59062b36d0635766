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
    String,
    Table,
    UniqueConstraint,
    text,
)

from knowledge.stores.columns import Instant, RowNumber, Words
from knowledge.stores.tables import metadata

staff = Table(
    "staff",
    metadata,
    Column("userid", String, primary_key=True),
    Column("name", Words, nullable=False),
    Column("role", String, nullable=False),
    Column("branch_id", String),
    Column("persona", Words),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("source", String, nullable=False),
)

branches = Table(
    "branches",
    metadata,
    Column("branch_id", String, primary_key=True),
    Column("name", Words, nullable=False),
    Column("parent", String),
)

customers = Table(
    "customers",
    metadata,
    Column("customer_id", String, primary_key=True),
    Column("alias", Words, nullable=False),
    Column("owner", String, nullable=False),
    Column("age", Integer),
    Column("level", String),
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
    Column("channel", String, nullable=False),
    Column("dedupe_key", Words, nullable=False),
    Column("userid", Words, nullable=False),
    Column("payload", JSON(none_as_null=True)),
    Column("received_at", Instant, nullable=False),
    Column("status", String, nullable=False),
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
    Column("last_draft_id", String),
    Column("last_question", Words),
    Column("customer_words", Words),
    Column("state", JSON, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("draft_id", String, primary_key=True),
    Column("parent_draft_id", String),
    Column("inbox_id", BigInteger),
    Column("userid", Words, nullable=False),
    Column("customer_id", String),
    Column("kind", String, nullable=False),
    Column("question_masked", Words, nullable=False),
    Column("text", Words),
    Column("alternatives", JSON, nullable=False),
    Column("verdict", String, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("drafter", String, nullable=False),
    Column("prompt_id", String, nullable=False),
    Column("rule_pack", String, nullable=False),
    Column("model", String, nullable=False),
    Column("settings_fingerprint", String, nullable=False),
    Column("code_version", String, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ticket_id", String),
    Column("text_hash", String, nullable=False),
    Column("status", String, nullable=False),
    Column("details", JSON, nullable=False),
    UniqueConstraint("inbox_id"),  # one message, at most one draft, whatever the workers do
    Index(None, "userid", "created_at"),
    Index(None, "status", "created_at"),
)

draft_evidence = Table(
    "draft_evidence",
    metadata,
    Column("draft_id", String, ForeignKey("drafts.draft_id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("passage_id", String, nullable=False),
    Column("version_id", String, nullable=False),
    Column("quote", Words, nullable=False),
    Column("scores", JSON, nullable=False),
    Index(None, "version_id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("feedback_id", String, primary_key=True),
    Column("draft_id", String, ForeignKey("drafts.draft_id"), nullable=False),
    Column("userid", Words, nullable=False),
    Column("decision", String, nullable=False),
    Column("final_text", Words),
    Column("edits", JSON, nullable=False),
    Column("reason", Words),
    Column("decided_at", Instant, nullable=False),
    Column("how", String, nullable=False),
    Column("sent_hash", String),
    Index(None, "draft_id"),
    Index(None, "decided_at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("outcome_id", String, primary_key=True),
    Column("draft_id", String, ForeignKey("drafts.draft_id"), nullable=False),
    Column("kind", String, nullable=False),
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
    Column("dedupe_key", String, nullable=False),
    Column("userid", Words, nullable=False),
    Column("msgtype", String, nullable=False),
    Column("body", JSON(none_as_null=True)),
    Column("sequence", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("queued_at", Instant, nullable=False),
    Column("first_sent_at", Instant),
    Column("sent_at", Instant),
    Column("error", Words),
    Column("msgid", String),
    Column("draft_id", String),
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
    Column("event", String, nullable=False),
    Column("subject", Words, nullable=False),
    Column("body", Words, nullable=False),
    Column("prev_hash", String, nullable=False),
    Column("hash", String, nullable=False),
    Index(None, "subject"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("ticket_id", String, primary_key=True),
    Column("question_masked", Words, nullable=False),
    Column("userid", Words, nullable=False),
    Column("draft_id", String),
    Column("status", String, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("answer", Words),
    Column("answered_by", Words),
    Index(None, "status", "due_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("userid", String, nullable=False),
    Column("name", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

wecom_tokens = Table(
    "wecom_tokens",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
