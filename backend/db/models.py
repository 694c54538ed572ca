"""The whole schema on a page. Owns tables and columns; owns no query and no rule.

Every row that belongs to somebody carries `user_id`. Instants are aware, in UTC; `captured_at` is the camera's
local time, without zone. JSON columns hold what their docstring says. Changing this file needs a migration beside it.
"""

import secrets
from datetime import UTC, date, datetime
from typing import Any

from pydantic import NaiveDatetime
from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel


def new_id() -> str:
    """Sixteen hex digits nobody can guess."""
    return secrets.token_hex(8)


def now() -> datetime:
    return datetime.now(UTC)


def _json(default: Any = None, *, nullable: bool = False) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=nullable))


class User(SQLModel, table=True):
    """A person. `role` is admin or member, `state` active or suspended. Without `password_hash` (argon2id) nobody signs
    in as them. `local` is the one a server on this machine alone acts for, where nobody needs to sign in."""

    __tablename__ = "users"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    email: str | None = Field(default=None, unique=True, index=True)
    password_hash: str | None = None
    role: str = "member"
    state: str = "active"
    local: bool = False
    created_at: datetime = Field(default_factory=now)
    last_seen_at: datetime | None = None


class AuthSession(SQLModel, table=True):
    """Somebody signed in, in one place. `kind` is page (a cookie) or token (a family of refresh tokens, of which only
    the newest is good). `secret_hash` is the SHA-256 of the present secret, `rotations` how often it was replaced."""

    __tablename__ = "auth_sessions"
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    kind: str
    secret_hash: str
    rotations: int = 0
    agent: str = ""
    address: str = ""
    created_at: datetime = Field(default_factory=now)
    last_used_at: datetime = Field(default_factory=now)
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_for: str | None = None


class ApiKey(SQLModel, table=True):
    """A key for programs. `secret_hash` is the SHA-256 of the whole key, `prefix` its beginning, to know it by;
    `scopes` some of `core.caller.SCOPES`."""

    __tablename__ = "api_keys"
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    name: str
    prefix: str
    secret_hash: str = Field(unique=True)
    scopes: list[str] = _json(list)
    created_at: datetime = Field(default_factory=now)
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class UserLink(SQLModel, table=True):
    """A link that works once. `purpose`: invite (`user_id` invited, whoever comes gets `role`), reset (`user_id` may
    choose a new password) or email (`user_id`'s address becomes `email`)."""

    __tablename__ = "user_links"
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    purpose: str
    secret_hash: str = Field(unique=True)
    role: str = "member"
    email: str | None = None
    created_at: datetime = Field(default_factory=now)
    expires_at: datetime
    used_at: datetime | None = None


class AuditEvent(SQLModel, table=True):
    """Who did what, when, from where, on what. The tables refuse to change or delete a row.

    `user_id` is whose things it was done to, None where that is nobody's; `actor_id` who did it, None for a stranger.
    Neither refers to `users`: the row stays when the user goes, and holds no name. `way` is one of
    `core.caller.Way`."""

    __tablename__ = "audit_events"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, index=True)
    user_id: str | None = Field(default=None, index=True)
    actor_id: str | None = None
    way: str
    action: str
    target: str = ""
    address: str = ""
    agent: str = ""
    detail: dict[str, Any] = _json(dict)


