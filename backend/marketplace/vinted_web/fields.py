"""Each field of the form: how it is set, and how it is read.

Owns what is particular to a field (the category's walk, the brand's search, the price's comma and focus-out).
Does not own the order of the fields or what is done when one does not stay (`form.py`), nor panels (`panels.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from playwright.async_api import Locator, Page

from backend.core import catalog, site_names
from backend.core.catalog import Leaf, SizeOption, Term
from backend.core.ontology import fitting, is_another, sizes_fitting
from backend.marketplace.port import ListingSheet
from backend.marketplace.vinted_web import photos, selectors
from backend.marketplace.vinted_web.panels import Choice, Found, Panel, Search, appears
from backend.marketplace.vinted_web.values import price_text, same

CHOSEN = "(radios, kinds) => radios.filter(one => one.checked).map(one => kinds.findIndex(css => one.matches(css)))"
"""Which of these kinds of radio buttons are checked, by number."""
PHOTO_PATIENCE = 4
"""A photo's upload may take so many times as long as any other step."""


class Field(Protocol):
    """A field of the form that knows the value it is to hold."""

    async def enter(self) -> str | None:
        """Sets it and returns what it must then read as; None when this category's form has no such field."""
        ...

    async def read(self) -> str: ...


def fields_of(
    page: Page, sheet: ListingSheet, language: str, timeout: float, *, spoken: str | None = None
) -> dict[str, Field]:
    """The fields of this sheet in the order they are filled: most exist only once a leaf category is chosen.

    `language` is the account's; `spoken` that of the page, where it is known to be another."""
    spoken = spoken or language

    def panel(name: str, found: selectors.PanelSelectors) -> Panel:
        return Panel(page, name, found, timeout)

    def several(name: str, found: selectors.PanelSelectors, choices: Sequence[Choice], optional: bool) -> Field:
        return Several(panel(name, found), choices, timeout / 10 if optional else None)

    colours = [option_of(c, spoken, selectors.colour_option(c.id)) for c in sheet.colours]
    materials = [option_of(m, spoken, selectors.material_option(m.id) if m.as_offered else "") for m in sheet.materials]
    condition = option_of(sheet.condition, spoken, selectors.condition_option(sheet.condition.id))
    found: dict[str, Field | None] = {
        "photos": Photos(page, sheet.photos, timeout * PHOTO_PATIENCE),
        "title": Text(page.locator(selectors.TITLE).first, sheet.title),
        "description": Text(page.locator(selectors.DESCRIPTION).first, sheet.description),
        "category": Single(panel("category", selectors.CATEGORY), category(sheet.leaf, spoken)),
        "brand": Single(panel("brand", selectors.BRAND), brand(page, sheet.brand, timeout)),
        "size": Single(panel("size", selectors.SIZE), listed(size(sheet.size))) if sheet.size else None,
        "condition": Single(panel("condition", selectors.CONDITION), listed(condition)),
        "colours": several("colours", selectors.COLOURS, colours, False) if colours else None,
        "materials": several("materials", selectors.MATERIALS, materials, True) if materials else None,
        "price": Price(page.locator(selectors.PRICE).first, sheet.price, spoken),
        "parcel": Parcel(page, sheet.parcel, language),
    }
    return {name: field for name, field in found.items() if field is not None}


@dataclass(frozen=True)
class Text:
    box: Locator
    text: str

    async def enter(self) -> str:
        await self.box.fill(self.text)
        return self.text

    async def read(self) -> str:
        return await self.box.input_value()


@dataclass(frozen=True)
class Price:
    """Commits on focus-out. Tried with the language's separator first, then with the other one."""

    box: Locator
    price: Decimal
    language: str

    async def enter(self) -> str:
        text = price_text(self.price, self.language)
        for typed in (text, text.translate(str.maketrans(",.", ".,"))):
            await self.box.fill(typed)
            await self.box.blur()
            if same("price", text, await self.read()):
                break
        return text

    async def read(self) -> str:
        return await self.box.input_value()


