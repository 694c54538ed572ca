"""links that confirm an e-mail address

Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    with op.batch_alter_table('user_links', schema=None) as batch_op:
        batch_op.add_column(sa.Column('email', sa.VARCHAR(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('user_links', schema=None) as batch_op:
        batch_op.drop_column('email')
