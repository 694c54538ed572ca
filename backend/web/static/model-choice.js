// <model-choice>: choosing a service fills in its address and proposes a model; what came of a test, or stands in the
// way of saving, is told in place, so that a key that was typed stays typed. Without script a button fills in, and the
// answer is the whole page.

class ModelChoice extends HTMLElement {
  connectedCallback() {
    if (this.listening) return;
    this.listening = true;
    this.addEventListener("change", ({ target }) => target.name === "preset" && this.fill(target));
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(event.target, event.submitter);
    });
  }

  fill(preset) {
    const address = this.querySelector("#address");
    const model = this.querySelector("#model");
    if ("other" in preset.dataset) return address.focus();
    const models = preset.dataset.models.split(" ").filter(Boolean);
    address.value = preset.dataset.address;
    if (!model.readOnly) model.value = models[0] ?? "";
    this.querySelector("#models").replaceChildren(...models.map((name) => new Option("", name)));
  }

  async send(form, button) {
    const sent = new URLSearchParams(new FormData(form, button));
    const said = button.textContent;
    button.setAttribute("aria-disabled", "true");
    if (button.value === "test") button.textContent = this.dataset.busy;
    try {
      const answer = await fetch(form.action, { method: "POST", body: sent, headers: { Accept: "text/html" } });
      if (answer.redirected) return location.assign(answer.url);
      this.tell(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      form.submit(); // the browser says itself what is wrong with the network
    } finally {
      button.removeAttribute("aria-disabled");
      button.textContent = said;
    }
  }

  tell(page) {
    const told = page.querySelector("#choose [role=alert], #trial .note, main .empty p");
    this.querySelector("#trial").replaceChildren(...(told ? [document.adoptNode(told)] : []));
    for (const field of this.querySelectorAll("input[id]")) {
      field.toggleAttribute("aria-invalid", page.getElementById(field.id)?.hasAttribute("aria-invalid") ?? false);
    }
    const first = this.querySelector("input[aria-invalid]");
    first?.closest("details")?.setAttribute("open", "");
    first?.focus();
  }
}

customElements.define("model-choice", ModelChoice);
