"""What the pages show, gathered from the services in one look at the tables.

Owns the selection and order of what is shown. Owns no rule: whether a draft is ready, how far a batch is and what a
publication may do next are the services' to say.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.core import grouping, readiness
from backend.core.listing import Field
from backend.core.remarks import remarks
from backend.db.models import Account, Batch, Draft, Photo, Publication
from backend.db.scope import get_owned
from backend.drafts import service as drafts
from backend.drafts.schemas import FIELDS
from backend.photos import batches, intake
from backend.publications import journal, queue
from backend.publications import service as publications
from backend.publications.journal import UNCERTAIN_CODE, State
from backend.web.language import Words
from backend.web.values import FieldView, field_views, sizes, value_text

DRAFTS_A_PAGE = 60
BATCHES_SHOWN = 3
"""Batches that are done; those under way are all shown."""
FILTERS = ("all", "todo", "ready", "approved", "discarded")


@dataclass(frozen=True)
class LeftOut:
    """A file that became no photo of a draft, and why."""

    file: str
    why: str
    photo_id: str | None


@dataclass(frozen=True)
class BatchView:
    id: str
    when: str
    progress: batches.Progress
    left_out: tuple[LeftOut, ...]

    @property
    def share(self) -> int:
        """Work done in thousandths: taking in, looking at the photos, reading the items. Counted, not estimated."""
        done = self.progress
        taken = done.taken_in / done.files if done.files else 0.0
        looked = 1.0 if done.items else done.looked_at / max(1, done.photos.get("accepted", 0))
        read = done.read / done.items if done.items else 0.0
        return 1000 if done.state == "done" else round(300 * taken + 400 * min(1.0, looked) + 300 * read)


@dataclass(frozen=True)
class Card:
    """A draft at a glance. `status`: reading, ready, todo, approved, discarded, or `live` once it has a listing."""

    id: str
    title: str
    named: bool
    price: str
    percent: str
    sure: bool
    status: str
    problems: tuple[str, ...]
    cover: str | None
    photos: int


@dataclass(frozen=True)
class Home:
    batches: tuple[BatchView, ...]
    cards: tuple[Card, ...]
    counts: dict[str, int]
    show: str
    page: int
    pages: int

    @property
    def running(self) -> list[BatchView]:
        return [batch for batch in self.batches if not batch.progress.finished]


@dataclass(frozen=True)
class DraftView:
    draft: Draft
    card: Card
    fields: dict[str, Field]
    views: dict[str, FieldView]
    sizes: list[tuple[str, str]]
    photos: list[Photo]
    problems: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    together: tuple[str, ...]
    together_sure: str
    accounts: list[Account]
    publications: tuple["PublicationView", ...]
    next_id: str | None


@dataclass(frozen=True)
class PublicationView:
    """A publication and what a person may do about it."""

    row: Publication
    title: str
    account: str
    when: str
    moving: bool
    can_cancel: bool
    can_resume: bool
    in_doubt: bool
    advice: str
    waits: str
    live: bool = False


def home(session: Session, user_id: str, words: Words, show: str, page: int) -> Home:
    """The batches under way and lately done, and a page of drafts, those of the newest batch first."""
    latest = batches.batches_of(session, user_id)
    shown = [_batch(session, words, b) for n, b in enumerate(latest) if n < BATCHES_SHOWN or b.state in batches.MOVING]
    live = _live_drafts(session, user_id)
    found = drafts.drafts_of(session, user_id)
    away = drafts.drafts_of(session, user_id, state="discarded")
    by_filter = {name: [d for d in found if name in ("all", _filter(d))] for name in FILTERS} | {"discarded": away}
    show = show if show in FILTERS else "all"
    wanted = _newest_batch_first(by_filter[show])
    pages = max(1, -(-len(wanted) // DRAFTS_A_PAGE))
    page = min(max(page, 1), pages)
    here = wanted[(page - 1) * DRAFTS_A_PAGE : page * DRAFTS_A_PAGE]
    cards = tuple(card(session, words, draft, live) for draft in here)
    counts = {name: len(rows) for name, rows in by_filter.items()}
    return Home(tuple(shown), cards, counts, show, page, pages)


def card(session: Session, words: Words, draft: Draft, live: frozenset[str]) -> Card:
    fields = FIELDS.validate_python(draft.fields)
    photos = drafts.photos_of(session, draft)
    title, category = fields.get("title", Field()), fields.get("category", Field())
    guesses = [value_text(words, "category", a.value) for a in category.alternatives[:2]]
    confidence = drafts.confidence(fields)
    return Card(
        id=draft.id,
        title=str(title.value)
        if title.known
        else words("draft.guess", guess=words("or").join(guesses))
        if guesses
        else words("draft.untitled"),
        named=title.known,
        price=value_text(words, "price", fields.get("price", Field()).value),
        percent=words.percent(confidence),
        sure=confidence >= readiness.SURE,
        status="live" if draft.id in live and draft.state != "discarded" else _filter(draft),
        problems=tuple(drafts.problem_messages(draft, words.language)),
        cover=photos[0].id if photos else None,
        photos=len(photos),
    )


def one_draft(session: Session, user_id: str, words: Words, draft_id: str) -> DraftView:
    """Everything of one draft. Raises NotFound."""
    draft = get_owned(session, Draft, user_id, draft_id)
    fields = FIELDS.validate_python(draft.fields)
    photos, problems = drafts.photos_of(session, draft), drafts.problems(draft)
    return DraftView(
        draft=draft,
        card=card(session, words, draft, _live_drafts(session, user_id)),
        fields=fields,
        views=field_views(words, fields, photos, problems),
        sizes=sizes(fields),
        photos=photos,
        problems=tuple((p.field, readiness.message(p, words.language)) for p in problems),
        warnings=remarks(draft.warnings, fields, words.language),
        together=tuple(grouping.told(draft.grouping, words.language)),
        together_sure=words.percent(float(draft.grouping.get("confidence", 0.0))),
        accounts=accounts.accounts_of(session, user_id),
        publications=publications_shown(session, user_id, words, draft_id=draft_id),
        next_id=_next_todo(session, user_id, draft),
    )


def publications_shown(
    session: Session, user_id: str, words: Words, *, draft_id: str | None = None, live: Collection[str] = ()
) -> tuple[PublicationView, ...]:
    """The user's publications, newest first; `live` are those whose page is open: they go on by it, not by a button."""
    rows = publications.publications_of(session, user_id, draft_id=draft_id)
    found = _publications(session, user_id, words, rows)
    return tuple(replace(one, live=True, can_resume=False) if one.row.id in live else one for one in found)


