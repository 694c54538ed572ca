"""Fakes the tests share: real implementations of a port, made simple and predictable."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from backend.accounts import standing
from backend.core.listing import Evidence, Field
from backend.core.pacing import AT_ONCE
from backend.core.reading import ItemReading, PhotoInput
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, Publication, User, new_id
from backend.publications import journal
from backend.runtime import Runtime
from backend.sandbox.state import StoredItem

if TYPE_CHECKING:
    from backend.sandbox.server import Sandbox


def seen(value: object, photo: str, confidence: float = 0.9) -> Field:
    return Field(value, confidence, evidence=(Evidence("image", photo),))


def t_shirt(photos: Sequence[PhotoInput]) -> ItemReading:
    """A white T-shirt, size M, by Kiabi: everything a ready draft needs beside the seller's statements."""
    first = photos[0].id
    fields = {
        "category": seen("t-shirt", first),
        "brand": seen("Kiabi", first),
        "size": seen("M", first),
        "colours": seen(["white"], first),
    }
    return ItemReading(tuple(p.id for p in photos), fields)


class ScriptedReader:
    """Reads every item by the same rule; `asked` counts the items."""

    name = "scripted"

    def __init__(self, rule: Callable[[Sequence[PhotoInput]], ItemReading] = t_shirt) -> None:
        self.rule = rule
        self.asked = 0

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        self.asked += 1
        return self.rule(photos)

    async def aclose(self) -> None:
        return None


async def signed_in(runtime: Runtime, sandbox: "Sandbox", username: str = "marie", *, hurry: bool = True) -> Account:
    """An account of the sandbox with a kept session; with `hurry` it publishes without pauses."""
    session = sandbox.create_account(username)
    account = await runtime.accounts.keep_session(runtime.user_id, username, sandbox.url, session)
    return await _hurried(runtime, account) if hurry else account


def older_listing(sandbox: "Sandbox", username: str, title: str = "Jupe longue") -> str:
    """Gives the account a listing it made once by itself, and returns its id: by it a look at the wardrobe is known to
    have seen something."""
    account = sandbox.state.account_named(username)
    assert account is not None
    unset: dict[str, Any] = dict.fromkeys(
        ("catalog_id", "brand_id", "brand", "size_id", "condition_id", "package_size_id")
    )
    empty: dict[str, Any] = dict.fromkeys(("color_ids", "material_ids", "photo_ids"), ())
    words = {"title": title, "description": "", "price": "9.00", "currency": "EUR"}
    item = StoredItem(
        0, account.id, False, **words, **unset, **empty, is_unisex=False, temp_uuid="", upload_session_id=""
    )
    return str(sandbox.state.add_item(item, "completed").id)


async def stand_in_account(runtime: Runtime, base_url: str = "http://127.0.0.1:9") -> Account:
    """An account with a session of no marketplace at all, for routes that open none; it publishes without pauses."""
    return await _hurried(runtime, await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=a", base_url))


async def _hurried(runtime: Runtime, account: Account) -> Account:
    await runtime.database.run(standing.set_pace, runtime.user_id, account.id, AT_ONCE.model_dump())
    return account


def publication_row(database: Database, **columns: object) -> Publication:
    """A queued publication of a draft, with its user and account, in an empty database."""
    with database.session() as session:
        user = User(name=new_id())
        session.add(user)
        session.flush()
        account = Account(user_id=user.id, username="marie", base_url="http://127.0.0.1:9", state="ready")
        session.add(account)
        session.flush()
        return add_publication(session, account, **columns)


def add_publication(session: Session, account: Account, **columns: object) -> Publication:
    """One more publication of this account, of a draft of its own."""
    batch = Batch(user_id=account.user_id)
    session.add(batch)
    session.flush()
    draft = Draft(user_id=account.user_id, batch_id=batch.id, ordinal=0, publish_ready=True, state="open")
    session.add(draft)
    session.flush()
    made = Publication(
        user_id=account.user_id, draft_id=draft.id, draft_revision=1, account_id=account.id, route="web", mode="draft",
        position=time.time_ns(), live_key=f"{draft.id}:web",
    )  # fmt: skip
    made.sqlmodel_update(columns)
    journal.open_journal(session, made)
    return made