class Account(SQLModel, table=True):
    """A marketplace account. `session` is the browser's kept state, encrypted; `state` is one of
    `accounts.states.AccountState`, `state_detail` the sentence that goes with it, `state_since` when it came to be.
    One with `removed_at` is there for the history of its publications alone.

    `pace` are the values of `core.pacing.Pace` that are this account's own, {} for its owner's usual pace. `paused` is
    the owner's wish, `stopped_until` the marketplace's, and `setbacks` how often in a row it refused: each makes the
    next stop longer.

    Its wardrobe was last read whole at `wardrobe_seen_at`; while that is being done nothing else begins for it, until
    `visiting_until` at most."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("user_id", "base_url", "username"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    username: str
    base_url: str
    language: str = "fr"
    session: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    state: str = "no_session"
    state_detail: str | None = None
    state_since: datetime | None = None
    pace: dict[str, Any] = _json(dict)
    paused: bool = False
    stopped_until: datetime | None = None
    setbacks: int = 0
    visiting_until: datetime | None = None
    wardrobe_seen_at: datetime | None = None
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)
    removed_at: datetime | None = None


class Batch(SQLModel, table=True):
    """A heap of photos handed in together. `defaults` are the seller's statements for all of it; `origin` is
    `core.origin.origin()` of whoever handed it in; `board_revision` counts the changes a person made to its
    sorting, `board_sent` is the id the last of them was sent with."""

    __tablename__ = "batches"
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    source: str = ""
    language: str = "fr"
    defaults: dict[str, Any] = _json(dict)
    state: str = Field(default="queued", index=True)
    error: str | None = None
    origin: dict[str, Any] = _json(dict)
    board_revision: int = 0
    board_sent: str | None = None
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)


class BoardChange(SQLModel, table=True):
    """One change a person made to a batch's sorting, to be undone and done again: the places and photos it touched,
    `before` and `after` it, as `drafts.board` keeps them. `number` counts within the batch."""

    __tablename__ = "board_changes"
    __table_args__ = (UniqueConstraint("batch_id", "number"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    batch_id: str = Field(foreign_key="batches.id")
    number: int
    before: dict[str, Any] = _json(dict)
    after: dict[str, Any] = _json(dict)
    undone: bool = False
    at: datetime = Field(default_factory=now)


class Photo(SQLModel, table=True):
    """One file handed in. `state`: pending, accepted, duplicate, near_duplicate, refused, removed. `source_path` is
    where the pending file waits; `position` its place in the batch; `role` is `core.reading.Role`, and `role_source` a
    `core.listing.Source`: who says so."""

    __tablename__ = "photos"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        Index(
            "ix_photos_one_of_each",
            "user_id",
            "sha256",
            unique=True,
            sqlite_where=text("state = 'accepted'"),
            postgresql_where=text("state = 'accepted'"),
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    batch_id: str = Field(foreign_key="batches.id")
    position: int
    name: str
    folder: str = ""
    source_path: str
    owns_source: bool = False
    state: str = "pending"
    reason: str | None = None
    duplicate_of: str | None = None
    sha256: str | None = None
    phash: str | None = None
    store_key: str | None = None
    thumbnail_key: str | None = None
    width: int | None = None
    height: int | None = None
    captured_at: NaiveDatetime | None = None
    role: str | None = None
    role_source: str | None = None
    created_at: datetime = Field(default_factory=now)


class PhotoSight(SQLModel, table=True):
    """What a reader saw on a photo before it was sorted: `core.reading.Sight`, arrays as 16-bit floats. `shows` is None
    where it could not be seen."""

    __tablename__ = "photo_sights"
    photo_id: str = Field(foreign_key="photos.id", primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    reader: str
    shows: str | None = None
    feature: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    histogram: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    sharpness: float = 0.0
    brightness: float = 0.0
    cover_share: float = 0.0


class Draft(SQLModel, table=True):
    """An item on its way to a listing. `fields` is `drafts.schemas.FieldsJson`; `readiness` the machine codes
    still in the way; `state`: reading, open, approved, discarded. `ordinal` is its place in the batch;
    `purchase_cost` a decimal string, what the seller paid: known to them alone."""

    __tablename__ = "drafts"
    __table_args__ = (
        UniqueConstraint("batch_id", "ordinal"),
        Index("ix_drafts_by_day", "user_id", "created_at", "state"),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    batch_id: str = Field(foreign_key="batches.id")
    ordinal: int
    revision: int = 1
    state: str = Field(default="reading", index=True)
    language: str = "fr"
    fields: dict[str, Any] = _json(dict)
    warnings: list[str] = _json(list)
    readiness: list[dict[str, Any]] = _json(list)
    publish_ready: bool = False
    grouping: dict[str, Any] = _json(dict)
    purchase_cost: str | None = None
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)


class DraftChange(SQLModel, table=True):
    """What a draft was before one edit of its seller's, to be undone: its `fields` and `purchase_cost` as `before`."""

    __tablename__ = "draft_changes"
    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    draft_id: str = Field(foreign_key="drafts.id", index=True)
    before: dict[str, Any] = _json(dict)
    at: datetime = Field(default_factory=now)


