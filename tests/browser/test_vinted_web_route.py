"""A listing through the form of the sandbox marketplace: every field stored as sent, photos in order, one click."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from backend.core import catalog
from backend.core.errors import ListingRejected
from backend.marketplace.port import ListingSheet
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.fields import option_of
from backend.marketplace.vinted_web.panels import Choice, Panel
from backend.sandbox.server import Sandbox

if TYPE_CHECKING:
    from conftest import Attempts, Journal

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = ["opening", "photos", "title", "description", "category", "brand", "size", "condition", "colours", "materials",
         "price", "parcel", "read_back"]  # fmt: skip


def stored(sandbox: Sandbox) -> dict[str, Any]:
    (item,) = sandbox.received()["items"]
    return item


def assert_stored_as_sent(item: dict[str, Any], sheet: ListingSheet) -> None:
    assert item["title"] == sheet.title
    assert item["description"] == sheet.description
    assert item["catalog_id"] == sheet.leaf.id
    assert item["brand"] == sheet.brand
    assert item["size"] == (sheet.size.value if sheet.size else None)
    assert item["condition"] == sheet.condition.slug
    assert sorted(item["colours"]) == sorted(c.slug for c in sheet.colours)
    assert sorted(item["materials"]) == sorted(m.slug for m in sheet.materials)
    assert Decimal(item["price"]) == sheet.price
    assert item["parcel"] == sheet.parcel.slug
    assert [p["sha256"] for p in item["photos"]] == [sha256(p.read_bytes()).hexdigest() for p in sheet.photos]


@pytest.mark.parametrize(
    ("widgets", "language", "leaf"),
    [
        ("new", "fr", ("men", "jeans", "W32")),
        ("new", "en", ("women", "trainers", "38")),
        ("old", "fr", ("boys", "hoodie", "8Y")),
        ("old", "en", ("women", "hat", None)),
        ("new", "de", ("girls", "dress", "8Y")),
        ("old", "pl", ("men", "trainers", "42")),
    ],
)
async def test_draft_is_stored_as_sent(
    widgets: Any,
    language: Any,
    leaf: tuple[str, str, str | None],
    sandbox: Sandbox,
    attempts: Attempts,
    journal: Journal,
    sheet: ListingSheet,
) -> None:
    audience, kind, size = leaf
    found = catalog.find_leaf(audience, kind)
    assert found is not None
    sheet = replace(sheet, leaf=found, size=catalog.find_size(found, size))
    sandbox.state.options = replace(sandbox.state.options, widgets=widgets, language=language)
    outcome = await attempts.put(sheet, "draft", replace(attempts.account, language=language))
    item = stored(sandbox)
    assert_stored_as_sent(item, sheet)
    assert item["is_draft"] and outcome.listing_id == str(item["id"]) and outcome.differences == ()
    assert outcome.listing_url == f"{sandbox.url}/items/{item['id']}/edit"
    assert journal.filled[0].screenshot.startswith(b"\xff\xd8") and outcome.screenshot == b"", "nothing new to be seen"
    assert journal.steps == [*(step for step in STEPS if size or step != "size"), "submitting", "stored"]
    assert journal.stored_before == [0], "before_submit is awaited once, before anything is stored"
    assert journal.filled[0].read_back["title"] == sheet.title


async def test_publish_makes_a_listing(sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet) -> None:
    outcome = await attempts.put(sheet, "publish")
    item = stored(sandbox)
    assert_stored_as_sent(item, sheet)
    assert not item["is_draft"] and outcome.listing_url == f"{sandbox.url}/items/{outcome.listing_id}"
    assert sandbox.received()["counts"]["submissions"] == 1 and outcome.differences == ()


async def test_dry_run_fills_and_submits_nothing(
    sandbox: Sandbox, attempts: Attempts, journal: Journal, sheet: ListingSheet
) -> None:
    outcome = await attempts.put(sheet, "dry_run")
    assert (outcome.listing_id, outcome.listing_url) == (None, None)
    assert outcome.screenshot.startswith(b"\xff\xd8")
    assert sandbox.received()["items"] == [] and journal.filled == [] and journal.steps == STEPS


VARIANTS: dict[str, dict[str, Any]] = {
    "least": {"brand": "", "colours": (), "materials": (), "price": Decimal("1")},
    "odd letters, unknown brand": {
        "title": 'Robe "été" 100% lin <b>l\'autre</b> 🙂',
        "brand": "Atelier « Léa » & Fils",
        "price": Decimal("1234"),
    },
    "brand in other letters": {"brand": "nike", "colours": (catalog.colours()["rose"],)},
    "longest": {
        "title": "T" * 100,
        "description": "d" * 2000,
        "materials": tuple(list(catalog.materials().values())[:3]),
    },
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
async def test_draft_of_any_sheet(
    variant: dict[str, Any], sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    sheet = replace(sheet, photos=sheet.photos[:1], **variant)
    outcome = await attempts.put(sheet, "draft")
    canonical = replace(sheet, brand="Nike") if sheet.brand == "nike" else sheet
    assert_stored_as_sent(stored(sandbox), canonical)
    assert outcome.differences == ()


QUIRKS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "new": [
        ("form_wipe", {"field": "condition", "after": "color"}),
        ("form_wipe", {"field": "title", "after": "category"}),
        ("ignored_click", {"field": "color", "part": "trigger"}),
        ("ignored_click", {"field": "size", "part": "option"}),
    ],
    "old": [
        ("form_wipe", {"field": "size", "after": "condition"}),
        ("form_wipe", {"field": "price", "after": "package_size"}),
        ("ignored_click", {"field": "category", "part": "trigger"}),
        ("ignored_click", {"field": "color", "part": "option"}),
    ],
}


@pytest.mark.parametrize("widgets", QUIRKS)
async def test_wipes_and_ignored_clicks_are_made_good(
    widgets: Any, sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    sandbox.state.options = replace(sandbox.state.options, widgets=widgets)
    sheet = replace(sheet, photos=sheet.photos[:1])
    faults = [sandbox.set_fault(kind, **params) for kind, params in QUIRKS[widgets]]
    await attempts.put(sheet, "draft")
    assert_stored_as_sent(stored(sandbox), sheet)
    assert [fault.hits for fault in faults] == [1] * len(faults)


async def test_slow_photos_are_awaited_and_stay_in_order(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    sandbox.set_fault("latency", "photos", seconds=1.0)
    sandbox.set_fault("latency", "photos", skip=1, seconds=0.3)
    await attempts.put(replace(sheet, photos=sheet.photos * 2), "draft")
    assert_stored_as_sent(stored(sandbox), replace(sheet, photos=sheet.photos * 2))


async def test_what_was_stored_otherwise_is_shown(sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet) -> None:
    sandbox.set_fault("price_stored_zero")
    outcome = await attempts.put(sheet, "draft")
    (wrong,) = outcome.differences
    assert (wrong.field, wrong.sent, wrong.found) == ("price", "12,50", "0,00")
    assert outcome.screenshot.startswith(b"\xff\xd8")
    assert outcome.listing_id is not None


async def test_a_size_that_is_not_offered_names_the_field(
    sandbox: Sandbox, attempts: Attempts, journal: Journal, sheet: ListingSheet
) -> None:
    shoes = catalog.find_leaf("women", "trainers")
    assert shoes is not None
    with pytest.raises(ListingRejected, match=r"size.*38"):
        await attempts.put(replace(sheet, size=catalog.find_size(shoes, "38")), "draft")
    assert journal.filled == [] and sandbox.received()["items"] == []


@pytest.mark.parametrize(
    ("language", "currency", "kind", "says"),
    [
        ("de", "EUR", "hat", r"category.*Hüte & Mützen.*but:.*Kopfschmuck"),
        ("pl", "PLN", "t-shirt", r"price.*12,50 PLN"),
    ],
)
async def test_what_a_site_names_or_counts_otherwise_is_told_before_the_click(
    language: Any,
    currency: str,
    kind: str,
    says: str,
    sandbox: Sandbox,
    attempts: Attempts,
    journal: Journal,
    sheet: ListingSheet,
) -> None:
    """A category under a name nobody expects is not guessed, and no euro price is entered as zlotys."""
    sandbox.state.options = replace(sandbox.state.options, language=language, currency=currency)
    leaf = catalog.find_leaf("women", kind)
    assert leaf is not None
    sheet = replace(sheet, leaf=leaf, size=catalog.find_size(leaf, "M"), photos=sheet.photos[:1])
    with pytest.raises(ListingRejected, match=says):
        await attempts.put(sheet, "draft", replace(attempts.account, language=language))
    assert journal.filled == [] and sandbox.received()["items"] == []


LIST = """<input data-testid="color-select-dropdown-input"><div data-testid="color-select-dropdown-content">
<div role=button data-testid="color-checkbox-9"><b>Rot</b></div><div role=button><b>Grüne  Töne</b></div>
<div role=button><b>BLAU</b></div><div role=button><b>Grau</b></div><div role=button><b>Gräulich</b></div></div>"""


async def test_an_option_is_the_only_one_of_its_names_or_refused(browsers: Browsers) -> None:
    """Nine is publicly blue; a page that says red there is believed, and blue is looked for by name."""
    blue, grey, pink = (catalog.colours()[slug] for slug in ("blue", "grey", "pink"))
    async with browsers.context({}, locale="de") as context:
        page = await context.new_page()
        await page.set_content(LIST)
        panel = Panel(page, "colours", selectors.COLOURS, 3)
        found = await panel.option(option_of(blue, "de", selectors.colour_option(9)))
        assert (found.shown, await found.option.inner_text()) == ("BLAU", "BLAU")
        two = Choice("Grau", lambda titles: [title for title in titles if title.startswith("Gr")])
        with pytest.raises(ListingRejected, match="several like 'Grau': Grüne Töne, Grau, Gräulich"):
            await panel.option(two)
        assert (await panel.option(option_of(grey, "de", ""))).shown == "Grau"
        with pytest.raises(ListingRejected, match="does not offer 'pink'"):
            await panel.option(option_of(pink, "de", selectors.colour_option(5)))


async def test_a_title_the_form_cuts_is_refused_before_the_click(
    sandbox: Sandbox, attempts: Attempts, journal: Journal, sheet: ListingSheet
) -> None:
    """Where the form cuts it, the read-back says so; where the marketplace does, its answer."""
    with pytest.raises(ListingRejected, match="title"):
        await attempts.put(replace(sheet, title="T" * 101), "draft")
    assert sandbox.received()["items"] == []


async def test_the_wardrobe_is_read_newest_first(sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet) -> None:
    sheet = replace(sheet, photos=sheet.photos[:1])
    await attempts.put(sheet, "draft")
    await attempts.put(replace(sheet, title="Seconde"), "publish")
    newest, oldest = await attempts.route.list_wardrobe(attempts.account)
    assert (newest.title, newest.price, newest.is_draft) == ("Seconde", Decimal("12.50"), False)
    assert (oldest.title, oldest.is_draft) == (sheet.title, True)
    assert {newest.id, oldest.id} == {str(item["id"]) for item in sandbox.received()["items"]}


async def test_the_signed_in_name_is_told(attempts: Attempts) -> None:
    assert await attempts.route.check_session(replace(attempts.account, username=None)) == "lea"
