"""Long lists on the pages: whole, in their order, and read no further than they are shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
from sqlalchemy import event
from sqlmodel import Session

from backend.db.models import Account, Batch, Draft, DraftPhoto, Photo, Publication, now
from backend.runtime import Runtime

BATCHES, EACH = 3, 500


def fill(session: Session, user_id: str) -> None:
    """So many drafts, and a listing of each; the very first publication waits for its owner."""
    begin = now() - timedelta(days=BATCHES)
    session.add(Account(id="account", user_id=user_id, username="marie", base_url="http://127.0.0.1:9"))
    for b in range(BATCHES):
        session.add(Batch(id=f"b{b}", user_id=user_id, state="done", created_at=begin + timedelta(days=b)))
    session.flush()
    for b in range(BATCHES):
        for n in range(EACH):
            at, one = begin + timedelta(days=b, seconds=n), f"{b}-{n:03d}"
            fields = {name: {"value": f"{name} {one}", "confidence": 1.0} for name in ("brand", "title")}
            state = "discarded" if n == 0 else "approved" if n == 1 else "open"
            session.add(Draft(id=one, user_id=user_id, batch_id=f"b{b}", ordinal=n, state=state, fields=fields,
                              publish_ready=n < 10, created_at=at))  # fmt: skip
            session.add(Photo(id=one, user_id=user_id, batch_id=f"b{b}", position=n, name=one, source_path=""))
            first = (b, n) == (0, 5)
            session.add(Publication(id=one, user_id=user_id, draft_id=one, draft_revision=1, account_id="account",
                                    route="web", mode="draft", state="needs_person" if first else "confirmed",
                                    listing_id=None if first else one, created_at=at))  # fmt: skip
    session.flush()
    session.add_all(DraftPhoto(draft_id=f"{b}-{n:03d}", photo_id=f"{b}-{n:03d}", position=0)
                    for b in range(BATCHES) for n in range(EACH))  # fmt: skip


@contextmanager
def loaded(model: type) -> Iterator[list[object]]:
    """The rows of a table that are read inside."""
    rows: list[object] = []

    def note(row: object, _: object) -> None:
        rows.append(row)

    event.listen(model, "load", note)
    try:
        yield rows
    finally:
        event.remove(model, "load", note)


def ids_on(page: httpx.Response, one_of: str) -> list[str]:
    return [part[:5] for part in page.text.split(f'href="/{one_of}/')[1:] if part[1:2] == "-"]


async def test_long_lists_are_whole_and_read_page_by_page(client: httpx.AsyncClient) -> None:
    runtime: Runtime = client.runtime  # type: ignore[attr-defined]
    await runtime.database.run(fill, runtime.user_id)
    with loaded(Draft) as drafts, loaded(Publication) as published:
        page = await client.get("/drafts")
        assert page.status_code == 200
        assert (len(drafts), len(published)) == (60, 0)
    for count in (1497, 1470, 24, 3):
        assert f'<span class="count">{count}</span>' in page.text, "all, to do, ready, approved and discarded"
    cards = dict.fromkeys(ids_on(page, "drafts"))
    assert list(cards)[:2] == ["2-002", "2-001"], "where reviewing begins, and the newest batch first"
    last = await client.get("/drafts", params={"page": 25})
    assert list(dict.fromkeys(ids_on(last, "drafts")))[-1] == "0-499"
    with loaded(Draft) as drafts:
        assert "brand 2-499" in (await client.get("/catalog/brands", params={"q": "brand 2-499"})).text
        assert (await client.get("/catalog/brands")).json()[0] == "brand 2-499" and drafts == []

    with loaded(Publication) as published:
        shown = await client.get("/publications")
        assert len(published) <= 60
    assert 'id="0-005"' in shown.text, "what waits for its owner, however old"
    assert 'id="2-499"' in shown.text and "/publications?page=2" in shown.text
    assert 'id="0-000"' in (await client.get("/publications", params={"page": 30})).text
    assert len((await client.get("/api/v1/publications", params={"offset": 1400})).json()) == 100

    following = await client.get("/drafts/2-499")
    assert "/drafts/1-002" in following.text, "the next that waits for its seller"