class DraftPhoto(SQLModel, table=True):
    __tablename__ = "draft_photos"
    __table_args__ = (UniqueConstraint("photo_id"),)
    draft_id: str = Field(foreign_key="drafts.id", primary_key=True)
    photo_id: str = Field(foreign_key="photos.id", primary_key=True)
    position: int


class Publication(SQLModel, table=True):
    """One attempt to put one revision of a draft on a marketplace. `state` is one of `publications.journal.State`.

    `run` counts how often it was queued (a person may send it round again), `attempts` the tries of this run.
    `position` is its place in the account's queue (smallest first), `not_before` the time it is scheduled for.
    `claim` is the token of the one job that may move it while it is under way, `claimed_by` that job's executor: a
    job whose token was replaced can do nothing any more.
    `origin` is `core.origin.origin()` of whoever asked for it.
    `live_key` is unique while a listing exists or may exist, so a draft can have no second one by the same route.
    `sheet` is what was sent, `differences` what read back otherwise."""

    __tablename__ = "publications"
    __table_args__ = (
        Index("ix_publications_asked", "user_id", "created_at"),
        Index("ix_publications_ended", "user_id", "state", "updated_at", "mode"),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    draft_id: str = Field(foreign_key="drafts.id", index=True)
    draft_revision: int
    account_id: str = Field(foreign_key="accounts.id", index=True)
    route: str
    mode: str
    state: str = Field(default="queued", index=True)
    step: str = ""
    run: int = 1
    attempts: int = 0
    position: int = Field(default=0, sa_type=BigInteger)
    not_before: datetime | None = None
    claim: str | None = None
    claimed_by: str | None = None
    live_key: str | None = Field(default=None, unique=True)
    sheet: dict[str, Any] = _json(dict)
    listing_id: str | None = None
    listing_url: str | None = None
    differences: list[dict[str, str]] = _json(list)
    screenshot_key: str | None = None
    error_code: str | None = None
    error: str | None = None
    origin: dict[str, Any] = _json(dict)
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)


