"""Dropdown panels: opening one that may ignore a click, choosing in it, closing it, reading what it then shows.

Owns the mechanics every panel of the form shares. Does not know what a category or a colour is (`fields.py`).

Every wait is on something the page shows. Waits grow from try to try, so that a panel that is merely slow is not
toggled shut by an impatient second click. What a field holds is read with its list closed: an open one may show
what was typed to filter it, or nothing.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, Protocol, TypedDict

from playwright.async_api import Error, Locator, Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from backend.core.errors import ListingRejected
from backend.core.ontology import nearest
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.selectors import PanelSelectors
from backend.marketplace.vinted_web.values import split_names

TRIES = 4
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
FIRST_VALUE = "fields => fields.length ? fields[0].value : ''"
IS_CHOSEN = """(element, row) => {
    const option = element.closest(row) ?? element;
    const box = option.querySelector('input[type=checkbox], input[type=radio]');
    if (box) return box.checked;
    for (const name of ['aria-checked', 'aria-pressed', 'aria-selected'])
        if (option.hasAttribute(name)) return option.getAttribute(name) === 'true';
    return null;
}"""


LISTED = """(list, {place, aside, known, patience}) => new Promise(done => {
    const seen = element => element.getClientRects().length > 0;
    const said = element => element.textContent.replace(/\\s+/g, ' ').trim();
    const look = () => ({
        there: place !== '' && [...list.querySelectorAll(place)].some(seen),
        titles: [...list.querySelectorAll('*')]
            .filter(one => said(one) && ![...one.children].some(said) && !one.closest(aside) && seen(one))
            .map(said),
    });
    const changed = now => JSON.stringify(now) !== JSON.stringify(known);
    const end = now => { watcher.disconnect(); clearTimeout(timer); done(now); };
    const watcher = new MutationObserver(() => { const now = look(); if (changed(now)) end(now); });
    watcher.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    const timer = setTimeout(() => end(look()), patience);
    const first = look();
    if (changed(first)) end(first);
})"""
"""What an open list offers, as soon as that is not what is known of it already, or when patience ends."""
SOME = 8
"""So many of the options are named where none is like the one sought."""
LOOK = 1.0
"""Seconds after which a list is looked for anew: it may have been drawn again meanwhile."""


class Listed(TypedDict):
    """`there`: whether the option sought by its place can be seen; `titles`: all that can be read on the list."""

    there: bool
    titles: list[str]


@dataclass(frozen=True)
class Choice:
    """An option to choose: our name for it, which titles on the open list can be it, and where it stands if its id is
    known: `place` "" if not. An option there counts unless its title is one that `doubts` it."""

    name: str
    fits: Callable[[Sequence[str]], list[str]]
    place: str = ""
    doubts: Callable[[str], bool] = lambda title: False


def titled(name: str) -> Choice:
    """The option that the page itself calls so."""
    return Choice(name, lambda titles: [name] if name in titles else [])


@dataclass(frozen=True)
class Found:
    """An option on an open list. `shown` is what the closed field will show for it, None when nobody can tell."""

    option: Locator
    shown: str | None


class Search(Protocol):
    """Brings the wanted option onto an open list."""

    async def __call__(self, panel: "Panel") -> Found: ...


class Panel:
    """One dropdown of the form. `timeout`, in seconds, bounds each wait."""

    def __init__(self, page: Page, field: str, found: PanelSelectors, timeout: float) -> None:
        self._page = page
        self._field = field
        self._timeout = timeout
        self._shown = page.locator(found.trigger)
        self.trigger = self._shown.first
        self.content = page.locator(found.content).first

    async def value(self) -> str:
        """What the field shows, or "" when it is not on the form."""
        return str(await self._shown.evaluate_all(FIRST_VALUE)).strip()

    async def is_there(self, seconds: float) -> bool:
        return await appears(self.trigger, seconds)

    async def open(self) -> None:
        """Clicks until the list shows. Raises `ListingRejected` when it never does."""
        for patience in self._patience():
            if await self.content.is_visible():
                return
            await self.trigger.click()
            if await appears(self.content, patience):
                return
        raise self.refused("its list of options does not open")

    async def close(self) -> None:
        """Toggles the list shut, unless choosing closed it."""
        if await self.content.is_visible():
            await self._page.evaluate(TWO_FRAMES)  # choosing may be about to close it
        for patience in self._patience():
            if not await self.content.is_visible():
                return
            await self.trigger.click()
            if await appears(self.content, patience, state="hidden"):
                return
        raise self.refused("its list of options does not close")

    async def option(self, choice: Choice) -> Found:
        """The option, awaited. Raises `ListingRejected` when the open list does not have it, or has several like it."""
        listed = await self._listed(choice, self._timeout / 2)
        if listed["there"]:
            found = await self._found(choice.place, choice.name)
            if not choice.doubts(found.shown or ""):
                return found
        named = choice.fits(listed["titles"])
        if len(named) == 1:
            return await self._found(selectors.with_text(named[0]), named[0])
        if named:
            raise self.refused(f"the marketplace offers several like {choice.name!r}: {', '.join(named)}")
        raise self._not_offered(choice, listed)

    async def at(self, css: str) -> Found:
        """The option at this place, awaited; None can tell what is shown for it."""
        option = self.content.locator(css).first
        if not await appears(option, self._timeout / 2):
            raise self.refused(f"the marketplace has no option {css}")
        return Found(option, None)

    async def descend(self, choice: Choice, below: Choice) -> None:
        """Clicks a branch of a tree until the level below it shows, which is another list than this one."""
        branch = (await self.option(choice)).option
        above = listed = await self._look(choice.place, None, 0)
        for patience in self._patience():
            if await branch.is_visible():
                await branch.click()
            listed = await self._listed(below, patience, above)
            if listed["titles"] != above["titles"] and self._offers(below, listed):
                return
        if listed["titles"] not in (above["titles"], []):
            raise self._not_offered(below, listed)
        raise self.refused(f"{choice.name!r} does not lead to {below.name!r}")

    async def choose(self, search: Search) -> str:
        """Chooses one option and returns what the closed field then shows."""
        wanted: str | None = None
        for _ in range(TRIES):
            await self.open()
            found = await search(self)
            wanted = found.shown
            await found.option.click()
            await self.close()
            if wanted is None or await self._shows((wanted,)):
                return await self.value()
        raise self.refused(f"it does not keep {wanted!r}, it shows {await self.value()!r}")

    async def choose_set(self, choices: Sequence[Choice]) -> str:
        """Makes these the only chosen options and returns what the field shows. Options toggle: state before click."""
        for _ in range(TRIES):
            before = split_names(await self.value())
            await self.open()
            wanted = [await self.option(choice) for choice in choices]
            names = [found.shown or "" for found in wanted]
            for extra in before - set(names):
                option = (await self.option(titled(extra))).option
                await self._set(option, chosen=False, was=True)
            for found in wanted:
                await self._set(found.option, chosen=True, was=found.shown in before)
            await self.close()
            if await self._shows(names):
                return await self.value()
        raise self.refused(f"it does not keep {[c.name for c in choices]}, it shows {await self.value()!r}")

    def refused(self, why: str) -> ListingRejected:
        return ListingRejected(f"The field {self._field!r} could not be set: {why}.")

    def _not_offered(self, choice: Choice, listed: Listed) -> ListingRejected:
        titles = tuple(dict.fromkeys(listed["titles"]))
        offered = ", ".join(nearest(choice.name, titles) or titles[:SOME]) or "nothing"
        return self.refused(f"the marketplace does not offer {choice.name!r} (but: {offered})")

    async def _listed(self, choice: Choice, seconds: float, above: Listed | None = None) -> Listed:
        """What the list offers once the choice is among it, or after so many seconds; `above` is the list to leave."""
        end = asyncio.get_running_loop().time() + seconds
        listed = await self._look(choice.place, above, seconds)
        while not self._offers(choice, listed) or listed["titles"] == (above and above["titles"]):
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                break
            listed = await self._look(choice.place, listed, left)
        return listed

    async def _look(self, place: str, known: Listed | None, seconds: float) -> Listed:
        patience = min(seconds, LOOK) * 1000
        asked = {"place": place, "aside": selectors.SUGGESTION, "known": known, "patience": patience}
        try:
            listed: Listed = await self.content.evaluate(LISTED, asked, timeout=self._timeout * 1000)
        except PlaywrightTimeout:  # no list is open
            return Listed(there=False, titles=[])
        except Error:  # another document came; a lost browser can't be asked at all, and raises
            await self._page.evaluate("0")
            return Listed(there=False, titles=[])
        return listed

    @staticmethod
    def _offers(choice: Choice, listed: Listed) -> bool:
        return listed["there"] or bool(choice.fits(listed["titles"]))

    async def _found(self, css: str, name: str) -> Found:
        option = self.content.locator(css).first
        return Found(option, await name_of(option) or name)

    async def _set(self, option: Locator, *, chosen: bool, was: bool) -> None:
        """Clicks only if the option's own mark, or failing one what the closed field showed, is otherwise."""
        marked: bool | None = await option.evaluate(IS_CHOSEN, selectors.OPTION_ROW)
        if (was if marked is None else marked) is not chosen:
            await option.click()

    async def _shows(self, names: Sequence[str]) -> bool:
        """Waits until the field shows these names, in any order."""
        orders = ("\\s*[,;]\\s*".join(map(re.escape, order)) for order in permutations(names))
        pattern = re.compile(rf"^\s*(?:.*[>›]\s*)?(?:{'|'.join(orders)})\s*$", re.IGNORECASE)
        try:
            await expect(self.trigger).to_have_value(pattern, timeout=self._timeout * 100)
        except AssertionError:
            return False
        return True

    def _patience(self) -> Iterator[float]:
        """Seconds to wait after each click, together no more than the timeout."""
        return (self._timeout * 2**n / 2**TRIES for n in range(TRIES))


async def appears(thing: Locator, seconds: float, *, state: Literal["visible", "hidden"] = "visible") -> bool:
    try:
        await thing.wait_for(state=state, timeout=seconds * 1000)
    except PlaywrightTimeout:
        return False
    return True


async def name_of(option: Locator) -> str:
    """The name an option bears: its title where it has one, else its first line, else its label for a reader."""
    title = option.locator(selectors.OPTION_TITLE).first
    text: str = await (title if await title.count() else option).inner_text()
    return next((line.strip() for line in text.splitlines() if line.strip()), "") or (
        await option.get_attribute("aria-label") or ""
    )
