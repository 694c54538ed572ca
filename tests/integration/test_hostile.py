"""What somebody hostile types, uploads or asks for: shown as the words they are, refused, or without effect."""

import json
import os
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlmodel import Session, select

from backend import web
from backend.app import create_app
from backend.core import seller_template
from backend.core.errors import BadRequest
from backend.core.storable import check_storable
from backend.db.models import (
    Account,
    Batch,
    Draft,
    DraftPhoto,
    Notification,
    Photo,
    Piece,
    Publication,
    PublicationEvent,
    SavedView,
)
from backend.notifications.kinds import KINDS
from backend.runtime import Runtime
from backend.settings import Settings
from tests.conftest import draw_one
from tests.fakes import ScriptedReader, add_publication

AT = "http://127.0.0.1:5000"
MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}${7*7}<svg/onload=alert(3)>&lt;b&gt;\u202egpj"
SCRIPT_URL = "javascript:alert(document.cookie)//"


@pytest.fixture
async def app(settings: Settings, reader: ScriptedReader) -> AsyncIterator[FastAPI]:
    built = create_app(settings, run_jobs=False, analyzer=reader)
    async with built.router.lifespan_context(built):
        yield built


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=AT) as opened:
        yield opened


def hostile_rows(session: Session, user_id: str, key: str) -> dict[str, str]:
    """A row of each kind with markup in every text it has, as if every check before the tables had failed."""
    account = Account(
        user_id=user_id, username=MARKUP, base_url=f"https://x/{MARKUP}", state="session_expired", state_detail=MARKUP
    )
    batch = Batch(user_id=user_id, source=MARKUP, state="stopped", error=MARKUP)
    session.add_all([account, batch])
    session.flush()
    seen = {"value": MARKUP, "confidence": 0.5, "evidence": [{"source": "label", "photo": MARKUP, "detail": MARKUP}]}
    texts = ("title", "description", "brand", "size")
    draft = Draft(
        user_id=user_id, batch_id=batch.id, ordinal=0, state="open", warnings=[MARKUP],
        fields=dict.fromkeys(texts, seen),
    )  # fmt: skip
    photo = Photo(
        user_id=user_id, batch_id=batch.id, position=0, name=MARKUP, folder=MARKUP, source_path="x", state="accepted",
        store_key=key, thumbnail_key=key, sha256="f" * 64,
    )  # fmt: skip
    bad = Photo(
        user_id=user_id, batch_id=batch.id, position=1, name=MARKUP, source_path="x", state="refused", reason=MARKUP
    )
    session.add_all([draft, photo, bad])
    session.flush()
    session.add(DraftPhoto(draft_id=draft.id, photo_id=photo.id, position=0))
    for state in ("failed", "needs_person", "confirmed_with_differences", "queued"):
        made = add_publication(
            session, account, state=state, step=MARKUP, error=MARKUP, error_code=MARKUP, listing_id=MARKUP,
            listing_url=SCRIPT_URL, sheet={"title": MARKUP}, live_key=state,
            differences=[{"field": MARKUP, "sent": MARKUP, "found": MARKUP}],
        )  # fmt: skip
        session.add(PublicationEvent(user_id=user_id, publication_id=made.id, state=state, detail={"error": MARKUP}))
    session.add_all([
        Piece(user_id=user_id, account_id=account.id, listing_id="1", title=MARKUP, url=SCRIPT_URL, state="sold",
              sold_cents=1, brand=MARKUP, category=MARKUP, reference=MARKUP, notes=MARKUP),
        SavedView(user_id=user_id, name=MARKUP, wanted={"q": MARKUP, "brand": MARKUP}),
    ])  # fmt: skip
    for kind in KINDS:
        detail = dict.fromkeys(("title", "account", "username", "error", "site", "count", "items", "ready"), MARKUP)
        session.add(Notification(user_id=user_id, kind=kind, episode=kind, publication_id=made.id, detail=detail))
    session.flush()
    return {"draft_id": draft.id, "publication_id": made.id, "account_id": account.id, "batch_id": batch.id}


