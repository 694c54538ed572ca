// <live-here>: opens a publication's live view in place, over the queue, instead of on its own page. Without script, or
// once no page is open any more, the link leads there.

class LiveHere extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.dialog.addEventListener("close", () => {
      this.place.replaceChildren(); // which ends its connection
      document.querySelector("live-region")?.later(0); // whether the page is still open is no event of the queue's
    });
    this.addEventListener("leave", (event) => {
      event.preventDefault();
      this.dialog.close();
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-live]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open(link.href);
    });
  }

  get place() {
    return this.querySelector(".live-place");
  }

  async open(address) {
    const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
    const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    const view = page && page.querySelector("live-view");
    if (!view) return location.assign(address);
    await import("./live-view.js");
    this.dialog.showModal();
    this.place.replaceChildren(document.adoptNode(view));
    this.place.querySelector("canvas").focus();
  }
}

customElements.define("live-here", LiveHere);
