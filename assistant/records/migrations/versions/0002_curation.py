"""Curation: review, editing, uploads, recalls, sign-in, and what each revision changed.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# An approved version that ends on the day on which another approved one of its document begins was superseded by it.
SUPERSEDED = """
UPDATE versions SET superseded_by = (
    SELECT MIN(later.version_id) FROM versions AS later
    WHERE later.document_id = versions.document_id AND later.status = 'approved'
      AND later.version_id <> versions.version_id AND later.effective_from = versions.effective_until
) WHERE status = 'approved' AND effective_until IS NOT NULL
"""


def upgrade() -> None:
    op.create_table('files',
    sa.Column('file_hash', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.Column('extracted', sa.LargeBinary(), nullable=True),
    sa.Column('stored_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('file_hash', name=op.f('pk_files'))
    )
    op.create_table('knowledge_changes',
    sa.Column('revision', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('version_id', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('revision', 'version_id', name=op.f('pk_knowledge_changes'))
    )
    op.create_table('recalls',
    sa.Column('recall_id', sa.Text(), nullable=False),
    sa.Column('version_id', sa.Text(), nullable=False),
    sa.Column('document_id', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('say_now', sa.Text(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('recalled_by', sa.Text(), nullable=False),
    sa.Column('recalled_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('recall_id', name=op.f('pk_recalls'))
    )
    with op.batch_alter_table('recalls', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recalls_recalled_at'), ['recalled_at'], unique=False)

    op.create_table('sessions',
    sa.Column('session_hash', sa.Text(), nullable=False),
    sa.Column('userid', sa.Text(), nullable=False),
    sa.Column('csrf', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('session_hash', name=op.f('pk_sessions'))
    )
    with op.batch_alter_table('sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sessions_userid'), ['userid'], unique=False)

    op.create_table('uploads',
    sa.Column('upload_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('uploaded_by', sa.Text(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('step', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('warnings', sa.JSON(), nullable=False),
    sa.Column('version_ids', sa.JSON(), nullable=False),
    sa.Column('passages', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('upload_id', name=op.f('pk_uploads'))
    )
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_uploads_uploaded_by_uploaded_at'), ['uploaded_by', 'uploaded_at'], unique=False)
        batch_op.create_index('ix_uploads_waiting', ['uploaded_at'], unique=False, sqlite_where=sa.text("status IN ('queued', 'reading')"), postgresql_where=sa.text("status IN ('queued', 'reading')"))

    op.create_table('version_uses',
    sa.Column('version_id', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('retrieved', sa.Integer(), nullable=False),
    sa.Column('cited', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('version_id', 'day', name=op.f('pk_version_uses'))
    )
    op.create_table('passwords',
    sa.Column('userid', sa.Text(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('must_change', sa.Boolean(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['userid'], ['staff.userid'], name=op.f('fk_passwords_userid_staff')),
    sa.PrimaryKeyConstraint('userid', name=op.f('pk_passwords'))
    )
    op.create_table('recall_notices',
    sa.Column('recall_id', sa.Text(), nullable=False),
    sa.Column('userid', sa.Text(), nullable=False),
    sa.Column('draft_ids', sa.JSON(), nullable=False),
    sa.Column('sent_draft_ids', sa.JSON(), nullable=False),
    sa.Column('notified_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['recall_id'], ['recalls.recall_id'], name=op.f('fk_recall_notices_recall_id_recalls')),
    sa.PrimaryKeyConstraint('recall_id', 'userid', name=op.f('pk_recall_notices'))
    )
    op.create_table('passage_revisions',
    sa.Column('id', row_number, nullable=False),
    sa.Column('version_id', sa.Text(), nullable=False),
    sa.Column('passage_id', sa.Text(), nullable=False),
    sa.Column('edited_by', sa.Text(), nullable=False),
    sa.Column('edited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('before', sa.JSON(), nullable=True),
    sa.Column('after', sa.JSON(), nullable=True),
    sa.ForeignKeyConstraint(['version_id'], ['versions.version_id'], name=op.f('fk_passage_revisions_version_id_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_passage_revisions'))
    )
    with op.batch_alter_table('passage_revisions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_passage_revisions_version_id_id'), ['version_id', 'id'], unique=False)

    with op.batch_alter_table('passages', schema=None) as batch_op:
        batch_op.add_column(sa.Column('counter_questions', sa.JSON(), server_default='[]', nullable=False))

    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('lines', sa.JSON(), server_default='[]', nullable=False))

    with op.batch_alter_table('tickets', schema=None) as batch_op:
        batch_op.add_column(sa.Column('version_id', sa.Text(), nullable=True))

    with op.batch_alter_table('versions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('lines', sa.JSON(), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('submitted_by', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('editors', sa.JSON(), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('file_hash', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('derived_from', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('superseded_by', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('note', sa.Text(), server_default='', nullable=False))
        batch_op.create_index(batch_op.f('ix_versions_effective_until'), ['effective_until'], unique=False)
        batch_op.create_index(batch_op.f('ix_versions_file_hash'), ['file_hash'], unique=False)
    op.execute(SUPERSEDED)
