"""What the sandbox marketplace knows: accounts, sessions, photos, listings, and a count of all it received.

Owns the records, their ids, the lock and the optional file that outlives the process. Does not own what is
valid (`validation.py`), what goes wrong on purpose (`faults.py`) or any page.
"""

import hashlib
import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from backend.sandbox.options import SandboxOptions

Event = Literal["published", "drafts", "drafts_updated", "completed", "items_updated", "photos", "refused", "logins"]

Closed = Literal["", "sold", "hidden"]
"""What takes a listing out of the others' sight or reach; "" is for sale."""

FIRST_USER, FIRST_PHOTO, FIRST_ITEM = 301_000_001, 30_000_000_001, 5_000_000_001


@dataclass(frozen=True)
class Account:
    """`password` is in the clear: these accounts exist nowhere else."""

    id: int
    username: str
    password: str


@dataclass(frozen=True)
class Session:
    """`access` and `refresh` are cookies' values; each may have expired by itself."""

    access: str
    refresh: str
    csrf: str
    account_id: int
    access_valid: bool = True
    refresh_valid: bool = True


@dataclass(frozen=True)
class StoredPhoto:
    """`order` counts every photo ever received, from 1."""

    id: int
    account_id: int
    name: str
    media_type: str
    sha256: str
    size: int
    order: int
    temp_uuid: str


@dataclass(frozen=True)
class StoredItem:
    """A listing or a draft as stored; ids are the marketplace's, `price` a decimal string."""

    id: int
    account_id: int
    is_draft: bool
    title: str
    description: str
    catalog_id: int | None
    brand_id: int | None
    brand: str | None
    size_id: int | None
    condition_id: int | None
    color_ids: tuple[int, ...]
    material_ids: tuple[int, ...]
    price: str
    currency: str
    package_size_id: int | None
    is_unisex: bool
    photo_ids: tuple[int, ...]
    temp_uuid: str
    upload_session_id: str
    created_at: str = ""
    updated_at: str = ""
    closed: Closed = ""


