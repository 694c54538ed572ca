// Search boxes of the review: <category-search> looks through the category tree and sets category and department at
// once, <brand-search> offers brands while one is typed. Both are comboboxes as ARIA describes them.

let made = 0;

class SearchBox extends HTMLElement {
  connectedCallback() {
    if (this.input) return;
    this.input = this.field();
    this.list = document.createElement("ul");
    this.list.id = `found-${(made += 1)}`;
    this.list.className = "found";
    this.list.role = "listbox";
    this.list.hidden = true;
    this.list.setAttribute("aria-label", this.input.getAttribute("aria-label") ?? this.input.labels?.[0]?.textContent ?? "");
    this.nothing = document.createElement("p");
    this.nothing.className = "found nothing";
    this.nothing.role = "status"; // said, and seen, where nothing is found
    this.append(this.list, this.nothing);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": this.list.id, "aria-autocomplete": "list" })) this.input.setAttribute(name, value);
    this.input.addEventListener("input", () => this.look());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the box
    this.list.addEventListener("click", (event) => this.choose(event.target.closest("[role=option]")));
  }

  async look() {
    const asked = (this.asked = this.input.value);
    const found = await this.find(asked.trim());
    if (asked !== this.asked) return; // something else was typed meanwhile
    this.list.replaceChildren(...found.map((one, n) => this.option(one, n)));
    this.at = -1;
    this.list.hidden = !found.length;
    this.nothing.textContent = found.length || !asked.trim() ? "" : this.dataset.none;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  option(one, n) {
    const item = document.createElement("li");
    item.role = "option";
    item.id = `${this.list.id}-${n}`;
    item.textContent = this.text(one);
    item.shown = one;
    return item;
  }

  pressed(event) {
    const options = [...this.list.children];
    if (event.key === "Escape" && !(this.list.hidden && !this.nothing.textContent)) {
      event.stopPropagation();
      return this.close();
    }
    if (event.key === "Enter" && options[this.at]) {
      event.preventDefault();
      return this.choose(options[this.at]);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !options.length) return;
    event.preventDefault();
    this.at = (this.at + step + options.length) % options.length;
    options.forEach((option, n) => option.setAttribute("aria-selected", String(n === this.at)));
    options[this.at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", options[this.at].id);
  }

  choose(option) {
    if (!option) return;
    this.close();
    this.take(option.shown);
  }

  close() {
    this.asked = null;
    this.list.hidden = true;
    this.nothing.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
  }
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
let categories;

class CategorySearch extends SearchBox {
  field() {
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = this.dataset.placeholder;
    input.setAttribute("aria-label", this.dataset.label);
    input.autocomplete = "off";
    this.prepend(input);
    input.addEventListener("change", (event) => event.stopPropagation()); // it is no field of the draft
    return input;
  }

  async find(wanted) {
    if (!wanted) return [];
    categories ??= await fetch("/catalog/categories").then((answer) => answer.json());
    const words = plain(wanted).split(/\s+/);
    const here = this.closest("form").querySelector("[name=audience]:checked")?.value;
    const found = categories.filter((one) => words.every((word) => plain(one.words).includes(word)));
    return found.sort((a, b) => (b.audience === here) - (a.audience === here)).slice(0, 8);
  }

  text({ path }) {
    return path;
  }

  take({ category, audience }) {
    const form = this.closest("form");
    form.querySelector(`[name=audience][value="${audience}"]`).checked = true;
    const select = form.elements.category;
    select.value = category;
    this.input.value = "";
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

class BrandSearch extends SearchBox {
  field() {
    return this.querySelector("input");
  }

  find(wanted) {
    return fetch(`/catalog/brands?q=${encodeURIComponent(wanted)}`).then((answer) => answer.json());
  }

  text(name) {
    return name;
  }

  take(name) {
    this.input.value = name;
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

customElements.define("category-search", CategorySearch);
customElements.define("brand-search", BrandSearch);
