"""The sandbox marketplace's web API: what it accepts, refuses, counts, shows and keeps."""

import hashlib
import io
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from backend.core.errors import SetupError
from backend.sandbox.options import SandboxOptions
from backend.sandbox.server import Sandbox, _begun, running_sandbox
from backend.sandbox.vinted_site import FORM_LABELS

PAGES = Path(__file__).parents[2] / "backend" / "sandbox" / "pages"
UPLOAD = "/api/v2/item_upload"


@pytest.fixture
def lea(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with signed_in(sandbox, "lea") as client:
        yield client


def signed_in(sandbox: Sandbox, username: str) -> httpx.Client:
    """A client with the session's cookies and the headers the form sends."""
    cookies = {c["name"]: c["value"] for c in sandbox.create_account(username)["cookies"]}
    session = sandbox.state.sessions[cookies["access_token_web"]]
    headers = {"x-csrf-token": session.csrf, "x-anon-id": cookies["anon_id"], "x-upload-form": "true"}
    return httpx.Client(base_url=sandbox.url, cookies=cookies, headers=headers, timeout=10)


def jpeg(shade: int = 0) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (60, 80), (shade, 90, 90)).save(made, "JPEG")
    return made.getvalue()


def upload(client: httpx.Client, content: bytes) -> httpx.Response:
    data = {"photo[type]": "item", "photo[temp_uuid]": "t-1"}
    return client.post("/api/v2/photos", data=data, files={"photo[file]": ("a.jpg", content, "image/jpeg")})


def submission(photo_ids: list[int], **changes: Any) -> dict[str, Any]:
    attributes = [("condition", [6]), ("size", [4]), ("material", [40])]
    item = {
        "id": None,
        "currency": "EUR",
        "temp_uuid": "t-1",
        "title": "Robe à fleurs",
        "description": "Portée une fois.",
        "brand_id": 53,
        "brand": "Nike",
        "catalog_id": 9121,
        "price": 15.5,
        "package_size_id": 1,
        "color_ids": [1, 12],
        "assigned_photos": [{"id": i, "orientation": 0} for i in photo_ids],
        "item_attributes": [{"code": code, "ids": ids} for code, ids in attributes],
    }
    return {"item": {**item, **changes}, "push_up": False, "parcel": None, "upload_session_id": "u-1"}


def test_a_publication_is_stored_counted_and_shown(sandbox: Sandbox, lea: httpx.Client) -> None:
    photos = [upload(lea, jpeg(shade)).json() for shade in (10, 200)]
    assert photos[0]["temp_uuid"] == "t-1" and photos[0]["id"] < photos[1]["id"]
    turned = [photos[1]["id"], photos[0]["id"]]
    answer = lea.post(f"{UPLOAD}/items", json=submission(turned)).json()
    assert (answer["code"], answer["after_upload_actions"]) == (0, [])
    received = lea.get("/__sandbox__/received").json()
    assert received == sandbox.received()
    assert received["counts"]["submissions"] == 1 and received["by_account"]["lea"] == {"photos": 2, "published": 1}
    assert received["requests"]["POST /api/v2/photos"] == 2
    (item,) = received["items"]
    assert [p["sha256"] for p in item["photos"]] == [hashlib.sha256(jpeg(s)).hexdigest() for s in (200, 10)]
    assert (item["price"], item["category"], item["audience"]) == ("15.50", "mini-dress", "women")
    page = lea.get(f"/items/{item['id']}", follow_redirects=True)
    assert page.url.path == f"/items/{item['id']}-robe-a-fleurs" and "15,50" in page.text
    assert lea.get(photos[0]["url"]).content == jpeg(10)


def test_ids_only_grow_even_over_a_reset(sandbox: Sandbox, lea: httpx.Client) -> None:
    first, second = (lea.post(f"{UPLOAD}/drafts", json=submission([])).json()["item"]["id"] for _ in range(2))
    sandbox.state.reset(keep_accounts=True)
    third = lea.post(f"{UPLOAD}/drafts", json=submission([])).json()["item"]["id"]
    assert first < second < third


FOUR_MATERIALS = [
    {"code": "condition", "ids": [6]},
    {"code": "size", "ids": [4]},
    {"code": "material", "ids": [40, 41, 42, 43]},
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("photos", {"assigned_photos": []}),
    ("photos", {"assigned_photos": [{"id": 1, "orientation": 0}]}),
    ("title", {"title": " "}),
    ("title", {"title": "x" * 101}),
    ("description", {"description": "x" * 2001}),
    ("category", {"catalog_id": 1904}),
    ("brand", {"brand_id": None, "brand": None}),
    ("size", {"catalog_id": 2632}),
    ("condition", {"item_attributes": [{"code": "size", "ids": [4]}]}),
    ("color", {"color_ids": [1, 2, 3]}),
    ("material", {"item_attributes": FOUR_MATERIALS}),
    ("price", {"price": 0.5}),
    ("price", {"price": 30_001}),
    ("package_size", {"package_size_id": None}),
]


