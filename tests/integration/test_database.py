"""Tables and migrations on real SQLite and PostgreSQL."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, select

from backend.core.errors import Conflict, NotFound, SetupError
from backend.db.engine import Database, alembic_config
from backend.db.models import Batch, Draft, Photo, User
from backend.db.scope import find_by_prefix, get_owned
from backend.drafts import service as drafts


def test_migrations_make_the_tables_the_models_describe(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_each_earlier_revision_can_be_brought_up(database: Database) -> None:
    with database.engine.connect() as connection, alembic_config(connection) as config:
        revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    for revision in reversed(revisions):
        with database.engine.begin() as connection:
            SQLModel.metadata.drop_all(connection)
            connection.execute(text("delete from alembic_version"))
        database.migrate(revision)
        database.migrate()
        assert "publications" in inspect(database.engine).get_table_names()


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()
    database.migrate()


def test_every_table_that_belongs_to_somebody_says_to_whom() -> None:
    without = [name for name, table in SQLModel.metadata.tables.items() if "user_id" not in table.columns]
    assert sorted(without) == ["draft_photos", "model_choices", "users"]


def test_an_error_rolls_the_transaction_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.session() as session:
        session.add(User(name="lost"))
        session.flush()
        raise RuntimeError("after the flush")
    with database.session() as session:
        assert session.connection().execute(text("select count(*) from users")).scalar() == 0


def test_a_stale_revision_is_refused(database: Database) -> None:
    with database.session() as session:
        user = User(name="marie")
        session.add(user)
        session.flush()
        batch = Batch(user_id=user.id)
        session.add(batch)
        session.flush()
        [draft_id] = drafts.open_items(session, batch, [((), {})])
        drafts.fill(session, draft_id, {}, ())
        user_id = user.id
    with database.session() as session:
        assert drafts.edit(session, user_id, draft_id, 1, {"brand": "Zara"}).revision == 2
    with pytest.raises(Conflict) as refused, database.session() as session:
        drafts.edit(session, user_id, draft_id, 1, {"brand": "H&M"})
    assert refused.value.code == "stale_revision"
    with database.session() as session:
        assert session.get_one(Draft, draft_id).fields["brand"]["value"] == "Zara"


def test_another_users_row_is_not_found(database: Database) -> None:
    with database.session() as session:
        users = [User(name="marie"), User(name="paul")]
        session.add_all(users)
        session.flush()
        batch = Batch(user_id=users[0].id)
        session.add(batch)
        session.flush()
        mine, other, batch_id = users[0].id, users[1].id, batch.id
    with database.session() as session:
        assert get_owned(session, Batch, mine, batch_id).id == batch_id
        assert find_by_prefix(session, Batch, mine, batch_id[:4]).id == batch_id
        for find in (get_owned, find_by_prefix):
            with pytest.raises(NotFound):
                find(session, Batch, other, batch_id)


def test_the_same_file_is_accepted_once_a_user(database: Database) -> None:
    with database.session() as session:
        user = User(name="marie")
        session.add(user)
        session.flush()
        batch = Batch(user_id=user.id)
        session.add(batch)
        session.flush()
        photo = {"user_id": user.id, "batch_id": batch.id, "name": "a.jpg", "source_path": "a.jpg", "sha256": "f" * 64}
        session.add(Photo(**photo, position=0, state="accepted"))
        session.add(Photo(**photo, position=1, state="duplicate"))
    with pytest.raises(Exception, match=r"(?i)unique"), database.session() as session:
        session.add(Photo(**photo, position=2, state="accepted"))


def test_sqlite_is_durable_and_writers_wait_their_turn(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.migrate()
    with database.session() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(tmp_path / "a.db", timeout=0).execute("begin immediate")
    database.close()


def test_a_server_that_is_not_there_is_named(postgres_server: str) -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:9/none")
    with pytest.raises(SetupError, match="DATABASE_URL"):
        database.migrate()


def test_a_process_frozen_in_a_transaction_keeps_no_lock_for_ever(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = Database(postgres_url)
    living.migrate()
    monkeypatch.setattr("backend.db.engine._FROZEN_MS", 200)
    frozen = Database(postgres_url)
    with living.session() as session:
        session.add(User(id="marie", name="marie"))
    lock = text("update users set name = name where id = 'marie'")
    with frozen.engine.connect() as held:
        held.execute(lock)
        with living.session() as session:
            session.connection().execute(lock)  # waits for the frozen one, then goes on
        with pytest.raises(DBAPIError):
            held.execute(lock)
        held.invalidate()
    frozen.close()
    living.close()


async def test_who_is_cancelled_goes_when_the_transaction_has_ended(database: Database) -> None:
    """Nobody who was told of the cancelling finds the row changed only afterwards."""
    begun = threading.Event()

    def slow(session: Session) -> None:
        session.add(User(name="slow"))
        begun.set()
        time.sleep(0.3)

    under_way = asyncio.ensure_future(database.run(slow))
    await asyncio.to_thread(begun.wait, 10)
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    with database.session() as session:
        assert session.exec(select(User.name).where(User.name == "slow")).all() == ["slow"]
