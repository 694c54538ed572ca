"""where batches and publications came from

Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    for table in ('batches', 'publications'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('origin', sa.JSON(), nullable=False, server_default='{}'))


def downgrade() -> None:
    for table in ('batches', 'publications'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column('origin')