@pytest.mark.parametrize(("field", "changes"), WRONG)
def test_a_wrong_field_is_refused_by_name(
    field: str, changes: dict[str, Any], sandbox: Sandbox, lea: httpx.Client
) -> None:
    photo = upload(lea, jpeg()).json()["id"]
    answer = lea.post(f"{UPLOAD}/items", json=submission([photo], **changes))
    assert answer.status_code == 400
    body = answer.json()
    assert (body["code"], body["message_code"]) == (99, "validation_error")
    assert [error["field"] for error in body["errors"]] == [field]
    assert sandbox.received()["items"] == [] and sandbox.received()["counts"]["refused"] == 1


def test_a_draft_may_lack_everything_and_is_completed_later(sandbox: Sandbox, lea: httpx.Client) -> None:
    bare = {"item": {"title": "", "catalog_id": None}}
    draft = lea.post(f"{UPLOAD}/drafts", json=bare).json()["item"]["id"]
    assert lea.post(f"{UPLOAD}/drafts/{draft}/completion", json=bare).status_code == 400
    photo = upload(lea, jpeg()).json()["id"]
    done = lea.post(f"{UPLOAD}/drafts/{draft}/completion", json=submission([photo]))
    assert done.json()["item"]["id"] == draft
    assert lea.post(f"{UPLOAD}/drafts/{draft}/completion", json=submission([photo])).status_code == 404
    counts = sandbox.received()["counts"]
    assert (counts["drafts"], counts["completed"], counts["published"], counts["submissions"]) == (1, 1, 0, 1)


def test_writes_come_from_the_form_only(sandbox: Sandbox, lea: httpx.Client) -> None:
    for header in ("x-csrf-token", "x-anon-id", "x-upload-form"):
        bare = lea.post(f"{UPLOAD}/drafts", json=submission([]), headers={header: ""})
        assert (bare.status_code, bare.json()["message_code"]) == (403, "access_denied")
    assert sandbox.received()["counts"]["drafts"] == 0


def test_a_photo_of_another_account_or_of_no_picture_is_refused(sandbox: Sandbox, lea: httpx.Client) -> None:
    assert upload(lea, b"GIF89a...").status_code == 400
    assert upload(lea, jpeg() + bytes(9 * 1024 * 1024)).status_code == 400
    photo = upload(lea, jpeg()).json()["id"]
    with signed_in(sandbox, "max") as other:
        assert other.post(f"{UPLOAD}/items", json=submission([photo])).status_code == 400


def test_who_is_signed_in_and_how_a_session_is_renewed(sandbox: Sandbox, lea: httpx.Client) -> None:
    assert lea.get("/api/v2/users/current").json()["user"]["login"] == "lea"
    assert httpx.get(f"{sandbox.url}/api/v2/users/current").json()["code"] == 21
    lea.post("/__sandbox__/sessions/expire", json={"username": "lea", "refresh_too": False})
    assert lea.get("/api/v2/users/current").json()["message_code"] == "invalid_authentication_token"
    lea.post("/web/api/auth/refresh").raise_for_status()
    assert lea.post(f"{UPLOAD}/drafts", json=submission([])).status_code == 200
    lea.post("/__sandbox__/sessions/expire", json={})
    assert lea.post("/web/api/auth/refresh").status_code == 401


def test_the_wardrobe_is_paged_newest_first_and_hides_drafts_from_others(sandbox: Sandbox, lea: httpx.Client) -> None:
    ids = [lea.post(f"{UPLOAD}/drafts", json=submission([])).json()["item"]["id"] for _ in range(3)]
    me = lea.get("/api/v2/users/current").json()["user"]["id"]
    page = lea.get(f"/api/v2/wardrobe/{me}/items?page=2&per_page=2&order=newest_first").json()
    assert [item["id"] for item in page["items"]] == ids[:1]
    assert page["pagination"] == {"current_page": 2, "total_pages": 2, "per_page": 2, "total_entries": 3}
    assert httpx.get(f"{sandbox.url}/api/v2/wardrobe/{me}/items").json()["items"] == []
    assert httpx.get(f"{sandbox.url}/items/{ids[0]}").status_code == 404
    assert lea.get("/api/v2/wardrobe/1/items").json()["message_code"] == "not_found"