class Inspector(HTMLParser):
    """Reads a page as a browser does, and notes whatever could run or lead astray."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            told = f"<{tag} {name}={value!r}>"
            if name.startswith("on") or name in ("srcdoc", "style", "background"):
                self.wrong.append(told)
            if name in ("href", "src", "action", "formaction", "data") and value is not None:
                place = urlsplit(value.strip())
                if place.scheme not in ("", "http", "https") or value.strip().startswith("//"):
                    self.wrong.append(told)
            if tag == "script" and name == "src" and not (value or "").startswith("/static/"):
                self.wrong.append(told)
        if tag in ("iframe", "object", "embed", "base") or (tag == "script" and "src" not in dict(attrs)):
            self.wrong.append(f"<{tag}>")
        if tag == "img" and dict(attrs).get("src") == "x":
            self.wrong.append("the hostile picture")
        self.words += [value for name, value in attrs if value]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def pages_of(ids: dict[str, str]) -> list[str]:
    """The address of every page there is."""
    modules = [import_module(f"backend.web.{found.name}") for found in iter_modules(web.__path__)]
    routers = [module.router for module in modules if hasattr(module, "router")]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return [route.path.format(**ids) for route in routes if "GET" in route.methods]


async def test_markup_in_every_text_is_shown_as_words_on_every_page(app: FastAPI, client: httpx.AsyncClient) -> None:
    runtime: Runtime = app.state.runtime
    key = runtime.store.put(b"\xff\xd8\xff\xd9", ".jpg")
    ids = await runtime.database.run(hostile_rows, runtime.user_id, key)
    pages = pages_of(ids)
    assert len(pages) >= 5
    seen = 0
    for path in [*pages, f"/?show={MARKUP}", f"/?said={MARKUP}", f"/{MARKUP}", f"/drafts/{ids['draft_id']}?x={MARKUP}"]:
        for language in ("en", "fr"):
            answer = await client.get(path, headers={"Accept": "text/html", "Accept-Language": language})
            assert answer.status_code < 500, (path, answer.text)
            assert "default-src 'self'" in answer.headers["content-security-policy"], path
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            inspector = Inspector()
            inspector.feed(answer.text)
            wrong = [told for told in inspector.wrong if "javascript:" not in told]
            assert wrong == [], path
            assert inspector.wrong == [], f"{path}: a listing's address that is none is no link"
            seen += any("<script>alert(1)</script>" in words for words in inspector.words)
            assert "49" not in [words.strip() for words in inspector.words]
    assert seen >= 6, "the words themselves are shown"


async def test_no_address_of_ours_leads_to_another_host(client: httpx.AsyncClient) -> None:
    for path in ("//evil.example/x", "///evil.example", "/%2fevil.example", "/\\evil.example"):
        inspector = Inspector()
        inspector.feed((await client.get(f"{AT}{path}", headers={"Accept": "text/html"})).text)
        assert inspector.wrong == [], path


UNUSABLE = [
    b'{"revision": 1, "fields": {"title": "a\\u0000b"}}',
    b'{"revision": 1, "fields": {"title": "\\ud800"}}',
    b'{"revision": 1, "fields": {"ti\\u0000tle": "x"}}',
    b'{"revision": NaN}', b'{"revision": 1e999}', b'{"revision": 1' + b"0" * 5000 + b"}",
    b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"revision": 1, "fields": {"title": "caf\xe9"}}', b"\x00", b"{", b"null", b'"x"',
    b'{"fields": {"price": "1e400"}, "revision": 1}', b'{"fields": {"price": "NaN"}, "revision": 1}',
    b'{"fields": {"price": NaN}, "revision": 1}', b'{"revision": 99999999999999999999999, "fields": {}}',
    b'{"revision": 1, "revision": 1, "fields": {"title": "T", "title": []}}',
]  # fmt: skip


async def test_documents_that_are_none_are_refused(app: FastAPI, client: httpx.AsyncClient) -> None:
    runtime: Runtime = app.state.runtime
    ids = await runtime.database.run(hostile_rows, runtime.user_id, runtime.store.put(b"x", ".jpg"))
    kinds = ("application/json", "application/json; charset=utf-7", "application/json; charset=no-such-thing")
    places = (
        ("PATCH", f"/api/v1/drafts/{ids['draft_id']}"), ("PUT", "/api/v1/preferences"), ("POST", "/api/v1/queue"),
        ("POST", "/api/v1/accounts"),
    )  # fmt: skip
    for number, body in enumerate(UNUSABLE):
        for method, path in places:
            kind = kinds[number % len(kinds)]
            answer = await client.request(method, path, content=body, headers={"Content-Type": kind})
            assert 400 <= answer.status_code < 500, (body[:80], path, answer.status_code, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


async def test_the_last_of_two_same_keys_counts_everywhere_alike(app: FastAPI, client: httpx.AsyncClient) -> None:
    runtime: Runtime = app.state.runtime
    ids = await runtime.database.run(hostile_rows, runtime.user_id, runtime.store.put(b"x", ".jpg"))
    at = f"/api/v1/drafts/{ids['draft_id']}"
    sent = b'{"revision": 9, "revision": 1, "fields": {"brand": "Zara", "brand": "Kiabi"}}'
    answer = await client.patch(at, content=sent, headers={"Content-Type": "application/json"})
    assert answer.json()["fields"]["brand"]["value"] == "Kiabi", answer.text


async def test_texts_no_database_holds_are_refused_in_addresses_headers_and_forms(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for path in (
        "/api/v1/drafts/a%00b",
        "/api/v1/drafts?batch_id=%00",
        "/drafts/%00",
        "/?show=%00",
        "/api/v1/photos/%00",
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (422, "unusable_text"), path
    fields = {"defaults": '{"brand": "\\u0000"}'}
    upload = await client.post("/api/v1/ingest", files=[("files", ("a.jpg", b"x"))], data=fields)
    assert upload.status_code == 422, upload.text
    await client.get("/drafts/none", headers={"Accept": "text/html"})
    token = client.cookies.get("vintedbot_token") or ""
    form = await client.post("/drafts/none/discard", data={"token": token, "revision": "1", "x": "a\0b"})
    assert (form.status_code, form.json()["code"]) == (422, "unusable_text")
    for key in (b"a\x80", b"\xff" * 50, "clé".encode(), b"k" * 5000):
        headers = [(b"Idempotency-Key", key), (b"Content-Type", b"application/json")]
        answer = await client.post("/vinted/listings/publish", headers=headers, content=b'{"draft_id": "none"}')
        assert 400 <= answer.status_code < 500, key


async def test_headers_of_answers_hold_nothing_of_a_request(client: httpx.AsyncClient) -> None:
    split = "x%0d%0aSet-Cookie:%20stolen=1"
    for path in (
        f"/?lang={split}",
        f"/?said={split}",
        f"/drafts/{split}",
        f"/static/{split}",
        f"/api/v1/drafts/{split}",
    ):
        answer = await client.get(path, headers={"Accept": "text/html"})
        assert "stolen" not in str([h for h in answer.headers.multi_items() if h[0] in ("set-cookie", "location")]), (
            path
        )
    strange = {
        "Accept-Language": "x" * 50_000 + ";q=nan,fr;q=-1,\x7f",
        "Cookie": 'lang="><script>; vintedbot_token=' + "a" * 4000,
    }
    assert (await client.get("/", headers=strange)).status_code == 200


NAMES = [
    "../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\x.jpg", "a\0.jpg", "con.jpg", ".", "..", "",
    "a" * 5000 + ".jpg", "\u202egpj.exe", "x\r\nSet-Cookie: a=1.jpg", "~/x.jpg", "%2e%2e%2fx.jpg",
    "\ud83d\ude00.jpg", "|id.jpg",
    "$(id).jpg", "é" * 300,
]  # fmt: skip


async def test_a_files_name_is_a_name_and_never_a_place(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    runtime: Runtime = app.state.runtime
    before = {path for path in tmp_path.rglob("*") if settings.data not in path.parents}
    content = draw_one(tmp_path / "drawn" / "a.jpg", seed=1).read_bytes()
    for name in NAMES:
        boundary = "xyz"
        raw = name.replace("\r\n", "%0D%0A").replace('"', "%22").encode("utf-8", "surrogatepass")
        head = b'--xyz\r\nContent-Disposition: form-data; name="files"; filename="' + raw + b'"\r\n\r\n'
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = await client.post("/api/v1/ingest", content=head + content + b"\r\n--xyz--\r\n", headers=kind)
        assert answer.status_code in (202, 400, 422), (name, answer.text)
    with runtime.database.session() as session:
        for row in session.exec(select(Photo)).all():
            assert Path(row.source_path).parent.parent == settings.incoming_folder
            assert "/" not in row.name and len(row.name) <= 200 and row.name.isprintable()
            assert ".." not in row.folder.split("/")
    stray = {p for p in tmp_path.rglob("*") if settings.data not in p.parents} - before
    assert {p.name for p in stray} <= {"drawn", "a.jpg", "data"}


async def test_no_address_reaches_a_file_outside_its_folder(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings
) -> None:
    runtime: Runtime = app.state.runtime
    ids = await runtime.database.run(hostile_rows, runtime.user_id, runtime.store.put(b"x", ".jpg"))
    key = (settings.data / "secret.key").read_text().strip()
    evidence = f"/api/v1/publications/{ids['publication_id']}/evidence"
    for part in ("..%2f..%2fsecret.key", "%2e%2e/secret.key", "....//secret.key", "..%5csecret.key", "%00"):
        for path in (f"/static/{part}", f"/api/v1/photos/{part}", f"{evidence}/{part}/x.txt", f"{evidence}/x/{part}"):
            answer = await client.get(path)
            assert answer.status_code in (404, 405, 422), path
            assert key not in answer.text


ESCAPES = [
    "{{ ''.__class__ }}", "{{ kind.__class__.__mro__[1].__subclasses__() }}", "{{ kind['__class__'] }}",
    "{{ kind|attr('__class__') }}", "{{ self.__init__ }}", "{{ cycler.__init__.__globals__.os }}",
    "{{ lipsum.__globals__ }}",
    "{{ kind|map(attribute='__class__')|list }}", "{% import 'os' as os %}", "{% include '/etc/passwd' %}",
    "{% for x in range(10**9) %}x{% endfor %}", "{{ 'a' * 10**9 }}", "{{ kind.format(kind) }}", "{{ '%s' % kind }}",
    "{{ kind|format }}", "{{ kind|replace('a','b'*9) }}", "{% set x = kind %}{{ x }}", "{{ dict(a=1) }}",
    "{{ namespace() }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% call kind() %}{% endcall %}", "{{ kind() }}",
    "{{ 2 ** 99999 }}",
    "{% filter upper %}{{ self }}{% endfilter %}", "{{ kind[0:1] }}", "{{ [kind]|join }}", "{{ caller }}", "{{ loop }}",
    "{{" + "(" * 500 + "kind" + ")" * 500 + "}}", "{% if " + "not " * 900 + "kind %}x{% endif %}",
    "{% raw %}" + "{% if x %}" * 300,
    "{{ kind|default(self) }}", "{% trans %}x{% endtrans %}", "{{ kind is callable }}", "{{ kind.upper() }}",
]  # fmt: skip


@pytest.mark.parametrize("source", ESCAPES, ids=range(len(ESCAPES)))
def test_a_sellers_template_gets_at_nothing(source: str) -> None:
    with pytest.raises(BadRequest) as refused:
        seller_template.render(source, {"kind": "T-shirt"})
    assert refused.value.code == "bad_template"


def test_values_of_a_template_are_never_templates_themselves() -> None:
    assert (
        seller_template.render("{{ kind }} {{ brand }}", {"kind": "{{ 7*7 }}", "brand": MARKUP})
        == f"{{{{ 7*7 }}}} {MARKUP}"
    )


def test_storable_is_told_from_what_is_not() -> None:
    check_storable({"a": ["é", "😀", 1, None, True, {"b": ("\u202e",)}]})
    deep: object = "x"
    for _ in range(200):
        deep = [deep]
    for bad in ("\0", "\ud800", ["a", {"b\0": 1}], {"a": {"b": "\udfff"}}, deep):
        with pytest.raises(BadRequest):
            check_storable(bad)


def test_the_payloads_are_what_they_claim() -> None:
    """The inspector finds what it looks for."""
    for bad in (
        "<script>x</script>",
        "<a href=' javascript:x'>",
        "<p onclick=x>",
        "<img src=x onerror=x>",
        "<a href='//e'>",
    ):
        inspector = Inspector()
        inspector.feed(bad)
        assert inspector.wrong, bad
    assert os.sep == "/" and json.loads(UNUSABLE[0])["fields"]["title"] == "a\0b"
    assert Publication.__tablename__ == "publications"