class PublicationEvent(SQLModel, table=True):
    """The journal: one row a transition, never changed."""

    __tablename__ = "publication_events"
    __table_args__ = (Index("ix_publication_events_by_time", "state", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    publication_id: str = Field(foreign_key="publications.id", index=True)
    at: datetime = Field(default_factory=now)
    from_state: str | None = None
    state: str
    detail: dict[str, Any] = _json(dict)


class Piece(SQLModel, table=True):
    """A piece of a seller's wardrobe: a draft that has a listing or is on its way to one, or a listing that the
    account's own wardrobe showed. Money is in cents.

    `state` is one of `wardrobe.pieces.STATES`; `seen_state` what the marketplace's wardrobe said last, `seen_at` when
    it last showed it. Title and price are the listing's, category, audience and brand the draft's, as they were at
    `drawn_at`; `words` is what a search looks through. `sold_by` says whose word a sale is: site or person.
    `reference` and `notes` are the seller's own."""

    __tablename__ = "pieces"
    __table_args__ = (UniqueConstraint("account_id", "listing_id"), Index("ix_pieces_by_state", "user_id", "state"))
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    account_id: str = Field(foreign_key="accounts.id")
    draft_id: str | None = Field(default=None, foreign_key="drafts.id", unique=True)
    listing_id: str | None = None
    url: str | None = None
    title: str = ""
    cents: int | None = None
    state: str
    state_since: datetime = Field(default_factory=now)
    seen_state: str | None = None
    seen_at: datetime | None = None
    listed_at: datetime | None = None
    category: str | None = None
    audience: str | None = None
    brand: str | None = None
    words: str = ""
    drawn_at: datetime | None = None
    sold_cents: int | None = None
    sold_on: date | None = None
    sold_by: str | None = None
    reference: str = ""
    notes: str = ""
    created_at: datetime = Field(default_factory=now)


class SavedView(SQLModel, table=True):
    """A view of the wardrobe its seller named: `wardrobe.search.Wanted` as JSON."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    name: str
    wanted: dict[str, Any] = _json(dict)
    created_at: datetime = Field(default_factory=now)


class IdempotencyKey(SQLModel, table=True):
    """What a client's key was used for: the same request leads to the same publication again, as it stands by then."""

    __tablename__ = "idempotency_keys"
    user_id: str = Field(foreign_key="users.id", primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: str
    publication_id: str = Field(foreign_key="publications.id")
    created_at: datetime = Field(default_factory=now)


class Notification(SQLModel, table=True):
    """Something its owner should know: `kind` is one of `notifications.kinds.KINDS`; `detail` fills its sentence.

    `episode` names what it is about, and is there once. Of the outbox are `send_after` (from when on it may be sent, or
    sent again), `sends` (how often it was), `taken_by` (keys of who took it), `sent_at` (when it was done with)."""

    __tablename__ = "notifications"
    __table_args__ = (UniqueConstraint("user_id", "episode", name="uq_notifications_episode"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    kind: str
    publication_id: str | None = Field(default=None, foreign_key="publications.id")
    account_id: str | None = Field(default=None, foreign_key="accounts.id")
    episode: str
    detail: dict[str, Any] = _json(dict)
    created_at: datetime = Field(default_factory=now)
    seen_at: datetime | None = None
    send_after: datetime = Field(default_factory=now)
    sends: int = 0
    taken_by: list[str] = _json(list)
    sent_at: datetime | None = None


class ModelCall(SQLModel, table=True):
    """One call to a vision model, or an answer kept from one. `status` is one of `core.model_calls.CallStatus`; `day`
    the date in UTC it counts for; `micros` its price in micro-dollars, None where no price is known. While `reserved`,
    tokens and price are the most it may cost; `estimated` says they still are, since the server told none."""

    __tablename__ = "model_calls"
    __table_args__ = (Index("ix_model_calls_user_day", "user_id", "day"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    batch_id: str | None = Field(default=None, index=True)
    draft_id: str | None = None
    at: datetime = Field(default_factory=now)
    day: str = Field(index=True)
    model: str
    prompt: str
    status: str
    input_tokens: int = 0
    output_tokens: int = 0
    micros: int | None = Field(default=None, sa_type=BigInteger)
    estimated: bool = False
    cached: bool = False


class ModelAnswer(SQLModel, table=True):
    """A model's answer kept under the digest of what was asked, so that asking again costs nothing."""

    __tablename__ = "model_answers"
    user_id: str = Field(foreign_key="users.id", primary_key=True)
    key: str = Field(primary_key=True)
    answer: str
    at: datetime = Field(default_factory=now, index=True)


class ModelChoice(SQLModel, table=True):
    """Which reader the admin chose instead of the default: the installation's, nobody's own, at most one row. `chosen`
    is `model_choice.Wanted` as JSON, without the key, which is encrypted. Each change has another `revision`."""

    __tablename__ = "model_choices"
    id: int = Field(default=1, primary_key=True)
    revision: str = Field(default_factory=new_id)
    chosen: dict[str, Any] = _json(dict)
    key: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    changed_at: datetime = Field(default_factory=now)


class UserSettings(SQLModel, table=True):
    """What a person set: `drafts` what they want as a rule (`backend.preferences.Preferences` as JSON, without what is
    default), `pages` what they keep of the pages (`users.page_wishes.PageWishes`)."""

    __tablename__ = "user_settings"
    user_id: str = Field(foreign_key="users.id", primary_key=True)
    drafts: dict[str, Any] = _json(dict)
    pages: dict[str, Any] = _json(dict)
    updated_at: datetime = Field(default_factory=now)


class SiteCatalog(SQLModel, table=True):
    """What a marketplace's form offered a user's session: `core.ontology.Ontology` as JSON, by address."""

    __tablename__ = "site_catalogs"
    user_id: str = Field(foreign_key="users.id", primary_key=True)
    base_url: str = Field(primary_key=True)
    version: int = 1
    digest: str
    content: dict[str, Any] = _json(dict)
    fetched_at: datetime = Field(default_factory=now)
