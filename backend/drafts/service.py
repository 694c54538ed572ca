"""Drafts: made from readings, corrected and approved by their seller.

Owns the `drafts` and `draft_photos` tables and the revision rule: a change names the revision it was made on,
and a stale one is refused. Owns no reading and no publication.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from backend.core import catalog, ontology, readiness, words
from backend.core.errors import BadRequest, Conflict
from backend.core.listing import TOLD_NAMES, Field, Listing
from backend.db import audit
from backend.db.models import Batch, Draft, DraftPhoto, Photo, now
from backend.db.scope import get_owned, owned
from backend.drafts import assembly, history
from backend.drafts.own_prices import own_items
from backend.drafts.schemas import FIELDS
from backend.drafts.site_catalogs import catalog_in_use
from backend.preferences import preferences_of

PURCHASE_COST = "purchase_cost"
UNREAD = "unread"
"""In a discarded draft's `grouping`: its photos are others than were read."""
REWRITABLE = ("title", "description", "price")


def listing_of(session: Session, draft: Draft) -> Listing:
    """The draft as the pure layers know it."""
    photos = tuple(photo.id for photo in photos_of(session, draft))
    return Listing(FIELDS.validate_python(draft.fields), photos, draft.language)


def photos_of(session: Session, draft: Draft) -> list[Photo]:
    query = (
        select(Photo)
        .join(DraftPhoto, col(DraftPhoto.photo_id) == col(Photo.id))
        .where(DraftPhoto.draft_id == draft.id)
        .order_by(col(DraftPhoto.position))
    )
    return list(session.exec(query))


def show_in_order(session: Session, draft: Draft, photo_ids: Sequence[str]) -> None:
    """Puts the draft's photos in this order; ids that are not its own are not looked at."""
    places = {photo_id: n for n, photo_id in enumerate(photo_ids)}
    for row in session.exec(select(DraftPhoto).where(DraftPhoto.draft_id == draft.id)):
        row.position = places.get(row.photo_id, row.position)


def open_items(session: Session, batch: Batch, items: Sequence[tuple[Sequence[str], Mapping[str, Any]]]) -> list[str]:
    """A draft to be read for each item (its photo ids in order, why they are together).

    Doing it again changes nothing: returns the ids of the batch's drafts in order."""
    known = {d.ordinal: d.id for d in session.exec(owned(Draft, batch.user_id).where(Draft.batch_id == batch.id))}
    if known:
        return [known[ordinal] for ordinal in sorted(known)]
    drafts = [
        Draft(user_id=batch.user_id, batch_id=batch.id, ordinal=n, language=batch.language, grouping=dict(why))
        for n, (_, why) in enumerate(items)
    ]
    session.add_all(drafts)
    session.flush()
    for draft, (photo_ids, _) in zip(drafts, items, strict=True):
        session.add_all(
            DraftPhoto(draft_id=draft.id, photo_id=photo_id, position=n) for n, photo_id in enumerate(photo_ids)
        )
    return [draft.id for draft in drafts]


def fill(
    session: Session,
    draft_id: str,
    reading: Mapping[str, Field],
    warnings: Sequence[str],
    *,
    revision: int | None = None,
) -> Draft:
    """Completes a draft with what was read; what its seller stated stays.

    A draft already filled is left as it is, and so is one whose photos are others than were read (`revision`)."""
    draft = session.get_one(Draft, draft_id)
    if draft.state != "reading" or revision not in (None, draft.revision):
        return draft
    defaults = assembly.Defaults.of(get_owned(session, Batch, draft.user_id, draft.batch_id).defaults)
    photos = tuple(photo.id for photo in photos_of(session, draft))
    ways = ways_of(session, draft)
    said = {name: f for name, f in FIELDS.validate_python(draft.fields).items() if f.stated_by_seller}
    listing = assembly.assemble(reading, defaults, ways, photos=photos, language=draft.language, said=said)
    _store(session, draft, listing)
    draft.state, draft.warnings = "open", list(warnings)
    return draft


def edit(session: Session, user_id: str, draft_id: str, revision: int, changes: Mapping[str, Any]) -> Draft:
    """The seller's corrections to the revision they saw. Raises NotFound, Conflict on a stale revision.

    `purchase_cost` among them is what the item cost: no field of the listing, but a floor of its price. On a stale
    revision the draft may hold just these already: they were sent before, and their answer got lost on the way."""
    there = _holds(get_owned(session, Draft, user_id, draft_id), changes)
    draft = in_use(session, user_id, draft_id, None if there else revision)
    if draft.revision != revision:
        return draft
    history.keep(session, draft)
    fields = {name: value for name, value in changes.items() if name != PURCHASE_COST}
    if PURCHASE_COST in changes:
        draft.purchase_cost = changes[PURCHASE_COST]
    _store(session, draft, assembly.edit(listing_of(session, draft), fields, ways_of(session, draft)))
    draft.state = "open"
    next_revision(session, draft)
    audit.record(session, "draft.edited", user_id, draft.id, fields=sorted(changes), revision=draft.revision)
    return draft


