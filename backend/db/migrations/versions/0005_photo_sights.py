"""photo sights

Revises: 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    op.create_table('photo_sights',
    sa.Column('photo_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reader', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('shows', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('feature', sa.LargeBinary(), nullable=False),
    sa.Column('histogram', sa.LargeBinary(), nullable=False),
    sa.Column('sharpness', sa.Float(), nullable=False),
    sa.Column('brightness', sa.Float(), nullable=False),
    sa.Column('cover_share', sa.Float(), nullable=False),
    sa.ForeignKeyConstraint(['photo_id'], ['photos.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ),
    sa.PrimaryKeyConstraint('photo_id')
    )
    with op.batch_alter_table('photo_sights', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_photo_sights_user_id'), ['user_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('photo_sights', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_photo_sights_user_id'))

    op.drop_table('photo_sights')
