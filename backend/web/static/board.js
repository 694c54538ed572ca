// <photo-board>: photos are chosen and put somewhere, by tapping, by dragging or by keys. Every change is one request to
// the API (`data-api`), named with the board's revision; then the board as the server has it now is laid over this one:
// it is sent whole but for the cards that stand here already as they are, which are known by `data-version`.
// Dragging is `board-drag.js`'s.

import { watchDrags } from "./board-drag.js";
import { lookAt } from "./board-look.js";

const LOOK_AGAIN = 1500;
const TRY_AGAIN = 3000;
const MOST_KNOWN = 6000; // characters, as the server takes them: beyond, the whole page is asked for
const KEYS = { n: "new", m: "merge", u: "unsorted", c: "cover", r: "turn", z: "undo", y: "redo", Delete: "bin", Backspace: "bin", p: "here", v: "look", Escape: "clear" };

const newId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

const set = (element, name, value) => element.getAttribute(name) === String(value) || element.setAttribute(name, value);

class PhotoBoard extends HTMLElement {
  connectedCallback() {
    this.chosen = new Set();
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("dblclick", (event) => event.target.closest(".tile") && lookAt(event.target.closest(".tile")));
    this.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("keydown", (event) => event.target === document.body && this.pressed(event));
    watchDrags(this);
    this.show();
    this.later();
    keysReady();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  // What is where

  get tiles() {
    return [...this.querySelectorAll(".tile")];
  }

  placeOf(element) {
    return element?.closest("[data-place]")?.dataset.place;
  }

  get inOrder() {
    return this.tiles.filter((tile) => this.chosen.has(tile.dataset.photo));
  }

  // Choosing

  clicked(event) {
    const tile = event.target.closest(".tile");
    const pick = event.target.closest(".pick");
    const wish = event.target.closest("[data-do]");
    if (tile) return this.toggle(tile, event.shiftKey);
    if (pick) return this.chosen.size && !this.wholeItem(pick) ? this.put(pick.dataset.pick) : this.pickItem(pick);
    if (wish) this.carryOut(wish.dataset.do);
  }

  toggle(tile, range) {
    const tiles = this.tiles;
    if (range && this.anchor) {
      const [from, to] = [tiles.findIndex((one) => one.dataset.photo === this.anchor), tiles.indexOf(tile)].sort((a, b) => a - b);
      for (const one of tiles.slice(Math.max(0, from), to + 1)) this.chosen.add(one.dataset.photo);
    } else if (!this.chosen.delete(tile.dataset.photo)) this.chosen.add(tile.dataset.photo);
    this.anchor = tile.dataset.photo;
    this.show();
  }

  photosOf(pick) {
    return [...pick.closest("[data-place]").querySelectorAll(".tile")].map((tile) => tile.dataset.photo);
  }

  // Whether nothing is chosen but photos of this very item: then its button chooses, else it takes what is chosen in.
  wholeItem(pick) {
    const mine = this.photosOf(pick);
    return [...this.chosen].every((photo) => mine.includes(photo));
  }

  pickItem(pick) {
    const mine = this.photosOf(pick);
    const all = mine.every((photo) => this.chosen.has(photo));
    for (const photo of mine) all ? this.chosen.delete(photo) : this.chosen.add(photo);
    this.show();
  }

  clear() {
    this.chosen.clear();
    this.show();
  }

  show() {
    const known = new Set(this.tiles.map((tile) => tile.dataset.photo));
    for (const photo of this.chosen) if (!known.has(photo)) this.chosen.delete(photo);
    const focused = document.activeElement?.closest?.(".tile")?.dataset.photo;
    this.tiles.forEach((tile, n) => {
      const button = tile.firstElementChild;
      set(button, "aria-pressed", this.chosen.has(tile.dataset.photo));
      set(button, "tabindex", (focused ? tile.dataset.photo === focused : n === 0) ? 0 : -1); // one stop; arrows go on
    });
    for (const pick of this.querySelectorAll(".pick")) {
      const sign = this.chosen.size && !this.wholeItem(pick) ? "↓" : "✓";
      if (pick.textContent !== sign) pick.textContent = sign;
    }
    this.querySelector(".hand").hidden = !this.chosen.size;
    const text = this.chosen.size === 1 ? this.dataset.selectedOne : this.dataset.selected;
    this.querySelector(".hand-count").textContent = text.replace("{n}", this.chosen.size);
  }

  // Keys

  pressed(event) {
    if (event.defaultPrevented || event.altKey || event.target.closest("input, select, textarea, [popover]")) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "z") return this.key(event, event.shiftKey ? "redo" : "undo");
    if (command) return;
    if (event.key.startsWith("Arrow")) return this.step(event);
    const wish = KEYS[event.key] ?? KEYS[event.key.toLowerCase()]; // with caps lock too
    if (wish && (["undo", "redo", "look"].includes(wish) || this.chosen.size)) this.key(event, wish);
  }

