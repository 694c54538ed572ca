"""How long the look back takes on a hundred thousand drafts, as many publications and calls to a model.

    python benchmarks/bench_insights.py [DRAFTS] [DATABASE_URL]

A fresh SQLite file unless an (empty) PostgreSQL is named. Rows are as large as real ones; a second user has as many.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlmodel import Session, SQLModel

from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, ModelCall, Publication, User, new_id
from backend.watch import insights

DRAFTS = 100_000
DAYS = 900
KINDS = ("t-shirt", "jeans", "maxi-dress", "hoodie", "polo", "blazer", "skirt")
STATES = (*["confirmed"] * 16, "confirmed_with_differences", "failed", "rehearsed", "queued")


def furnish(database: Database, name: str, drafts: int) -> str:
    """A user with so many drafts over the last two and a half years, each published and read by a model."""
    with database.session() as session:
        user = User(name=name)
        session.add(user)
        session.flush()
        batch, account = Batch(user_id=user.id), Account(user_id=user.id, username="x", base_url="http://127.0.0.1:9")
        session.add_all([batch, account])
        session.flush()
        ids = {"user_id": user.id, "batch_id": batch.id, "account_id": account.id}
        for start in range(0, drafts, 5000):
            insert(session, ids, range(start, min(drafts, start + 5000)))
    return ids["user_id"]


def insert(session: Session, ids: dict[str, str], numbers: range) -> None:
    for table, rows in zip(
        ("drafts", "publications", "model_calls"), zip(*rows_of(ids, numbers), strict=True), strict=True
    ):
        session.connection().execute(SQLModel.metadata.tables[table].insert(), list(rows))


def rows_of(ids: dict[str, str], numbers: range) -> Iterator[tuple[dict[str, Any], ...]]:
    chance, now = random.Random(numbers.start), datetime.now(UTC)
    user, filler = {"user_id": ids["user_id"]}, "evidence and alternatives " * 80
    for number in numbers:
        at = now - timedelta(days=chance.random() * DAYS)
        draft = Draft(
            batch_id=ids["batch_id"], ordinal=number, state="approved", created_at=at, publish_ready=True,
            fields={"category": {"value": chance.choice(KINDS)}, "description": {"value": filler}}, **user,
        )  # fmt: skip
        publication = Publication(
            draft_id=draft.id, draft_revision=1, account_id=ids["account_id"], route="web", state=chance.choice(STATES),
            mode=chance.choice(("draft", "publish")), created_at=at, updated_at=at + timedelta(minutes=3),
            sheet={"price": f"{chance.randint(3, 90)}", "description": filler[:600]}, live_key=new_id(), **user,
        )  # fmt: skip
        call = ModelCall(
            draft_id=draft.id, day=at.date().isoformat(), at=at, model="m", prompt="p", status="success",
            micros=chance.randint(100, 3000), cached=chance.random() < 0.1, **user,
        )  # fmt: skip
        yield draft.model_dump(), publication.model_dump(), call.model_dump()


def main(drafts: int, url: str | None) -> None:
    out = Console()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(url or f"sqlite:///{Path(folder) / 'insights.db'}")
        database.migrate()
        mine = furnish(database, "mine", drafts)
        furnish(database, "theirs", drafts)
        table = Table(f"{drafts:,} drafts of each of two users", "median ms", "slowest ms", "rows", "kB", box=None)
        for days in (*insights.RANGES, None):
            took, found = [], None
            for _ in range(5):
                begin = time.perf_counter()
                with database.glance() as session:
                    found = insights.look(session, mine, days=days, minutes_by_hand=8)
                took.append(1000 * (time.perf_counter() - begin))
            assert found is not None
            rows = sum(len(chart.rows) for chart in found.charts.values())
            size = len(json.dumps([chart.rows for chart in found.charts.values()])) / 1000
            shown = f"{days} days" if days else "all (two and a half years)"
            table.add_row(shown, f"{sorted(took)[2]:.0f}", f"{max(took):.0f}", str(rows), f"{size:.1f}")
        out.print(table)
        database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DRAFTS, sys.argv[2] if len(sys.argv) > 2 else None)
