// <time-field>: a text field for a moment, and beside it the device's own picker, which writes into it. What one types
// (18h30, +2h) stays as good. Without script it is the text field alone.

class TimeField extends HTMLElement {
  connectedCallback() {
    const text = this.querySelector("input");
    const picker = document.createElement("input");
    Object.assign(picker, { type: "datetime-local", className: "picker", tabIndex: -1, ariaHidden: "true" });
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "plain", title: this.dataset.pick, ariaLabel: this.dataset.pick, textContent: "🕑" });
    this.append(button, picker);
    button.addEventListener("click", () => picker.showPicker());
    picker.addEventListener("change", () => {
      text.value = picker.value.replace("T", " ");
      text.focus();
    });
  }
}

customElements.define("time-field", TimeField);