  key(event, wish) {
    event.preventDefault();
    if (wish === "here") this.putHere(document.activeElement?.closest(".tile"));
    else this.carryOut(wish);
  }

  step(event) {
    const tiles = this.tiles;
    const here = tiles.indexOf(event.target.closest(".tile"));
    if (here < 0 && event.target !== document.body) return;
    event.preventDefault();
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = here < 0 ? tiles[0] : by ? tiles[here + by] : this.across(tiles, here, event.key === "ArrowDown");
    if (!next) return;
    tiles.forEach((tile) => (tile.firstElementChild.tabIndex = tile === next ? 0 : -1));
    next.firstElementChild.focus();
    next.scrollIntoView({ block: "nearest" });
    if (event.shiftKey) {
      this.chosen.add(next.dataset.photo).add(tiles[Math.max(0, here)].dataset.photo);
      this.show();
    }
  }

  // The first photo of the item after, or before, this one.
  across(tiles, here, down) {
    const place = this.placeOf(tiles[here]);
    if (down) return tiles.slice(here).find((tile) => this.placeOf(tile) !== place);
    const before = tiles.slice(0, here).filter((tile) => this.placeOf(tile) !== place).at(-1);
    return before && tiles.find((tile) => this.placeOf(tile) === this.placeOf(before));
  }

  // Changes

  carryOut(wish) {
    const first = this.inOrder[0];
    const photos = this.inOrder.map((tile) => tile.dataset.photo);
    switch (wish) {
      case "clear": return this.clear();
      case "look": return lookAt(document.activeElement?.closest?.(".tile") ?? first);
      case "undo": case "redo": return this.change({}, `/${wish}`);
      case "new": case "unsorted": case "bin": return this.put(wish);
      case "turn": return this.change({ photos }, "/turn", true);
      case "cover": return this.put(this.placeOf(first), first.parentElement.firstElementChild.dataset.photo);
      case "merge": return this.merge(first, photos);
    }
  }

  put(to, before = null) {
    const tiles = this.inOrder.filter((tile) => tile.dataset.photo !== before);
    const photos = tiles.map((tile) => tile.dataset.photo);
    if (!photos.length) return;
    const focused = this.focusAfter(tiles, to);
    this.showMoved(tiles, to, before);
    focused?.firstElementChild.focus({ preventScroll: true }); // a tile that is moved loses it
    return this.change({ photos, to, before });
  }

  // Where the focus goes on from: on the photo it is on, but on the next that stays where that one is deleted.
  focusAfter(leaving, to) {
    const focused = document.activeElement?.closest?.(".tile");
    if (to !== "bin" || !leaving.includes(focused)) return focused;
    const stays = (tile) => !leaving.includes(tile) && !tile.closest(".bin");
    const [tiles, at] = [this.tiles, this.tiles.indexOf(focused)];
    return tiles.slice(at).find(stays) ?? tiles.slice(0, at).findLast(stays);
  }

  // At once, as it will be; what the server says is laid over it in a moment.
  showMoved(tiles, to, before) {
    const place = this.querySelector(`[data-place="${CSS.escape(to)}"]`);
    if (!place) return;
    for (const touched of [place, ...tiles.map((tile) => tile.closest("[data-place]"))]) touched.closest("[data-version]")?.removeAttribute("data-version");
    const list = place.querySelector(".tiles");
    const next = before && list.querySelector(`#p-${CSS.escape(before)}`);
    for (const tile of tiles) list.insertBefore(tile, next || null);
  }

