"""Which reader of photos the admin chose on the page.

Revises: 0012
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0013'
down_revision = '0012'


def upgrade() -> None:
    op.create_table(
        'model_choices',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('revision', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column('chosen', sa.JSON(), nullable=False),
        sa.Column('key', sa.LargeBinary(), nullable=True),
        sa.Column('changed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )


def downgrade() -> None:
    op.drop_table('model_choices')
