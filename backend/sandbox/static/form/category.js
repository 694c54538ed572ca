// The category: a tree walked level by level in one open panel, searched as a whole, or suggested from the title.
import { cell, fold, item, make } from "./dom.js";
import { Dropdown } from "./dropdown.js";

export function leafPath(catalogs, id, path = []) {
  for (const node of catalogs) {
    const here = [...path, node];
    if (node.id === id) return here;
    const found = leafPath(node.catalogs, id, here);
    if (found) return found;
  }
  return null;
}

const leavesOf = (nodes, path = []) => nodes.flatMap((node) => {
  const here = [...path, node];
  return node.catalogs.length ? leavesOf(node.catalogs, here) : [here];
});

export function categoryField({ form, catalogs, labels, chosen }) {
  const leaves = leavesOf(catalogs);
  let level = [];
  let searched = "";
  const choose = (leaf) => {
    form.catalog_id = leaf.id;
    field.close();
    chosen(leaf);
  };
  const row = (node) => cell({
    id: `catalog-${node.id}`, testid: `catalog-${node.id}`, label: node.title, chevron: node.catalogs.length > 0,
    pick: field.picking(() => {
      if (!node.catalogs.length) return choose(node);
      level = [...level, node];
      field.input.value = "";
      return field.search("");
    }),
  });
  const result = (path) => {
    const line = item(row(path.at(-1)), make("span", { class: "catalog-path" }, path.slice(0, -1).map((n) => n.title).join(" > ")));
    line.id = `catalog-search-${path.at(-1).id}-result`;
    return line;
  };
  const suggestions = () => {
    const words = fold(form.title).split(/[^a-z0-9]+/).filter((word) => word.length > 3);
    const fits = (leaf) => fold(leaf.title).split(/[^a-z0-9]+/).some((part) =>
      part.length > 3 && words.some((word) => word.startsWith(part.slice(0, 5)) || part.startsWith(word)));
    return leaves.map((path) => path.at(-1)).filter(fits).slice(0, 3).map((leaf) => cell({
      id: `catalog-suggestion-${leaf.id}`, testid: `catalog-suggestion-${leaf.id}`, label: leaf.title, kind: "radio",
      pick: field.picking(() => choose(leaf)),
    }));
  };
  const options = (query) => {
    if (searched) return leaves.filter((path) => fold(path.at(-1).title).includes(fold(searched))).map(result);
    const nodes = level.length ? level.at(-1).catalogs : catalogs;
    const rows = nodes.filter((node) => fold(node.title).includes(fold(query))).map(row);
    return level.length || query ? rows : [...suggestions(), ...rows];
  };
  const head = () => {
    level = [];
    searched = "";
    const box = make("input", {
      id: "catalog-search-input", "data-testid": "catalog-search-input", class: "c-input__value",
      placeholder: labels.category_search, autocomplete: "off",
      oninput: () => { searched = box.value.trim(); field.refresh(); },
    });
    const back = make("button", { type: "button", "data-testid": "catalog-back", onclick: () => {
      level = level.slice(0, -1);
      field.refresh();
    } }, labels.back);
    return make("div", {}, box, back);
  };
  const field = new Dropdown({
    name: "category", testid: "catalog-select-dropdown", label: labels.category, options, head,
    text: () => leafPath(catalogs, form.catalog_id)?.at(-1).title ?? "",
  });
  return field;
}