  putHere(tile) {
    if (tile) return this.put(this.placeOf(tile), tile.dataset.photo);
  }

  // The items of all chosen photos become one, that of the first; loose photos come along.
  merge(first, photos) {
    const items = [...new Set(this.inOrder.map((tile) => this.placeOf(tile)))].filter((place) => place !== "unsorted" && place !== "bin");
    const [to, ...others] = items.length ? items : ["new"];
    const loose = photos.filter((photo) => !items.includes(this.placeOf(this.querySelector(`#p-${photo}`))));
    return this.change({ photos: loose, items: others, to });
  }

  // One after the other: a change asked for while another is under way waits its turn. What was chosen is let go at once,
  // so that the next can be chosen meanwhile; the page is asked for again after the last.
  change(body, what = "", keep = false) {
    const held = keep ? [] : [...this.chosen];
    if (!keep) this.clear();
    this.waiting = (this.waiting ?? 0) + 1;
    this.turn = (this.turn ?? Promise.resolve()).then(() => this.send(body, what, held));
    return this.turn;
  }

  // Until there is an answer the same change is sent again, under its one id: the server makes it once.
  async send(body, what, held) {
    const change = JSON.stringify({ revision: Number(this.dataset.revision), sent_as: newId(), ...body });
    let answer;
    while (!(answer = await this.ask(what, change))) {
      this.tell(this.dataset.unreached);
      await this.reachable();
    }
    this.waiting -= 1;
    const { ok, said } = answer;
    if (ok) this.dataset.revision = said.revision;
    else {
      this.tell(this.reason(said));
      for (const photo of held) this.chosen.add(photo); // to try again with
    }
    if (!this.waiting) await this.refresh();
  }

  // null where the answer got lost on the way, or is a proxy's that had none.
  async ask(what, body) {
    const headers = { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang, Prefer: "return=minimal" };
    const answer = await fetch(this.dataset.api + what, { method: "POST", headers, body }).catch(() => null);
    const said = await answer?.json().catch(() => null);
    return said || (answer && !answer.ok && answer.status < 502) ? { ok: answer.ok, said } : null;
  }

  reachable() {
    return new Promise((tryAgain) => {
      setTimeout(tryAgain, TRY_AGAIN);
      addEventListener("online", tryAgain, { once: true });
    });
  }

  reason(problem) {
    const known = { stale_board: "stale", item_in_publication: "fixed", batch_sorting: "sorting", photo_twice: "twice" }[problem?.code];
    return known ? this.dataset[known] : (problem?.detail ?? this.dataset.failed);
  }

  tell(text) {
    const toast = this.querySelector(".toast");
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => (toast.hidden = true), 6000);
  }

  // The page as it is now

  later() {
    clearTimeout(this.timer);
    if ("moving" in this.dataset) this.timer = setTimeout(() => this.refresh(), LOOK_AGAIN);
  }

  // The page's address; with what is here already, for an answer that is no longer than what is new.
  get news() {
    const known = [...this.querySelectorAll("[data-version]")].map((card) => card.dataset.version).join(".");
    const address = new URL(location);
    if (known.length <= MOST_KNOWN) address.searchParams.set("known", known);
    return address;
  }

  async refresh() {
    const answer = await fetch(this.news, { headers: { Accept: "text/html" } }).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => null) : null;
    if (text && !this.dragging && !this.waiting) {
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(this.id);
      if (!fresh) return location.reload(); // another page by now: one is to sign in
      const focused = document.activeElement?.closest?.(".tile")?.id;
      fresh.querySelector(".toast").replaceWith(this.querySelector(".toast").cloneNode(true));
      const same = (before, { dataset }) => dataset && ("same" in dataset || ("version" in dataset && dataset.version === before.dataset.version));
      const callbacks = { beforeAttributeUpdated: (name) => name !== "open", beforeNodeMorphed: (...both) => !same(...both) };
      Idiomorph.morph(this, fresh, { morphStyle: "outerHTML", callbacks });
      if (focused) document.getElementById(focused)?.firstElementChild.focus({ preventScroll: true });
      this.show();
    }
    this.later();
  }
}

customElements.define("photo-board", PhotoBoard);
