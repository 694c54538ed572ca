// <time-field>: a text field for a moment, and beside it the device's own picker, which writes into it. What one types
// (18h30, +2h) stays as good. Without script it is the text field alone.

const CLOCK = '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.500 2"/></svg>';

class TimeField extends HTMLElement {
  connectedCallback() {
    const text = this.querySelector("input");
    const picker = document.createElement("input");
    Object.assign(picker, { type: "datetime-local", className: "picker", tabIndex: -1, ariaHidden: "true" });
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "plain", title: this.dataset.pick, ariaLabel: this.dataset.pick });
    button.innerHTML = CLOCK;
    this.append(button, picker);
    button.addEventListener("click", () => picker.showPicker());
    picker.addEventListener("change", () => {
      text.value = picker.value.replace("T", " ");
      text.focus();
    });
  }
}

customElements.define("time-field", TimeField);
