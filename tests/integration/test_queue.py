"""The queue on real tables: whose turn it is, why the others wait, and the limit that nothing gets around."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from backend.accounts import standing
from backend.core.errors import BadRequest, Conflict, NotFound, PermanentError, SessionExpired, VintedRateLimitError
from backend.core.pacing import AT_ONCE, HARD_LIMIT
from backend.db.engine import Database, clock
from backend.db.models import Account, Draft, Publication, PublicationEvent
from backend.publications import journal, queue, service
from backend.publications.journal import State
from backend.publications.service import Order
from tests.fakes import add_publication, publication_row


@pytest.fixture
def line(database: Database) -> list[str]:
    """Three queued publications of one account, without a pause between two."""
    first = publication_row(database)
    with database.session() as session:
        account = session.get_one(Account, first.account_id)
        account.pace = {"gap": [0, 0]}
        return [first.id, *(add_publication(session, account).id for _ in range(2))]


def rows(database: Database) -> dict[str, Publication]:
    with database.session() as session:
        return {row.id: row for row in session.exec(select(Publication)).all()}


def due(database: Database) -> list[str]:
    with database.session() as session:
        return [row.id for row in queue.due(session)]


def begin(database: Database, publication_id: str, claim: str = "mine") -> bool:
    with database.session() as session:
        return queue.begin(session, publication_id, claim, "executor-1") is not None


def submit(database: Database, publication_id: str, claim: str = "mine") -> datetime | None:
    with database.session() as session:
        journal.move(session, publication_id, State.FILLED, holder=claim)
    with database.session() as session:
        return queue.submit(session, publication_id, claim, {"listings_before": []})


def finish(database: Database, publication_id: str, state: State = State.CONFIRMED) -> None:
    with database.session() as session:
        journal.move(session, publication_id, state)


def change(database: Database, what: Callable[[Account], object], publication_id: str) -> None:
    with database.session() as session:
        what(session.get_one(Account, session.get_one(Publication, publication_id).account_id))


def reasons(database: Database, publication_id: str) -> dict[str, str]:
    with database.session() as session:
        user_id = session.get_one(Publication, publication_id).user_id
        return {row: held.code for row, held in queue.waiting(session, user_id).items()}


def test_one_at_a_time_in_order(database: Database, line: list[str]) -> None:
    first, second, third = line
    assert due(database) == [first]
    assert reasons(database, first) == {second: "ahead", third: "ahead"}
    assert not begin(database, second), "it is not its turn"
    assert begin(database, first)
    assert due(database) == []
    assert reasons(database, first) == {second: "under_way", third: "under_way"}
    assert not begin(database, first), "begun once"
    finish_all = submit(database, first)
    assert finish_all is None
    finish(database, first)
    assert due(database) == [second]


def test_accounts_do_not_wait_for_each_other(database: Database, line: list[str]) -> None:
    with database.session() as session:
        user_id = session.get_one(Publication, line[0]).user_id
        other = Account(user_id=user_id, username="zoe", base_url="http://127.0.0.1:9", state="ready")
        session.add(other)
        session.flush()
        theirs = add_publication(session, other).id
    assert begin(database, line[0])
    assert due(database) == [theirs]


def test_of_many_that_begin_at_once_one_does(database: Database, line: list[str]) -> None:
    begun: list[bool] = []
    start = threading.Barrier(6)

    def attempt(number: int) -> None:
        start.wait()
        try:
            begun.append(begin(database, line[0], f"claim-{number}"))
        except Conflict:
            begun.append(False)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("change_it", "code"),
    [
        (lambda account: setattr(account, "paused", True), "paused"),
        (lambda account: setattr(account, "state", "session_expired"), "account"),
        (lambda account: setattr(account, "pace", {"quiet": ["00:00", "23:59:59.999999"]}), "quiet"),
    ],
)
def test_what_holds_an_account_holds_its_line(
    database: Database, line: list[str], change_it: Callable[[Account], object], code: str
) -> None:
    change(database, change_it, line[0])
    assert due(database) == []
    assert reasons(database, line[0]) == dict.fromkeys(line, code)
    assert not begin(database, line[0])


def test_a_dry_run_is_no_listing_and_needs_no_pace(database: Database, line: list[str]) -> None:
    change(database, lambda account: setattr(account, "pace", {"quiet": ["00:00", "23:59:59.999999"]}), line[0])
    with database.session() as session:
        session.get_one(Publication, line[0]).mode = "dry_run"
    assert due(database) == [line[0]]


def test_what_is_scheduled_keeps_nobody_waiting(database: Database, line: list[str]) -> None:
    with database.session() as session:
        user_id = session.get_one(Publication, line[0]).user_id
        soon = clock(session) + timedelta(hours=1)
        queue.reschedule(session, user_id, line[0], soon)
    assert due(database) == [line[1]]
    assert reasons(database, line[0])[line[0]] == "scheduled"
    with database.session() as session:
        queue.reschedule(session, user_id, line[0], clock(session) - timedelta(seconds=1))
    assert due(database) == [line[0]]


@pytest.mark.parametrize(
    ("moved", "before", "order"), [(2, 0, [2, 0, 1]), (0, None, [1, 2, 0]), (0, 2, [1, 0, 2]), (1, 1, [0, 1, 2])]
)
def test_the_owner_changes_the_order(
    database: Database, line: list[str], moved: int, before: int | None, order: list[int]
) -> None:
    with database.session() as session:
        user_id = session.get_one(Publication, line[0]).user_id
        other = None if before is None else line[before]
        assert [row.id for row in queue.move_before(session, user_id, line[moved], other)] == [line[n] for n in order]
    with database.session() as session:
        assert [row.id for row in queue.line_of(session, user_id)] == [line[n] for n in order]
    assert due(database) == [line[order[0]]]


def test_what_the_owner_changes_in_the_line_is_seen_by_whoever_watches_it(database: Database, line: list[str]) -> None:
    user_id = rows(database)[line[0]].user_id

    def pulse(change_it: Callable[[Session], object] = lambda _: None) -> str:
        with database.session() as session:
            change_it(session)
        with database.session() as session:
            return service.pulse(session, user_id)

    still = [pulse(), pulse()]
    moved = pulse(lambda session: queue.move_before(session, user_id, line[2], line[0]))
    put_off = pulse(lambda session: queue.reschedule(session, user_id, line[1], clock(session) + timedelta(hours=1)))
    assert still[0] == still[1]
    assert len({still[0], moved, put_off}) == 3


def test_a_listing_is_one_publications_alone(database: Database, line: list[str]) -> None:
    user_id = rows(database)[line[0]].user_id
    with database.session() as session:
        for publication_id, state in ((line[0], State.FAILED), (line[1], State.NEEDS_PERSON)):
            journal.move(session, publication_id, State.PREPARING)
            journal.move(session, publication_id, state, error_code="uncertain")
        session.get_one(Publication, line[0]).listing_id = "7"
    with pytest.raises(Conflict) as refused, database.session() as session:
        service.adopt(session, user_id, line[1], "7", "")
    assert refused.value.code == "already_adopted"
    with database.session() as session:
        assert service.adopt(session, user_id, line[1], "8", "").listing_id == "8"


def test_who_asks_otherwise_for_what_is_queued_is_told_to_cancel_it(database: Database, line: list[str]) -> None:
    row = rows(database)[line[0]]
    order = Order(row.draft_id, row.account_id, "publish")
    with pytest.raises(Conflict, match="Cancel that one") as refused, database.session() as session:
        service.request(session, row.user_id, order)
    assert refused.value.code == "already_queued"


def test_a_price_in_euros_goes_to_no_site_with_another_currency(database: Database, line: list[str]) -> None:
    """Nor by an account that was added before such sites were refused."""
    row = rows(database)[line[0]]
    change(database, lambda account: setattr(account, "base_url", "https://www.vinted.co.uk"), line[0])
    for mode in ("dry_run", "draft"):
        with pytest.raises(Conflict) as refused, database.session() as session:
            service.request(session, row.user_id, Order(row.draft_id, row.account_id, mode))
        assert refused.value.code == "not_in_euros"


def test_what_has_begun_has_no_place_any_more(database: Database, line: list[str]) -> None:
    user_id = rows(database)[line[0]].user_id
    begin(database, line[0])
    for moved, before in ((0, 1), (1, 0)):
        with pytest.raises(Conflict) as refused, database.session() as session:
            queue.move_before(session, user_id, line[moved], line[before])
        assert refused.value.code == "not_queued"
    with pytest.raises(NotFound), database.session() as session:
        queue.move_before(session, "somebody else", line[1], None)


def test_five_a_minute_are_the_most_whatever_happens(database: Database, line: list[str]) -> None:
    """Through restarts and retries, by direct calls that skip the dispatcher, at the boundary: never a sixth."""
    with database.session() as session:
        account = session.get_one(Account, rows(database)[line[0]].account_id)
        more = [*line, *(add_publication(session, account).id for _ in range(4))]
    for publication_id in more[:HARD_LIMIT]:
        assert begin(database, publication_id)
        assert submit(database, publication_id) is None
        finish(database, publication_id)
    assert not begin(database, more[HARD_LIMIT])
    with database.session() as session:  # somebody begins it all the same
        journal.move(session, more[HARD_LIMIT], State.PREPARING, claim="mine", claimed_by="executor-1")
    free = submit(database, more[HARD_LIMIT])
    assert free is not None
    assert rows(database)[more[HARD_LIMIT]].state == State.FILLED
    with database.session() as session:
        clicks = session.exec(select(PublicationEvent).where(PublicationEvent.state == State.SUBMITTING)).all()
        assert len(clicks) == HARD_LIMIT
        oldest = min(clicks, key=lambda click: click.at)
        assert free == oldest.at + timedelta(minutes=1)
        oldest.at -= timedelta(minutes=1)  # a minute goes by
    with database.session() as session:
        assert queue.submit(session, more[HARD_LIMIT], "mine", {}) is None


@pytest.mark.parametrize(
    ("change_it", "code"),
    [
        (lambda draft: setattr(draft, "state", "discarded"), "draft_discarded"),
        (lambda draft: setattr(draft, "revision", draft.revision + 1), "stale_revision"),
    ],
)
def test_a_draft_changed_before_the_click_is_not_clicked(
    database: Database, line: list[str], change_it: Callable[[Draft], object], code: str
) -> None:
    assert begin(database, line[0])
    with database.session() as session:
        change_it(session.get_one(Draft, session.get_one(Publication, line[0]).draft_id))
    with pytest.raises(PermanentError) as refused:
        submit(database, line[0])
    assert refused.value.code == code
    assert rows(database)[line[0]].state == State.FILLED


def test_what_is_paused_while_its_form_is_filled_is_not_clicked(database: Database, line: list[str]) -> None:
    begin(database, line[0])
    change(database, lambda account: setattr(account, "paused", True), line[0])
    with pytest.raises(queue.NotItsTurn):
        submit(database, line[0])
    assert rows(database)[line[0]].state == State.FILLED


def test_two_that_click_at_the_last_free_place_make_one_click(database: Database, line: list[str]) -> None:
    change(database, lambda account: setattr(account, "pace", {"gap": [0, 0], "per_minute": 1}), line[0])
    with database.session() as session:
        for publication_id in line[:2]:
            journal.move(session, publication_id, State.PREPARING, claim="mine", claimed_by="executor-1")
            journal.move(session, publication_id, State.FILLED, holder="mine")
    answers: list[datetime | None] = []
    start = threading.Barrier(2)

    def click(publication_id: str) -> None:
        start.wait()
        with database.session() as session:
            answers.append(queue.submit(session, publication_id, "mine", {}))

    threads = [threading.Thread(target=click, args=(publication_id,)) for publication_id in line[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer is None for answer in answers].count(True) == 1
    assert sorted(row.state for row in rows(database).values()) == [State.FILLED, State.QUEUED, State.SUBMITTING]


def test_a_refusal_stops_the_account_longer_each_time(database: Database, line: list[str]) -> None:
    row = rows(database)[line[0]]
    stops = []
    for _ in range(3):
        with database.session() as session:
            standing.note_trouble(session, row.user_id, row.account_id, VintedRateLimitError("slow down"))
            until = session.get_one(Account, row.account_id).stopped_until
            assert until is not None
            stops.append((until - clock(session)).total_seconds() / 60)
    assert [round(minutes) for minutes in stops] == [15, 30, 60]
    assert due(database) == [] and set(reasons(database, line[0]).values()) == {"stopped"}
    with database.session() as session:
        standing.note_success(session, row.user_id, row.account_id)
    assert due(database) == [line[0]]


def test_a_mended_account_takes_up_what_waited_for_it_and_leaves_a_doubt_alone(
    database: Database, line: list[str]
) -> None:
    row = rows(database)[line[0]]
    with database.session() as session:
        for publication_id, code in zip(line, ("session_expired", "uncertain", "challenge"), strict=True):
            journal.move(session, publication_id, State.PREPARING)
            journal.move(session, publication_id, State.NEEDS_PERSON, error_code=code)
        session.get_one(Publication, line[2]).claim = "a page is open"
        standing.note_trouble(session, row.user_id, row.account_id, SessionExpired("sign in again"))
    with database.session() as session:
        again = service.resume_waiting(session, row.user_id, row.account_id)
        assert [(p.id, p.state, p.run) for p in again] == [(line[0], State.QUEUED, 2)]


def test_a_cancel_after_the_click_tells_the_truth(database: Database, line: list[str]) -> None:
    user_id = rows(database)[line[0]].user_id
    begin(database, line[0])
    assert submit(database, line[0]) is None
    with pytest.raises(Conflict, match="pressed already") as refused, database.session() as session:
        service.cancel(session, user_id, line[0])
    assert refused.value.code == "already_submitted"
    with database.session() as session:
        assert service.cancel(session, user_id, line[1]).state == State.CANCELLED
    assert rows(database)[line[1]].live_key is None


def test_a_real_marketplaces_account_goes_no_faster_than_the_limit(database: Database, line: list[str]) -> None:
    row = rows(database)[line[0]]

    def set_pace(session: Session, base_url: str) -> None:
        session.get_one(Account, row.account_id).base_url = base_url
        standing.set_pace(session, row.user_id, row.account_id, AT_ONCE.model_dump())

    with database.session() as session:
        set_pace(session, "http://127.0.0.1:5055")
    with pytest.raises(BadRequest, match="At most 5"), database.session() as session:
        set_pace(session, "https://www.vinted.fr")
