"""notifications sent, accounts removed, since when a state holds

Revises: 0003
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('state_since', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('removed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))

    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.add_column(sa.Column('episode', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('send_after', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('sends', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('sent_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))

    op.execute('update notifications set episode = id, send_after = created_at, sent_at = created_at')
    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.alter_column('episode', existing_type=sqlmodel.sql.sqltypes.AutoString(), nullable=False)
        batch_op.alter_column('send_after', existing_type=sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False)
        batch_op.create_unique_constraint('uq_notifications_episode', ['user_id', 'episode'])


def downgrade() -> None:
    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.drop_constraint('uq_notifications_episode', type_='unique')
        batch_op.drop_column('sent_at')
        batch_op.drop_column('sends')
        batch_op.drop_column('send_after')
        batch_op.drop_column('episode')

    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.drop_column('removed_at')
        batch_op.drop_column('state_since')