def test_the_reads_the_form_makes(lea: httpx.Client) -> None:
    trees = lea.get(f"{UPLOAD}/catalogs").json()["catalogs"]
    assert [tree["id"] for tree in trees] == [1904, 5, 1193]
    assert {"id": 1, "title": "Noir", "code": "black"} in lea.get(f"{UPLOAD}/colors").json()["colors"]
    assert lea.get(f"{UPLOAD}/brands?keyword=nik").json()["brands"] == [{"id": 53, "title": "Nike"}]
    (group,) = lea.get(f"{UPLOAD}/size_groups?catalog_ids=2632").json()["size_groups"]
    assert "38" in [size["title"] for size in group["sizes"]]

    def asked(leaf: int) -> dict[str, Any]:
        question = {"attributes": [{"code": "category", "value": [leaf]}]}
        return {a["code"]: a for a in lea.post(f"{UPLOAD}/attributes", json=question).json()["attributes"]}

    assert asked(9121)["size"]["configuration"]["required"] is True
    assert "size" not in asked(9191) and asked(1904) == {}


def test_the_country_chooses_the_words(sandbox: Sandbox, lea: httpx.Client) -> None:
    try:
        for language, said in (("en", "Sell an item"), ("pl", "Sprzedaj przedmiot")):
            lea.put("/__sandbox__/options", json={"language": language}).raise_for_status()
            assert said in lea.get("/items/new").text
    finally:
        lea.put("/__sandbox__/options", json={"language": "fr"})
    assert "Vends un article" in lea.get("/items/new").text


def test_everything_survives_the_sandbox(tmp_path: Path) -> None:
    options = SandboxOptions(state_file=tmp_path / "sandbox.json")
    with running_sandbox(options=options) as first, signed_in(first, "lea") as client:
        photo = upload(client, jpeg()).json()["id"]
        client.post(f"{UPLOAD}/items", json=submission([photo])).raise_for_status()
        before, cookies, headers = first.received(), client.cookies, client.headers
    with running_sandbox(options=options) as second:
        assert second.received() == before
        assert second.state.photo_bytes(photo) == jpeg()
        with httpx.Client(base_url=second.url, cookies=cookies, headers=headers) as client:
            again = client.post(f"{UPLOAD}/items", json=submission([photo])).json()["item"]["id"]
    assert again == before["items"][0]["id"] + 1


def test_kept_photo_bytes_are_bounded_but_hashes_are_not() -> None:
    with running_sandbox(options=SandboxOptions(photo_budget=len(jpeg()))) as sandbox, signed_in(sandbox, "lea") as lea:
        ids = [upload(lea, jpeg(shade)).json()["id"] for shade in (1, 2)]
        assert [sandbox.state.photo_bytes(i) is not None for i in ids] == [True, False]
        assert sandbox.state.photos[ids[1]].sha256 == hashlib.sha256(jpeg(2)).hexdigest()


def test_a_taken_port_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=str(port)), running_sandbox(port=port):
            pass


def test_a_page_that_asks_for_nothing_shows_no_mark_of_a_challenge_or_a_sign_in(
    sandbox: Sandbox, lea: httpx.Client
) -> None:
    """Whoever looks for them in a page's text finds them where they are, and nowhere else."""
    words = json.loads((PAGES / "labels.json").read_text(encoding="utf-8"))
    told = ("sign_in", "login_title", "verification_title", "robot_title", "blocked")
    marks = (
        "captcha",
        "turnstile",
        "arkoselabs",
        "datadome",
        *(text for name in told for text in words[name].values()),
    )
    for path in ("/", "/items/new", "/member/1"):
        shown = lea.get(path).text.lower()
        assert not [mark for mark in marks if mark.lower() in shown], path


def test_the_form_is_told_the_words_it_writes() -> None:
    script = "".join(file.read_text(encoding="utf-8") for file in (PAGES.parent / "static" / "form").glob("*.js"))
    assert {*re.findall(r"\blabels\.(\w+)", script)} == {*FORM_LABELS}


def test_a_sandbox_goes_on_with_what_it_had(tmp_path: Path) -> None:
    kept = SandboxOptions(state_file=tmp_path / "sandbox.json")
    with running_sandbox(options=kept) as first:
        first.create_account("lea")
    assert _begun(kept).account_named("lea") is not None
    (tmp_path / "sandbox.json").write_text("[]")
    with pytest.raises(SetupError, match="not a sandbox's state"):
        _begun(kept)
