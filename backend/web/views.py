"""What the pages show, gathered from the services in one look at the tables.

Owns the selection and order of what is shown. Owns no rule: whether a draft is ready, how far a batch is and what a
publication may do next are the services' to say.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session, col

from backend.accounts import service as accounts
from backend.core import grouping, readiness
from backend.core.listing import Field
from backend.core.remarks import remarks
from backend.db.models import Account, Batch, Draft, Photo, Publication
from backend.db.scope import count_owned, get_owned
from backend.drafts import board, history, shelf
from backend.drafts import service as drafts
from backend.drafts.schemas import FIELDS
from backend.photos import batches, intake
from backend.publications import journal, queue
from backend.publications import service as publications
from backend.publications.journal import UNCERTAIN_CODE, State
from backend.web.board_view import UNSURE_BELOW
from backend.web.language import Words
from backend.web.values import FieldView, field_views, sizes, value_text

DRAFTS_A_PAGE = 60
BATCHES_SHOWN = 3
"""Batches that are done; those with work left are all shown."""
BATCHES_A_PAGE = 20
COVERS_SHOWN = 40
PUBLICATIONS_A_PAGE = 50
"""Of those that have ended; the others are all shown."""

OF_ITS_ACCOUNT = ("session_expired", "session_missing", "wrong_account", "account_restricted", "verification_wall")
"""What keeps a publication, and is put right at its account."""


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
    cover: Photo | None
    photos: int
    facts: str


@dataclass(frozen=True)
class BatchCard:
    """A batch with the covers of its items."""

    batch: BatchView
    covers: tuple[Photo, ...]
    unsure: int


@dataclass(frozen=True)
class Home:
    """`more`: how many batches there are, where not all are shown; `pulse` changes when there is more to show than
    this."""

    batches: tuple[BatchCard, ...]
    drafts: int
    more: int
    pulse: str


@dataclass(frozen=True)
class BatchList:
    """A page of all batches; `pulse` as at home."""

    batches: tuple[BatchCard, ...]
    page: int
    pages: int
    pulse: str


@dataclass(frozen=True)
class DraftList:
    """`running`: whether batches are under way, so that drafts are still coming; `first_open` is where reviewing
    begins, `publishable` how many can be published; `pulse` changes when there is more to show than this."""

    cards: tuple[Card, ...]
    counts: dict[str, int]
    show: str
    page: int
    pages: int
    running: bool
    first_open: str | None
    publishable: int
    pulse: str


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
    before_id: str | None
    next_id: str | None
    place: int
    waiting: int
    can_undo: bool


@dataclass(frozen=True)
class PublicationView:
    """A publication and what a person may do about it. `mend` is the address of the page where what it waits for is
    put right, or ""."""

    row: Publication
    title: str
    account: str
    paused: bool
    when: str
    moving: bool
    can_cancel: bool
    can_resume: bool
    in_doubt: bool
    advice: str
    waits: str
    mend: str
    candidates: Sequence[Mapping[str, Any]] = ()
    """Where it is in doubt: the listings that may be what the click made."""
    live: bool = False


@dataclass(frozen=True)
class PublicationList:
    """`shown` are those under way and those that wait for somebody, all of them, and a page of what has ended."""

    shown: tuple[PublicationView, ...]
    page: int
    pages: int


def home(session: Session, user_id: str, words: Words) -> Home:
    """The batches under way and lately done, newest first."""
    latest = batches.batches_of(session, user_id)
    shown = [b for n, b in enumerate(latest) if n < BATCHES_SHOWN or b.state in batches.UNFINISHED]
    there_are = count_owned(session, Batch, user_id)
    return Home(
        tuple(_batch_card(session, user_id, words, batch) for batch in shown),
        count_owned(session, Draft, user_id, col(Draft.state) != "discarded"),
        there_are if there_are > len(shown) else 0,
        batches.pulse(session, user_id),
    )


def all_batches(session: Session, user_id: str, words: Words, page: int) -> BatchList:
    """A page of the batches there ever were, newest first."""
    pages, page = _paged(count_owned(session, Batch, user_id), BATCHES_A_PAGE, page)
    here = batches.batches_of(session, user_id, BATCHES_A_PAGE, offset=(page - 1) * BATCHES_A_PAGE)
    cards = tuple(_batch_card(session, user_id, words, batch) for batch in here)
    return BatchList(cards, page, pages, batches.pulse(session, user_id))


def _batch_card(session: Session, user_id: str, words: Words, batch: Batch) -> BatchCard:
    items = board.look(session, user_id, batch.id).items
    unsure = sum(float(draft.grouping.get("confidence", 1.0)) < UNSURE_BELOW for draft, _ in items)
    return BatchCard(_batch(session, words, batch), tuple(photos[0] for _, photos in items[:COVERS_SHOWN]), unsure)


def drafts_shown(session: Session, user_id: str, words: Words, show: str, page: int) -> DraftList:
    """A page of drafts, those of the newest batch first."""
    counts = shelf.counts(session, user_id)
    show = show if show in shelf.FILTERS else "all"
    pages, page = _paged(counts[show], DRAFTS_A_PAGE, page)
    here = shelf.page_of(session, user_id, show, limit=DRAFTS_A_PAGE, offset=(page - 1) * DRAFTS_A_PAGE)
    live = publications.with_listing(session, user_id, [draft.id for draft in here])
    return DraftList(
        tuple(card(session, words, draft, live) for draft in here),
        counts,
        show,
        page,
        pages,
        any(batch.state in batches.MOVING for batch in batches.batches_of(session, user_id)),
        next(iter(shelf.to_review(session, user_id, limit=1)), None),
        publications.count_publishable(session, user_id),
        batches.pulse(session, user_id),
    )


def _paged(rows: int, a_page: int, page: int) -> tuple[int, int]:
    """How many pages there are, and which of them is meant."""
    pages = max(1, -(-rows // a_page))
    return pages, min(max(page, 1), pages)


def card(session: Session, words: Words, draft: Draft, live: frozenset[str]) -> Card:
    fields = FIELDS.validate_python(draft.fields)
    photos = drafts.photos_of(session, draft)
    title, category = fields.get("title", Field()), fields.get("category", Field())
    guesses = [value_text(words, "category", a.value) for a in category.alternatives[:2]]
    confidence = drafts.confidence(fields)

    def known(name: str) -> object:
        return fields.get(name, Field()).value

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
        status="live" if draft.id in live and draft.state != "discarded" else shelf.filter_of(draft),
        problems=tuple(drafts.problem_messages(draft, words.language)),
        cover=photos[0] if photos else None,
        photos=len(photos),
        facts=" · ".join(
            text for name in ("brand", "size", "condition") if (text := value_text(words, name, known(name)))
        ),
    )


def one_draft(session: Session, user_id: str, words: Words, draft_id: str) -> DraftView:
    """Everything of one draft. Raises NotFound."""
    draft = get_owned(session, Draft, user_id, draft_id)
    fields = FIELDS.validate_python(draft.fields)
    photos, problems = drafts.photos_of(session, draft), drafts.problems(draft)
    line = _to_review(session, user_id, draft_id)
    at = line.index(draft.id)
    return DraftView(
        draft=draft,
        card=card(session, words, draft, publications.with_listing(session, user_id, [draft_id])),
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
        before_id=line[at - 1] if len(line) > 1 else None,
        next_id=line[(at + 1) % len(line)] if len(line) > 1 else None,
        place=at + 1,
        waiting=len(line),
        can_undo=history.can_undo(session, draft),
    )


def to_publish(session: Session, user_id: str, words: Words) -> tuple[list[Card], list[Account]]:
    """The drafts that are ready and have no listing, approved ones first; and the accounts there are."""
    found = sorted(publications.publishable(session, user_id), key=lambda draft: draft.state != "approved")
    live = publications.with_listing(session, user_id, [draft.id for draft in found])
    return [card(session, words, draft, live) for draft in found], accounts.accounts_of(session, user_id)


def publication_list(
    session: Session, user_id: str, words: Words, page: int, *, live: Collection[str] = ()
) -> PublicationList:
    """What is under way or waits for somebody, then a page of what has ended, newest first. `live` are those whose page
    is open: they go on by it, not by a button."""
    pages, page = _paged(
        count_owned(session, Publication, user_id, col(Publication.state).in_(journal.ENDED)), PUBLICATIONS_A_PAGE, page
    )
    ended = publications.publications_of(
        session, user_id, states=journal.ENDED, limit=PUBLICATIONS_A_PAGE, offset=(page - 1) * PUBLICATIONS_A_PAGE
    )
    moving = publications.publications_of(session, user_id, states=journal.UNDER_WAY | {State.NEEDS_PERSON})
    found = _publications(session, user_id, words, [*moving, *ended])
    shown = tuple(replace(one, live=True, can_resume=False) if one.row.id in live else one for one in found)
    return PublicationList(shown, page, pages)


def publications_shown(
    session: Session, user_id: str, words: Words, *, draft_id: str | None = None
) -> tuple[PublicationView, ...]:
    """All of the user's publications, or of one draft's, newest first."""
    return _publications(session, user_id, words, publications.publications_of(session, user_id, draft_id=draft_id))


def queue_shown(session: Session, user_id: str, words: Words) -> tuple[PublicationView, ...]:
    """What waits, in the order it will begin."""
    return _publications(session, user_id, words, queue.line_of(session, user_id))


def _publications(
    session: Session, user_id: str, words: Words, rows: Iterable[Publication]
) -> tuple[PublicationView, ...]:
    found = {account.id: account for account in accounts.accounts_of(session, user_id, removed=True)}
    reasons = queue.waiting(session, user_id)
    return tuple(_publication(session, words, row, found[row.account_id], reasons.get(row.id)) for row in rows)


def _publication(
    session: Session, words: Words, row: Publication, account: Account, held: queue.Waiting | None
) -> PublicationView:
    state = State(row.state)
    doubt = state is State.NEEDS_PERSON and row.error_code == UNCERTAIN_CODE
    draft = get_owned(session, Draft, row.user_id, row.draft_id)
    title = row.sheet.get("title") or FIELDS.validate_python(draft.fields)["title"].value
    return PublicationView(
        row=row,
        title=str(title),
        account=account.username,
        paused=account.paused,
        when=words.moment(row.created_at),
        moving=state in journal.RUNNING,
        can_cancel=journal.may_become(row, State.CANCELLED),
        can_resume=state is State.NEEDS_PERSON and not doubt,
        in_doubt=doubt,
        advice=words.known(f"advice.{row.error_code}") or words.known(f"advice.{state}") or "",
        waits=words(f"waits.{held.code}", until=words.moment(held.until) if held.until else "") if held else "",
        mend=f"/accounts#{account.id}" if row.error_code in OF_ITS_ACCOUNT or (held and held.code == "account") else "",
        candidates=publications.candidates_of(session, row.user_id, row.id) if doubt else (),
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


def _to_review(session: Session, user_id: str, draft_id: str) -> list[str]:
    """The drafts that wait for the seller's word, and this one, in the order they are shown."""
    waiting = shelf.to_review(session, user_id, also=draft_id)
    return waiting if draft_id in waiting else [draft_id, *waiting]


def next_to_review(session: Session, user_id: str, draft_id: str) -> str | None:
    """The draft after this one that waits for the seller's word, going round."""
    line = _to_review(session, user_id, draft_id)
    at = line.index(draft_id)
    return next(iter(line[at + 1 :] + line[:at]), None)
