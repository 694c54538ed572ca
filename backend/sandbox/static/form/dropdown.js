// A field with a panel. The panel, and so every option, is in the page only while it is open; the input toggles it,
// typing into the input filters it, and Escape or a click elsewhere closes it.
import { item, make } from "./dom.js";

let current = null;

document.addEventListener("click", (event) => {
  if (current && !event.composedPath().includes(current.content)) current.close();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") current?.close();
});

export class Dropdown {
  // `options(query)` gives the rows (or a promise of them), `text()` the chosen value as shown,
  // `head()` what stands above the rows, `grid` lays them out as tiles.
  constructor({ name, testid, label, options, text, head, grid = false, alias = null, onclose = () => {} }) {
    Object.assign(this, { name, testid, options, text, head, grid, alias, onclose });
    this.query = "";
    this.ignoring = { trigger: false, option: false };
    this.input = make("input", {
      id: name, name, "data-testid": `${testid}-input`, class: "c-input__value u-cursor-pointer", autocomplete: "off",
      onclick: () => this.toggle(),
      oninput: () => this.typed(),
    });
    this.content = make("div", { class: "c-input__content" }, this.input);
    this.root = make("div", { class: "c-input" },
      make("label", { class: "c-input__title", for: name }, label),
      this.content,
      make("p", { class: "c-input__note", role: "alert", "data-testid": `${name}--error`, hidden: true }));
    this.show();
  }

  get isOpen() {
    return current === this;
  }

  toggle() {
    if (this.ignoring.trigger) this.ignoring.trigger = false;
    else if (this.isOpen) this.close();
    else this.open();
  }

  open() {
    current?.close();
    current = this;
    this.query = "";
    this.list = make("ul", { class: `web_ui__List__list${this.grid ? " web_ui__List__grid" : ""}` });
    const inside = make("div", { class: "input-dropdown__content input-dropdown__content--scrollable" });
    if (this.head) inside.append(this.head());
    inside.append(this.list);
    this.panel = make("div", { class: "input-dropdown", "data-testid": `${this.testid}-content` },
      this.alias ? make("div", { "data-testid": this.alias }, inside) : inside);
    this.content.append(this.panel);
    this.refresh();
  }

  close() {
    if (!this.isOpen) return;
    current = null;
    this.panel.remove();
    this.query = "";
    this.show();
    this.onclose();
  }

  show() {
    this.input.value = this.text();
  }

  typed() {
    if (this.isOpen) this.search(this.input.value);
    else this.show();
  }

  search(query) {
    this.query = query;
    this.refresh();
  }

  async refresh() {
    const asked = (this.asked = Symbol());
    const rows = await this.options(this.query);
    if (this.asked === asked && this.isOpen) this.list.replaceChildren(...rows.map((row) => (row.tagName === "LI" ? row : item(row))));
  }

  // Wraps what a click on an option does, so that the first one can be made to do nothing.
  picking(act) {
    return (event) => {
      event.stopPropagation();
      if (this.ignoring.option) {
        this.ignoring.option = false;
        event.preventDefault();
        return;
      }
      act();
    };
  }
}