def _holds(draft: Draft, changes: Mapping[str, Any]) -> bool:
    """Whether each of these changes is made already: stated just so, or taken back."""
    fields = FIELDS.validate_python(draft.fields)

    def made(name: str, value: Any) -> bool:
        if name == PURCHASE_COST:
            return bool(draft.purchase_cost == value)
        known = fields.get(name, Field())
        if value is None:
            return not known.known or known.is_derived
        return known.stated_by_seller and known.value == value

    return bool(changes) and all(made(name, value) for name, value in changes.items())


def rewrite(
    session: Session, user_id: str, draft_id: str, revision: int, name: str, *, tone: words.Tone | None = None
) -> Draft:
    """Makes the title, the description or the price anew from what is known now; no other field changes.

    `tone` instead of the seller's own wish, for this once. Raises BadRequest for another field, Conflict where too
    little is known."""
    if name not in REWRITABLE:
        raise BadRequest(f"{name!r} can't be written anew; one of: {', '.join(REWRITABLE)}.", code="not_rewritable")
    draft = in_use(session, user_id, draft_id, revision)
    ways = ways_of(session, draft)
    if tone is not None:
        ways = replace(ways, style=words.Style(tone, hashtags=ways.style.hashtags))
    before = listing_of(session, draft)
    after = assembly.rewrite(before, name, ways)
    if after is before:
        raise Conflict(f"Too little is known to write the {name}: state the category first.", code="nothing_to_write")
    history.keep(session, draft)
    _store(session, draft, after)
    draft.state = "open"
    next_revision(session, draft)
    audit.record(session, "draft.rewritten", user_id, draft.id, field=name, revision=draft.revision)
    return draft


def undo(session: Session, user_id: str, draft_id: str, revision: int) -> Draft:
    """Takes the last edit or rewriting back. Raises NotFound, Conflict on a stale revision or where there is none."""
    draft = in_use(session, user_id, draft_id, revision)
    before = history.take_last(session, draft)
    if before is None:
        raise Conflict("There is nothing to take back.", code="no_change")
    draft.purchase_cost = before["purchase_cost"]
    _store(session, draft, replace(listing_of(session, draft), fields=FIELDS.validate_python(before["fields"])))
    draft.state = "open"
    next_revision(session, draft)
    return draft


def ways_of(session: Session, draft: Draft) -> assembly.Ways:
    """How what follows from a draft's fields is made: its batch's price rule before the seller's general one."""
    wishes = preferences_of(session, draft.user_id)
    rule = assembly.Defaults.of(get_owned(session, Batch, draft.user_id, draft.batch_id).defaults).price_rule
    return assembly.Ways(
        rule=rule or wishes.price_rule,
        style=wishes.style,
        told_in=wishes.language,
        cost=None if draft.purchase_cost is None else Decimal(draft.purchase_cost),
        month=now().month,
        own=own_items(session, draft.user_id, but=draft.id),
    )


def approve(session: Session, user_id: str, draft_id: str, revision: int | None = None) -> Draft:
    """The seller's word that the draft is right. Raises Conflict while something is in the way."""
    draft = in_use(session, user_id, draft_id, revision)
    if not draft.publish_ready:
        raise Conflict("; ".join(problem_messages(draft, told_in(session, draft))), code="draft_not_ready")
    draft.state, draft.updated_at = "approved", now()
    audit.record(session, "draft.approved", user_id, draft.id, revision=draft.revision)
    return draft


def reopen(session: Session, user_id: str, draft_id: str) -> Draft:
    """Takes the approval back."""
    draft = get_owned(session, Draft, user_id, draft_id)
    if draft.state == "approved":
        draft.state, draft.updated_at = "open", now()
    return draft


def discard(session: Session, user_id: str, draft_id: str, revision: int | None = None) -> Draft:
    """Puts a draft away. It can be brought back with `restore`."""
    draft = _at_revision(session, user_id, draft_id, revision)
    draft.state, draft.updated_at = "discarded", now()
    audit.record(session, "draft.discarded", user_id, draft.id)
    return draft


