"""Indexes that a look back over months is read from, and what a person keeps of the pages.

Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'


def upgrade() -> None:
    with op.batch_alter_table('user_settings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pages', sa.JSON(), nullable=False, server_default='{}'))
    op.create_index('ix_drafts_by_day', 'drafts', ['user_id', 'created_at', 'state'])
    op.create_index('ix_publications_asked', 'publications', ['user_id', 'created_at'])
    op.create_index('ix_publications_ended', 'publications', ['user_id', 'state', 'updated_at', 'mode'])


def downgrade() -> None:
    op.drop_index('ix_publications_ended', 'publications')
    op.drop_index('ix_publications_asked', 'publications')
    op.drop_index('ix_drafts_by_day', 'drafts')
    with op.batch_alter_table('user_settings', schema=None) as batch_op:
        batch_op.drop_column('pages')