class SandboxState:
    """Every change happens under `lock` (re-entrant), and is in the state file before the lock is let go."""

    def __init__(self, options: SandboxOptions) -> None:
        self.lock = threading.RLock()
        self.options = options
        self._clear()
        if options.state_file is not None and options.state_file.exists():
            self._load(json.loads(options.state_file.read_text(encoding="utf-8")))

    def _clear(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.photos: dict[int, StoredPhoto] = {}
        self.items: dict[int, StoredItem] = {}
        self.requests: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.events_by_account: dict[int, Counter[str]] = {}
        self.cleared_challenges: set[str] = set()
        self._bytes: dict[str, bytes] = {}
        self._next = {"user": FIRST_USER, "photo": FIRST_PHOTO, "item": FIRST_ITEM}

    @contextmanager
    def change(self) -> Iterator[None]:
        """Holds the lock and writes the file at the end."""
        with self.lock:
            yield
            self._save()

    def reset(self, *, keep_accounts: bool = False) -> None:
        with self.change():
            accounts, sessions, next_ids = self.accounts, self.sessions, self._next
            self._clear()
            self._next = next_ids  # ids never come back, as on a real marketplace
            if keep_accounts:
                self.accounts, self.sessions = accounts, sessions

    # accounts and sessions

    def add_account(self, username: str, password: str) -> Account:
        """The account of that name, made if it is new; its password is set anew."""
        with self.change():
            known = self.account_named(username)
            account = replace(known, password=password) if known else Account(self._id("user"), username, password)
            self.accounts[account.id] = account
            return account

    def account_named(self, username: str) -> Account | None:
        with self.lock:
            return next((a for a in self.accounts.values() if a.username == username), None)

    def open_session(self, account: Account) -> Session:
        with self.change():
            session = Session(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_hex(16), account.id)
            self.sessions[session.access] = session
            self.events["logins"] += 1
            return session

    def find_session(self, access: str | None) -> Session | None:
        """The session with that access token, if it is still good."""
        session = self.sessions.get(access or "")
        return session if session and session.access_valid and session.account_id in self.accounts else None

    def can_renew(self, refresh: str | None) -> bool:
        with self.lock:
            return any(s.refresh == refresh and s.refresh_valid for s in self.sessions.values())

    def renew_session(self, refresh: str | None) -> Session | None:
        """A new access token for a refresh token that is still good; the old access token dies."""
        with self.change():
            old = next((s for s in self.sessions.values() if s.refresh == refresh and s.refresh_valid), None)
            if old is None:
                return None
            del self.sessions[old.access]
            new = replace(old, access=secrets.token_urlsafe(24), access_valid=True)
            self.sessions[new.access] = new
            return new

    def expire_sessions(self, account_id: int | None = None, *, refresh_too: bool = True) -> int:
        """Ends the access tokens of one account or of all, and says how many."""
        with self.change():
            ended = [s for s in self.sessions.values() if account_id in (None, s.account_id)]
            for s in ended:
                self.sessions[s.access] = replace(s, access_valid=False, refresh_valid=not refresh_too)
            return len(ended)

    # photos and items

    def add_photo(self, account_id: int, name: str, media_type: str, content: bytes, temp_uuid: str) -> StoredPhoto:
        with self.change():
            sha256 = hashlib.sha256(content).hexdigest()
            photo = StoredPhoto(
                self._id("photo"), account_id, name, media_type, sha256, len(content), len(self.photos) + 1, temp_uuid
            )
            self.photos[photo.id] = photo
            self._keep(sha256, content)
            self.count("photos", account_id)
            return photo

    def photo_bytes(self, photo_id: int) -> bytes | None:
        """The bytes as received, or None where the budget was used up."""
        photo = self.photos.get(photo_id)
        return self._bytes.get(photo.sha256) if photo else None

    def photo_ids_of(self, account_id: int) -> set[int]:
        with self.lock:
            return {photo.id for photo in self.photos.values() if photo.account_id == account_id}

    def add_item(self, item: StoredItem, event: Event) -> StoredItem:
        """Stores a new listing or draft under the next id."""
        with self.change():
            now = _now()
            stored = replace(item, id=self._id("item"), created_at=now, updated_at=now)
            self.items[stored.id] = stored
            self.count(event, item.account_id)
            return stored

    def update_item(self, item: StoredItem, event: Event) -> StoredItem:
        with self.change():
            before = self.items[item.id]
            stored = replace(item, created_at=before.created_at, updated_at=_now(), closed=before.closed)
            self.items[stored.id] = stored
            self.count(event, item.account_id)
            return stored

    def close_item(self, item_id: int, closed: Closed) -> None:
        """Sold, hidden, or for sale again."""
        with self.change():
            self.items[item_id] = replace(self.items[item_id], closed=closed)

    def delete_item(self, item_id: int) -> None:
        with self.change():
            del self.items[item_id]

    def items_of(self, account_id: int | None, *, drafts: bool = True) -> list[StoredItem]:
        """An account's (None: everybody's) listings, newest first; without `drafts` what everybody sees."""
        with self.lock:
            found = [
                i
                for i in self.items.values()
                if account_id in (None, i.account_id) and (drafts or not (i.is_draft or i.closed == "hidden"))
            ]
        return sorted(found, key=lambda item: item.id, reverse=True)

    def count(self, event: Event, account_id: int) -> None:
        with self.lock:
            self.events[event] += 1
            self.events_by_account.setdefault(account_id, Counter())[event] += 1

    def count_request(self, endpoint: str) -> None:
        with self.lock:
            self.requests[endpoint] += 1

    # ids, bytes and the file

    def _id(self, kind: str) -> int:
        self._next[kind] += 1
        return self._next[kind] - 1

    def _keep(self, sha256: str, content: bytes) -> None:
        if sha256 in self._bytes or sum(map(len, self._bytes.values())) + len(content) > self.options.photo_budget:
            return
        self._bytes[sha256] = content
        if folder := self._photo_folder():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / sha256).write_bytes(content)

    def _photo_folder(self) -> Path | None:
        return self.options.state_file.with_suffix(".photos") if self.options.state_file else None

    def _save(self) -> None:
        if self.options.state_file is None:
            return
        kept = {
            "next": self._next,
            "accounts": [asdict(a) for a in self.accounts.values()],
            "sessions": [asdict(s) for s in self.sessions.values()],
            "photos": [asdict(p) for p in self.photos.values()],
            "items": [asdict(i) for i in self.items.values()],
            "requests": self.requests,
            "events": self.events,
            "events_by_account": self.events_by_account,
            "cleared_challenges": sorted(self.cleared_challenges),
        }
        beside = self.options.state_file.with_suffix(".part")
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(kept), encoding="utf-8")
        beside.replace(self.options.state_file)

    def _load(self, kept: dict[str, Any]) -> None:
        self._next = kept["next"]
        self.accounts = {a["id"]: Account(**a) for a in kept["accounts"]}
        self.sessions = {s["access"]: Session(**s) for s in kept["sessions"]}
        self.photos = {p["id"]: StoredPhoto(**p) for p in kept["photos"]}
        self.items = {i["id"]: _item(i) for i in kept["items"]}
        self.requests, self.events = Counter(kept["requests"]), Counter(kept["events"])
        self.events_by_account = {int(k): Counter(v) for k, v in kept["events_by_account"].items()}
        self.cleared_challenges = set(kept["cleared_challenges"])
        folder = self._photo_folder()
        for photo in self.photos.values():
            if folder and (folder / photo.sha256).exists():
                self._bytes[photo.sha256] = (folder / photo.sha256).read_bytes()


def _item(kept: dict[str, Any]) -> StoredItem:
    lists = {name: tuple(kept[name]) for name in ("color_ids", "material_ids", "photo_ids")}
    return StoredItem(**{**kept, **lists})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