def restore(session: Session, user_id: str, draft_id: str) -> Draft:
    """Undoes `discard`: what was not read by then, or whose photos are others since, is to be read first."""
    draft = get_owned(session, Draft, user_id, draft_id)
    if draft.state != "discarded":
        return draft
    if photos_of(session, draft) and (not draft.fields or draft.grouping.get(UNREAD)):
        draft.state, draft.publish_ready, draft.updated_at = "reading", False, now()
        draft.grouping = {name: value for name, value in draft.grouping.items() if name != UNREAD}
        history.forget(session, draft.id)
        session.flush()  # the draft before its batch, as the board does it
        batch = get_owned(session, Batch, user_id, draft.batch_id, lock=True)
        if batch.state in ("done", "stopped"):
            batch.state, batch.updated_at = "queued", now()
    else:
        draft.state = "open"
        _store(session, draft, listing_of(session, draft))
    audit.record(session, "draft.restored", user_id, draft.id)
    return draft


def drafts_of(
    session: Session,
    user_id: str,
    *,
    batch_id: str | None = None,
    ready: bool | None = None,
    state: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Draft]:
    """The user's drafts in the order they were made, all unless `limit`; discarded ones only when asked for by state.
    For a list that a person looks through: `shelf.py`."""
    query = owned(Draft, user_id)
    query = query.where(Draft.state == state) if state else query.where(col(Draft.state) != "discarded")
    if batch_id is not None:
        query = query.where(Draft.batch_id == batch_id)
    if ready is not None:
        query = query.where(col(Draft.publish_ready) == ready)
    return list(session.exec(query.order_by(col(Draft.created_at), col(Draft.ordinal)).limit(limit).offset(offset)))


def to_be_read(session: Session, batch_id: str) -> list[str]:
    """The ids of a batch's drafts that wait to be read, in order."""
    query = select(Draft.id).where(Draft.batch_id == batch_id, Draft.state == "reading")
    return list(session.exec(query.order_by(col(Draft.ordinal))))


def told_in(session: Session, draft: Draft) -> str:
    """The language its seller reads, whatever their listing is written in: the one they chose, else the listing's."""
    return preferences_of(session, draft.user_id).language or draft.language


def problem_messages(draft: Draft, language: str) -> list[str]:
    """What is in the way of publishing, in words."""
    return [readiness.message(p, language) for p in problems(draft)]


def problems(draft: Draft) -> list[readiness.Problem]:
    return [readiness.Problem(readiness.ReadinessCode(p["code"]), p["field"], p["detail"]) for p in draft.readiness]


def confidence(fields: Mapping[str, Field]) -> float:
    """The least sure of the known facts that were read: what a seller should look at first."""
    apart = {*assembly.DERIVED, *TOLD_NAMES}
    read = [f.confidence for n, f in fields.items() if f.known and n not in apart and not f.stated_by_seller]
    return min(read, default=0.0)


def _store(session: Session, draft: Draft, listing: Listing) -> None:
    found = readiness.check(listing, unmapped=_unmapped(session, draft.user_id, listing))
    draft.fields = FIELDS.dump_python(dict(listing.fields), mode="json")
    draft.readiness = [{"code": p.code.value, "field": p.field, "detail": dict(p.detail)} for p in found]
    draft.publish_ready = not found
    draft.updated_at = now()


def _unmapped(session: Session, user_id: str, listing: Listing) -> tuple[ontology.Unmapped, ...]:
    """What the form of the marketplace last looked at does not offer; nothing where none was looked at."""
    in_use = catalog_in_use(session, user_id)
    if in_use is None:
        return ()
    base_url, offered = in_use
    return ontology.unmapped(listing, offered, catalog.language_of(base_url, default=listing.language))


def _at_revision(session: Session, user_id: str, draft_id: str, revision: int | None) -> Draft:
    draft = get_owned(session, Draft, user_id, draft_id)
    if revision is not None and draft.revision != revision:
        raise _stale(draft.revision)
    return draft


def in_use(session: Session, user_id: str, draft_id: str, revision: int | None) -> Draft:
    """A draft that may be changed. Raises NotFound, Conflict."""
    draft = _at_revision(session, user_id, draft_id, revision)
    if draft.state == "reading":
        raise Conflict("This draft is still being read; try again in a moment.", code="draft_reading")
    if draft.state == "discarded":
        raise Conflict("This draft was discarded. Restore it first.", code="draft_discarded")
    return draft


def next_revision(session: Session, draft: Draft) -> None:
    """Counts the revision up, unless another tab did so in between (PostgreSQL lets both read the same)."""
    table: Any = Draft.__table__  # type: ignore[attr-defined]
    changed = session.connection().execute(
        table.update()
        .where(table.c.id == draft.id, table.c.revision == draft.revision)
        .values(revision=draft.revision + 1)
    )
    if changed.rowcount != 1:
        raise _stale(draft.revision + 1)
    session.flush()
    session.refresh(draft)


def _stale(revision: int) -> Conflict:
    return Conflict(
        f"This draft has changed since you opened it (it is at revision {revision} now). Reload it and edit again.",
        code="stale_revision",
    )
