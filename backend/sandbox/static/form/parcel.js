// The parcel's size: three cells, each with a label and a radio of its own; and the unisex box.
import { make } from "./dom.js";

export function parcelFields({ form, labels, parcels, chosen }) {
  const radios = new Map();
  const choose = (id) => {
    form.package_size_id = id;
    for (const [other, radio] of radios) radio.checked = other === id;
    chosen();
  };
  const row = (parcel) => {
    const name = `package_type_selector_${parcel.id}`;
    const radio = make("input", {
      type: "radio", id: name, name, "data-testid": `${name}--input`, checked: form.package_size_id === parcel.id,
      onchange: () => choose(parcel.id),
    });
    radios.set(parcel.id, radio);
    return make("div", {
      class: "web_ui__Cell__cell web_ui__Cell__clickable", role: "button", tabindex: 0,
      "data-testid": `${parcel.id}-package-size--cell`,
      onclick: (event) => event.target.closest("label") || choose(parcel.id),
    },
    make("div", { class: "web_ui__Cell__title" }, make("span", { class: "web_ui__Text__text web_ui__Text__title" }, parcel.title)),
    make("label", { class: "web_ui__Radio__radio", "data-testid": name, for: name }, radio,
      make("span", { class: "web_ui__Radio__button", "aria-hidden": "true" })));
  };
  return make("div", { id: "package_size", class: "web_ui__Card__card" },
    make("h2", {}, labels.package_size),
    ...parcels.map(row),
    make("p", { class: "c-input__note", role: "alert", "data-testid": "package_size--error", hidden: true }));
}

export function unisexField({ form, labels }) {
  const box = make("input", {
    type: "checkbox", id: "unisex", name: "unisex", checked: form.is_unisex, onchange: () => { form.is_unisex = box.checked; },
  });
  return make("div", { class: "c-input" }, box, make("label", { for: "unisex" }, labels.unisex));
}
