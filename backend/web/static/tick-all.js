// <tick-all>: one box that ticks every box of its form; without script each is ticked by hand.

class TickAll extends HTMLElement {
  connectedCallback() {
    const all = this.querySelector("input");
    const boxes = () => [...this.closest("form").querySelectorAll("input[name=draft]")];
    all.addEventListener("change", () => boxes().forEach((box) => (box.checked = all.checked)));
    const show = () => {
      const ticked = boxes().filter((box) => box.checked).length;
      all.checked = ticked > 0 && ticked === boxes().length;
      all.indeterminate = ticked > 0 && !all.checked;
    };
    this.closest("form").addEventListener("change", show);
    show();
  }
}

customElements.define("tick-all", TickAll);