@dataclass
class Photos:
    """Entering again goes on after the last one accepted: none is given twice."""

    page: Page
    files: Sequence[Path]
    timeout: float
    accepted: int = 0

    async def enter(self) -> str:
        missing = self.files[self.accepted :]
        async for number in photos.upload(self.page, missing, self.accepted, self.timeout):
            self.accepted = number
        return str(len(self.files))

    async def read(self) -> str:
        return str(await photos.count(self.page))


@dataclass(frozen=True)
class Single:
    """A dropdown with one choice."""

    panel: Panel
    search: Search

    async def enter(self) -> str:
        return await self.panel.choose(self.search)

    async def read(self) -> str:
        return await self.panel.value()


@dataclass(frozen=True)
class Several:
    """A dropdown with several choices. `patience`: seconds to wait for a field that not every category has."""

    panel: Panel
    choices: Sequence[Choice]
    patience: float | None

    async def enter(self) -> str | None:
        if self.patience is not None and not await self.panel.is_there(self.patience):
            return None
        return await self.panel.choose_set(self.choices)

    async def read(self) -> str:
        return await self.panel.value()


@dataclass(frozen=True)
class Parcel:
    page: Page
    size: Term
    language: str

    async def enter(self) -> str:
        label = self.page.locator(selectors.parcel_option(self.size.id)).first
        await label.wait_for()
        if await self.read() != self.size.name(self.language):
            await label.click()
        return self.size.name(self.language)

    async def read(self) -> str:
        sizes = [self.size if one.slug == self.size.slug else one for one in catalog.parcels().values()]
        radios = [selectors.parcel_radio(size.id) for size in sizes]
        chosen = await self.page.locator(selectors.either(*radios)).evaluate_all(CHOSEN, radios)
        return sizes[chosen[0]].name(self.language) if chosen else ""


def listed(choice: Choice) -> Search:
    async def search(panel: Panel) -> Found:
        return await panel.option(choice)

    return search


def option_of(term: Term, language: str, place: str) -> Choice:
    """By the id, unless what stands there bears another name than the site's own or one of our other options'; else by
    the names."""
    names = site_names.of(term, language)

    def doubts(title: str) -> bool:
        return not fitting(names, [title]) if term.as_offered else is_another(term, title, language)

    return Choice(names[0], partial(fitting, names), place, doubts)


def size(option: SizeOption) -> Choice:
    return Choice(option.label, partial(sizes_fitting, option))


def category(leaf: Leaf, language: str) -> Search:
    """Down the tree from its top, level by level: by the names of the leaf's path, or by the ids the site told."""

    def step(number: int, names: site_names.Names) -> Choice:
        fits = partial(fitting, names)
        return Choice(
            names[0], fits, selectors.category_row(number) if leaf.as_offered else "", lambda t: not fits([t])
        )

    steps = [step(*one) for one in zip(leaf.ids, site_names.levels(leaf, language), strict=True)]

    async def search(panel: Panel) -> Found:
        for branch, below in pairwise(steps):
            await panel.descend(branch, below)
        return await panel.option(steps[-1])

    return search


def brand(page: Page, name: str, timeout: float) -> Search:
    """The exact brand; for one the marketplace does not know, "use … as brand"; for "", "no brand"."""

    async def search(panel: Panel) -> Found:
        if not name:
            return await panel.at(selectors.BRAND_NONE)
        box = page.locator(selectors.BRAND_SEARCH).first
        await (box if await box.is_visible() else panel.trigger).fill(name)
        known, custom = (
            panel.content.locator(selectors.brand_row(name)).first,
            page.locator(selectors.BRAND_CUSTOM).first,
        )
        if not await appears(known.or_(custom).first, timeout / 2):
            raise panel.refused(f"the marketplace offers no brand {name!r}")
        there = await known.is_visible() or await appears(known, timeout / 15)  # however slow the browser is
        return Found(known if there else custom, name)

    return search
