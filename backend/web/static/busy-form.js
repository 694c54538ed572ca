// <busy-form>: says, once its form is sent, that something is being done, and takes no second press meanwhile.

class BusyForm extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    form.addEventListener("submit", () => {
      const button = form.querySelector("button");
      button.textContent = this.dataset.busy;
      button.setAttribute("aria-busy", "true");
      setTimeout(() => (button.disabled = true)); // once the form is on its way
    });
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  }
}

customElements.define("busy-form", BusyForm);