def queue_shown(session: Session, user_id: str, words: Words) -> tuple[PublicationView, ...]:
    """What waits, in the order it will begin."""
    return _publications(session, user_id, words, queue.line_of(session, user_id))


def _publications(
    session: Session, user_id: str, words: Words, rows: Iterable[Publication]
) -> tuple[PublicationView, ...]:
    names = {account.id: account.username for account in accounts.accounts_of(session, user_id, removed=True)}
    reasons = queue.waiting(session, user_id)
    return tuple(_publication(session, words, row, names, reasons.get(row.id)) for row in rows)


def _publication(
    session: Session, words: Words, row: Publication, names: dict[str, str], held: queue.Waiting | None
) -> PublicationView:
    state = State(row.state)
    doubt = state is State.NEEDS_PERSON and row.error_code == UNCERTAIN_CODE
    draft = get_owned(session, Draft, row.user_id, row.draft_id)
    title = row.sheet.get("title") or FIELDS.validate_python(draft.fields)["title"].value
    return PublicationView(
        row=row,
        title=str(title),
        account=names.get(row.account_id, ""),
        when=words.moment(row.created_at),
        moving=state in journal.RUNNING,
        can_cancel=journal.may_become(row, State.CANCELLED),
        can_resume=state is State.NEEDS_PERSON and not doubt,
        in_doubt=doubt,
        advice=words.known(f"advice.{row.error_code}") or words.known(f"advice.{state}") or "",
        waits=words(f"waits.{held.code}", until=words.moment(held.until) if held.until else "") if held else "",
    )


def _batch(session: Session, words: Words, batch: Batch) -> BatchView:
    progress = batches.progress(session, batch.user_id, batch.id)
    photos = batches.photos_of(session, batch.id)
    names = batches.names_of(photos)
    left_out = tuple(
        LeftOut(names[p.id], _why(words, p), p.id if p.thumbnail_key else None)
        for p in photos
        if p.reason or p.state in ("refused", "duplicate", "near_duplicate")
    )
    return BatchView(batch.id, words.moment(batch.created_at), progress, left_out)


def _why(words: Words, photo: Photo) -> str:
    if photo.state == "refused":
        return intake.explain(photo.reason or "", words.language)
    return words.known(f"left_out.{photo.reason or photo.state}") or words("left_out.unsorted")


def _filter(draft: Draft) -> str:
    if draft.state in ("approved", "discarded", "reading"):
        return draft.state
    return "ready" if draft.publish_ready else "todo"


def _live_drafts(session: Session, user_id: str) -> frozenset[str]:
    """Drafts that stand on the marketplace, proven."""
    rows = publications.publications_of(session, user_id, limit=2000)
    return frozenset(row.draft_id for row in rows if row.listing_id is not None)


def _newest_batch_first(found: Sequence[Draft]) -> list[Draft]:
    order = {batch_id: -n for n, batch_id in enumerate(Counter(d.batch_id for d in found))}
    return sorted(found, key=lambda draft: order[draft.batch_id])


def _next_todo(session: Session, user_id: str, draft: Draft) -> str | None:
    """The next draft that waits for the seller, after this one and round again."""
    waiting = [d for d in drafts.drafts_of(session, user_id, state="open") if d.id == draft.id or not d.publish_ready]
    ids = [d.id for d in _newest_batch_first(waiting)]
    if draft.id in ids:
        at = ids.index(draft.id)
        ids = ids[at + 1 :] + ids[:at]
    return next(iter(ids), None)
