"""The sandbox's form, walked by hand with the documented selectors only: every behaviour bots fail on is there."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from backend.sandbox.server import Sandbox

Widgets = Literal["new", "old"]
BOTH = pytest.mark.parametrize("widgets", ["new", "old"])
T_SHIRTS = (1904, 4, 9108, 9100)
DEPENDENT = ["#brand", "#size", "#condition", "#color", "#material", "#unisex", "#package_size"]


@pytest.fixture
def page(sync_browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    """A page of a signed-in seller who has answered the banner."""
    state = sandbox.create_account("lea")
    state["cookies"].append({**state["cookies"][0], "name": "OptanonAlertBoxClosed", "value": "yes"})
    context = sync_browser.new_context(storage_state=state)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


class Form:
    """The documented selectors, and the shortest way through them."""

    def __init__(self, page: Page, sandbox: Sandbox, widgets: Widgets = "new") -> None:
        sandbox.state.options = replace(sandbox.state.options, widgets=widgets)
        self.page, self.sandbox, self.newer = page, sandbox, widgets == "new"
        self.size = "category-size-single-grid" if self.newer else "size-select-dropdown"
        page.goto(f"{sandbox.url}/items/new")
        expect(self.at("catalog-select-dropdown-input")).to_be_visible()

    def at(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def walk(self, ids: tuple[int, ...] = T_SHIRTS) -> None:
        self.at("catalog-select-dropdown-input").click()
        for node in ids:
            self.page.click(f"#catalog-{node}")
        expect(self.at("brand-select-dropdown-input")).to_be_visible()

    def pick(self, panel: str, *rows: str) -> None:
        self.at(f"{panel}-input").click()
        for row in rows:
            self.at(row).click()
        self.page.keyboard.press("Escape")

    def colour(self, colour: int) -> str:
        return f"{'filter-grid-option' if self.newer else 'color-checkbox'}-{colour}"

    def pick_size(self) -> None:
        self.at(f"{self.size}-input").click()
        self.at(f"{self.size}-content").get_by_role("button", name="M / 38 / 10", exact=True).click()

    def upload(self, *pictures: Path) -> None:
        self.at("add-photos-input").set_input_files(pictures)

    def fill(self, *pictures: Path) -> None:
        self.upload(*pictures)
        self.at("title--input").fill("T-shirt marine")
        self.at("description--input").fill("Porté deux fois.")
        self.walk()
        self.pick("brand-select-dropdown", "brand-radio-53")
        self.pick_size()
        self.pick("category-condition-single-list", "condition-radio-2")
        self.pick("color-select-dropdown", self.colour(27))
        self.pick("category-material-multi-list", "material-checkbox-40")
        self.at("price-input--input").fill("12,5")
        self.at("package_type_selector_2").click()
        expect(self.at("media-upload-grid").locator("img")).to_have_count(len(pictures))

    def save_draft(self) -> dict[str, Any]:
        self.at("upload-form-save-draft-button").click()
        self.page.wait_for_url("**/member/*")
        return self.stored()

    def stored(self) -> dict[str, Any]:
        (item,) = self.sandbox.received()["items"]
        return dict(item)


def test_rows_are_found_by_their_names_and_the_empty_grid_is_seen(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    expect(form.at("media-upload-grid")).to_be_visible()
    form.at("catalog-select-dropdown-input").click()
    for name in ("Femmes", "Vêtements"):
        form.at("catalog-select-dropdown-content").get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("button", name="Robes", exact=True)).to_be_visible()


@BOTH
def test_publishing_stores_every_field_and_lands_on_the_item(
    widgets: Widgets, page: Page, sandbox: Sandbox, pictures: tuple[Path, ...]
) -> None:
    form = Form(page, sandbox, widgets)
    form.fill(*pictures)
    form.at("upload-form-save-button").click()
    page.wait_for_url("**/items/*-t-shirt-marine")
    item = form.stored()
    assert page.url.endswith(f"/items/{item['id']}-t-shirt-marine") and not item["is_draft"]
    wanted = {"catalog_id": 9100, "brand": "Nike", "size": "M", "condition": "very-good", "colours": ["navy"]}
    wanted |= {"materials": ["cotton"], "price": "12.50", "parcel": "medium", "title": "T-shirt marine"}
    assert {name: item[name] for name in wanted} == wanted
    assert [p["sha256"] for p in item["photos"]] == [hashlib.sha256(p.read_bytes()).hexdigest() for p in pictures]
    expect(page.get_by_test_id("item-price")).to_contain_text("12,50")
    expect(page.get_by_test_id("item-attributes-size")).to_contain_text("M / 38 / 10")
    assert sandbox.received()["counts"]["submissions"] == 1


@BOTH
def test_a_draft_lands_on_the_wardrobe_and_its_edit_page_shows_what_was_stored(
    widgets: Widgets, page: Page, sandbox: Sandbox, pictures: tuple[Path, ...]
) -> None:
    form = Form(page, sandbox, widgets)
    form.fill(*pictures)
    draft = form.save_draft()
    assert draft["is_draft"] and sandbox.received()["counts"]["drafts"] == 1
    page.get_by_test_id(f"product-item-id-{draft['id']}--overlay-link").click()
    expect(page.locator("#material")).to_have_value("Coton")
    shown = {name: page.locator(f"#{name}").input_value() for name in ("title", "brand", "size", "color", "price")}
    assert shown == {
        "title": "T-shirt marine",
        "brand": "Nike",
        "size": "M / 38 / 10",
        "color": "Marine",
        "price": "12,50",
    }
    expect(form.at("package_type_selector_2--input")).to_be_checked()
    expect(form.at("media-upload-grid").locator("img")).to_have_count(3)
    form.at("upload-form-save-button").click()
    page.wait_for_url("**/items/*-t-shirt-marine")
    assert form.stored()["id"] == draft["id"] and not form.stored()["is_draft"]


def test_dependent_fields_exist_only_after_a_leaf(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    form.at("catalog-select-dropdown-input").click()
    for node in T_SHIRTS[:-1]:
        page.click(f"#catalog-{node}")
    assert [page.locator(field).count() for field in DEPENDENT] == [0] * len(DEPENDENT)
    page.click(f"#catalog-{T_SHIRTS[-1]}")
    for field in DEPENDENT:
        expect(page.locator(field)).to_have_count(1)
    expect(page.locator("#category")).to_have_value("T-shirts")
    expect(form.at("catalog-select-dropdown-content")).to_have_count(0)


@BOTH
def test_options_are_in_the_page_only_while_the_panel_is_open_and_the_trigger_toggles(
    widgets: Widgets, page: Page, sandbox: Sandbox
) -> None:
    form = Form(page, sandbox, widgets)
    form.walk()
    for panel in ("brand-select-dropdown", form.size, "category-condition-single-list", "color-select-dropdown"):
        content, trigger = form.at(f"{panel}-content"), form.at(f"{panel}-input")
        assert content.count() == 0
        trigger.click()
        expect(content.get_by_role("button").first).to_be_visible()
        trigger.click()
        assert content.count() == 0


def test_an_option_row_is_as_documented(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    form.walk()
    form.at("category-condition-single-list-input").click()
    content = page.locator("div.c-input__content", has=page.locator("#condition")).locator(".input-dropdown")
    row = content.locator("[role=button].web_ui__Cell__cell", has_text="Très bon état")
    expect(row.locator(".web_ui__Cell__title")).to_have_text("Très bon état")
    assert row.inner_text().strip() == "Très bon état" and row.get_attribute("data-testid") == "condition-radio-2"
    form.at("condition-radio-2--input").evaluate("el => el.click()")  # as fillers in the page do
    expect(page.locator("#condition")).to_have_value("Très bon état")


@BOTH
def test_colours_toggle_the_third_evicts_the_first_and_show_only_after_closing(
    widgets: Widgets, page: Page, sandbox: Sandbox
) -> None:
    form = Form(page, sandbox, widgets)
    form.walk()
    colour = page.locator("#color")
    form.at("color-select-dropdown-input").click()
    for chosen in (1, 12, 9):
        form.at(form.colour(chosen)).click()
    expect(colour).to_have_value("")
    page.keyboard.press("Escape")
    expect(colour).to_have_value("Blanc, Bleu")
    form.pick("color-select-dropdown", form.colour(12))
    expect(colour).to_have_value("Bleu")
    if form.newer:
        form.at("color-select-dropdown-input").click()
        expect(form.at("filter-grid-option-26").get_by_test_id("color_code_light-blue")).to_have_count(1)


def test_at_most_three_materials(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    form.walk()
    form.pick("category-material-multi-list", *(f"material-checkbox-{n}" for n in (40, 41, 42, 43)))
    expect(page.locator("#material")).to_have_value("Coton, Polyester, Élasthanne")


def test_category_by_search_by_suggestion_and_typing_filters(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    form.at("catalog-select-dropdown-input").click()
    page.fill("#catalog-search-input", "basket")
    expect(page.locator("[id^=catalog-]:is([role=button])")).to_have_count(4)  # women, men, girls, boys
    page.click("#catalog-9280")
    expect(page.locator("#category")).to_have_value("Baskets")
    form.at("title--input").fill("Jupe plissée")
    form.at("catalog-select-dropdown-input").click()
    form.at("catalog-suggestion-9119").click()
    expect(page.locator("#category")).to_have_value("Autres jupes")
    form.at("catalog-select-dropdown-input").click()
    page.locator("#category").fill("hom")
    expect(page.locator("[id^=catalog-]:is([role=button])")).to_have_text(["Hommes"])


def test_brand_known_unknown_and_none(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    form.walk()
    brand, trigger = page.locator("#brand"), form.at("brand-select-dropdown-input")
    trigger.click()
    form.at("brand-search--input").fill("petit b")
    page.locator("[role=button][aria-label='Petit Bateau']").click()
    expect(brand).to_have_value("Petit Bateau")
    trigger.click()
    page.fill("#brand-search-input", "Atelier Inconnu")
    page.click("#custom-select-brand")
    expect(brand).to_have_value("Atelier Inconnu")
    trigger.click()
    form.at("empty-brand").click()
    expect(brand).to_have_value("Sans marque")
    assert form.save_draft()["brand"] == ""


def test_a_leaf_without_sizes_has_no_size_field(page: Page, sandbox: Sandbox) -> None:
    Form(page, sandbox).walk((1904, 9190, 9191))
    assert page.locator("#size").count() == 0


def test_the_price_commits_on_focus_out_only(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    price = form.at("price-input--input")
    price.fill("15")
    expect(price).to_have_value("15")
    price.blur()
    expect(price).to_have_value("15,00")
    price.evaluate("el => { el.value = '20,00'; el.dispatchEvent(new Event('input', {bubbles: true})) }")
    assert form.save_draft()["price"] == "15.00"


def test_a_price_shown_may_be_stored_as_zero(page: Page, sandbox: Sandbox) -> None:
    sandbox.set_fault("price_stored_zero")
    form = Form(page, sandbox)
    form.at("price-input--input").fill("15")
    form.at("price-input--input").blur()
    expect(form.at("price-input--input")).to_have_value("15,00")
    assert form.save_draft()["price"] == "0.00"


def test_photos_that_are_not_there_yet_are_lost(page: Page, sandbox: Sandbox, pictures: tuple[Path, ...]) -> None:
    sandbox.set_fault("latency", "photos", skip=1, seconds=3.0)
    form = Form(page, sandbox)
    form.upload(*pictures)
    expect(form.at("media-upload-grid").locator("img")).to_have_count(2)
    expect(form.at("media-upload-grid").get_by_role("progressbar")).to_have_count(1)
    assert len(form.save_draft()["photos"]) == 2


def test_a_photo_that_fails_has_no_thumbnail(page: Page, sandbox: Sandbox, pictures: tuple[Path, ...]) -> None:
    sandbox.set_fault("server_error", "photos", skip=2)
    form = Form(page, sandbox)
    form.upload(*pictures)
    expect(form.at("media-upload-grid").get_by_role("alert")).to_have_count(1)
    expect(form.at("media-upload-grid").locator("img")).to_have_count(2)


def test_an_empty_form_can_be_sent_and_says_what_is_missing(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    expect(form.at("upload-form-save-button")).to_be_enabled()
    form.at("upload-form-save-button").click()
    expect(form.at("category--error")).to_have_text("Ce champ est obligatoire")
    expect(form.at("photos--error")).to_be_visible()
    assert page.url.endswith("/items/new") and sandbox.received()["counts"]["refused"] == 1


def test_parcels_by_cell_and_by_label(page: Page, sandbox: Sandbox) -> None:
    form = Form(page, sandbox)
    form.walk()
    form.at("3-package-size--cell").click(position={"x": 30, "y": 15})
    expect(form.at("package_type_selector_3--input")).to_be_checked()
    page.locator("#package_size").get_by_test_id("package_type_selector_1").click()
    expect(form.at("package_type_selector_3--input")).not_to_be_checked()
    assert form.save_draft()["parcel"] == "small"


def test_a_re_render_can_wipe_a_value_and_a_panel_can_ignore_a_click(page: Page, sandbox: Sandbox) -> None:
    sandbox.set_fault("form_wipe", field="condition", after="color")
    sandbox.set_fault("ignored_click", field="material", part="trigger")
    form = Form(page, sandbox)
    form.walk()
    form.pick("category-condition-single-list", "condition-radio-6")
    expect(page.locator("#condition")).to_have_value("Neuf avec étiquette")
    form.pick("color-select-dropdown", form.colour(1))
    expect(page.locator("#condition")).to_have_value("")
    expect(page.locator("#color")).to_have_value("Noir")
