"""Changes of the sorting and of drafts, kept to be undone.


Revises: 0007
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0008'
down_revision = '0007'




def upgrade() -> None:
    with op.batch_alter_table('batches', schema=None) as batch_op:
        batch_op.add_column(sa.Column('board_revision', sa.Integer(), nullable=False, server_default='0'))
    op.create_table('board_changes',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('batch_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=False),
    sa.Column('after', sa.JSON(), nullable=False),
    sa.Column('undone', sa.Boolean(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['batches.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('batch_id', 'number')
    )
    with op.batch_alter_table('board_changes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_board_changes_user_id'), ['user_id'], unique=False)
    op.create_table('draft_changes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('draft_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['draft_id'], ['drafts.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('draft_changes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_draft_changes_draft_id'), ['draft_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_draft_changes_user_id'), ['user_id'], unique=False)


def downgrade() -> None:
    op.drop_table('draft_changes')
    op.drop_table('board_changes')
    with op.batch_alter_table('batches', schema=None) as batch_op:
        batch_op.drop_column('board_revision')
