// The fields that exist only after a leaf category: brand, size, condition, colours, material.
import { cell, fold, make } from "./dom.js";
import { Dropdown } from "./dropdown.js";

const matching = (options, query) => options.filter((option) => fold(option.title).includes(fold(query)));
const titles = (options, ids) => ids.map((id) => options.find((option) => option.id === id)?.title).filter(Boolean).join(", ");

export function brandField({ form, labels, api }) {
  let results = null;
  const choose = (brand) => field.picking(() => { form.brand = brand; field.close(); });
  const row = (brand) => cell({
    id: `brand-${brand.id}`, testid: `brand-radio-${brand.id}`, label: brand.title, aria: brand.title, kind: "radio",
    chosen: form.brand?.id === brand.id, pick: choose(brand),
  });
  const options = async (query) => {
    const typed = query.trim();
    if (typed) await new Promise((done) => setTimeout(done, 120)); // the real search waits for a pause in the typing too
    if (typed && field.query !== query) return results ?? [];
    results = (await api.get(`/api/v2/item_upload/brands?keyword=${encodeURIComponent(typed)}`)).brands.map(row);
    const exact = results.some((found) => fold(found.getAttribute("aria-label")) === fold(typed));
    if (typed && !exact) {
      const label = labels.brand_custom.replace("{name}", typed);
      results.push(cell({ id: "custom-select-brand", testid: "custom-select-brand", label, pick: choose({ id: null, title: typed }) }));
    }
    results.push(cell({ id: "empty-brand", testid: "empty-brand", label: labels.brand_none, pick: choose({ id: null, title: "" }) }));
    return results;
  };
  const head = () => {
    const box = make("input", {
      id: "brand-search-input", "data-testid": "brand-search--input", class: "c-input__value",
      placeholder: labels.brand_search, autocomplete: "off", oninput: () => field.search(box.value),
    });
    return box;
  };
  const field = new Dropdown({
    name: "brand", testid: "brand-select-dropdown", label: labels.brand, options, head,
    text: () => (form.brand ? form.brand.title || labels.no_brand : ""),
  });
  return field;
}

export function sizeField({ form, labels, attribute, newer }) {
  const { options: sizes, size_group_id: group } = attribute.configuration;
  const row = (size) => cell({
    id: `size-${size.id}`, testid: newer ? `size-group-${group}-grid-option-${size.id}` : null, label: size.title,
    aria: size.title, chosen: form.size_id === size.id,
    pick: field.picking(() => { form.size_id = size.id; field.close(); }),
  });
  const field = new Dropdown({
    name: "size", testid: newer ? "category-size-single-grid" : "size-select-dropdown", label: labels.size, grid: newer,
    options: (query) => matching(sizes, query).map(row), text: () => titles(sizes, [form.size_id]),
  });
  return field;
}

export function conditionField({ form, labels, attribute, newer }) {
  const { options: conditions } = attribute.configuration;
  const row = (condition) => cell({
    id: `condition-${condition.id}`, testid: `condition-radio-${condition.id}`, label: condition.title, kind: "radio",
    chosen: form.condition_id === condition.id,
    pick: field.picking(() => { form.condition_id = condition.id; field.close(); }),
  });
  const field = new Dropdown({
    name: "condition", testid: "category-condition-single-list", label: labels.condition,
    alias: newer ? null : "condition-select-dropdown-content",
    options: (query) => matching(conditions, query).map(row), text: () => titles(conditions, [form.condition_id]),
  });
  return field;
}

// Colours toggle; a third evicts the first; the input shows them only once the panel is closed.
export function colourField({ form, labels, attribute, newer, codes }) {
  const { options: colours, selection_limit: limit } = attribute.configuration;
  const toggle = (id) => field.picking(() => {
    const without = form.color_ids.filter((other) => other !== id);
    form.color_ids = without.length < form.color_ids.length ? without : [...form.color_ids, id].slice(-limit);
    field.input.value = "";
    field.search("");
  });
  const row = (colour) => {
    const code = `color_code_${codes.get(colour.id)}`;
    const dot = make("span", { class: `color-dot ${code}`, "data-testid": code });
    return cell({
      id: `color-${colour.id}`, testid: `${newer ? "filter-grid-option" : "color-checkbox"}-${colour.id}`, label: colour.title,
      kind: newer ? null : "checkbox", chosen: form.color_ids.includes(colour.id), extra: newer ? [dot] : [],
      aria: colour.title, pick: toggle(colour.id),
    });
  };
  const field = new Dropdown({
    name: "color", testid: "color-select-dropdown", label: labels.color, grid: newer,
    options: (query) => matching(colours, query).map(row), text: () => titles(colours, form.color_ids),
  });
  return field;
}

// At most three materials: a fourth is not taken.
export function materialField({ form, labels, attribute }) {
  const { options: materials, selection_limit: limit } = attribute.configuration;
  const toggle = (id) => field.picking(() => {
    if (form.material_ids.includes(id)) form.material_ids = form.material_ids.filter((other) => other !== id);
    else if (form.material_ids.length < limit) form.material_ids = [...form.material_ids, id];
    field.show();
    field.search("");
  });
  const row = (material) => cell({
    id: `material-${material.id}`, testid: `material-checkbox-${material.id}`, label: material.title, kind: "checkbox",
    chosen: form.material_ids.includes(material.id), pick: toggle(material.id),
  });
  const field = new Dropdown({
    name: "material", testid: "category-material-multi-list", label: labels.material,
    options: (query) => matching(materials, query).map(row), text: () => titles(materials, form.material_ids),
  });
  return field;
}
