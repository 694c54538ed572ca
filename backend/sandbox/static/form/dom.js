// Small pieces of the page, built the way the marketplace marks them up.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean" && !name.startsWith("aria-")) element[name] = value;
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const byTestId = (id) => document.querySelector(`[data-testid="${id}"]`);

export const fold = (text) =>
  text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase().trim();

// An option: a [role=button] whose whole text is its label. `kind` adds a radio or a checkbox inside.
export function cell({ id, testid, label, aria, kind, chosen = false, chevron = false, extra = [], pick }) {
  const control = kind && make("input", {
    type: kind, tabindex: -1, checked: chosen, "data-testid": testid ? `${testid}--input` : null,
  });
  const row = make("div", {
    class: `web_ui__Cell__cell web_ui__Cell__default web_ui__Cell__clickable${chevron ? " web_ui__Cell__with-chevron" : ""}`,
    role: "button", tabindex: 0, id, "data-testid": testid, "aria-label": aria, "aria-pressed": String(chosen),
    onclick: pick,
    onkeydown: (event) => event.key === "Enter" && pick(event),
  }, make("div", { class: "web_ui__Cell__heading" }, make("div", { class: "web_ui__Cell__title" }, label)));
  if (kind) row.append(make("span", { class: "web_ui__Cell__suffix" }, control));
  row.append(...extra);
  return row;
}

export const item = (...children) => make("li", { class: "web_ui__Item__item pile__element" }, ...children);

export function showError(field, text) {
  const note = byTestId(`${field}--error`);
  if (!note) return false;
  note.textContent = text;
  note.hidden = !text;
  return true;
}

export function clearErrors() {
  for (const note of document.querySelectorAll("[data-testid$='--error'], [data-testid=upload-form-error]")) {
    note.hidden = true;
    note.textContent = "";
  }
}
