// <listing-preview>: the listing as the form has it at this moment. The server's own words come with each save; until
// then these stand. On a phone it is a tab beside the form. Without script it shows what is stored, below the form.

class ListingPreview extends HTMLElement {
  connectedCallback() {
    if (this.listening) return;
    this.listening = true;
    for (const event of ["input", "change"]) addEventListener(event, ({ target }) => target.closest?.("#edit") && this.show());
    addEventListener("htmx:afterSwap", () => this.show());
    addEventListener("click", ({ target }) => {
      const tab = target.closest?.("[data-tab]");
      if (tab) this.turnTo(tab.dataset.tab);
    });
    this.show();
  }

  get form() {
    return document.getElementById("edit");
  }

  show() {
    if (!this.form) return;
    for (const place of this.querySelectorAll("[data-of]")) {
      const text = this.text(place.dataset.of);
      const row = place.closest("div.fact");
      if (row) row.hidden = !text;
      const shown = text || place.dataset.empty || "";
      if (place.textContent !== shown) place.textContent = shown;
    }
    this.turnTo(document.documentElement.classList.contains("previewing") ? "preview" : "edit");
  }

  text(name) {
    const { form } = this;
    const fields = [...form.querySelectorAll(`[name="${name}"]`)];
    if (name === "price") return this.money(fields[0]?.value ?? "");
    if (name === "brand" && form.elements.no_brand?.checked) return form.elements.no_brand.labels[0].textContent.trim();
    if (fields[0]?.type === "radio" || fields[0]?.type === "checkbox") {
      return fields.filter((one) => one.checked).map((one) => one.labels[0].textContent.trim()).join(", ");
    }
    if (fields[0] instanceof HTMLSelectElement) return fields[0].value && fields[0].selectedOptions[0].textContent;
    return fields[0]?.value.trim() ?? "";
  }

  money(typed) {
    const amount = Number(typed.replace(/[€\s]/g, "").replace(",", "."));
    if (!typed.trim() || Number.isNaN(amount)) return "";
    const written = Number.isInteger(amount) ? String(amount) : amount.toFixed(2).replace(".", this.dataset.point);
    return this.dataset.money.replace("{amount}", written);
  }

  turnTo(tab) {
    document.documentElement.classList.toggle("previewing", tab === "preview");
    for (const one of document.querySelectorAll("[data-tab]")) one.setAttribute("aria-pressed", String(one.dataset.tab === tab));
  }
}

customElements.define("listing-preview", ListingPreview);
