// <live-region>: keeps its content as the server would render it now.
// Looks again at each event of its `events` (addresses of event streams), or `every` so many milliseconds.
// What is unchanged stays the same node, so pictures don't blink and what is open stays open.

const AT_MOST_EVERY = 600;

class LiveRegion extends HTMLElement {
  connectedCallback() {
    this.streams = new Map();
    this.watch();
    document.addEventListener("visibilitychange", () => document.hidden || this.timer || this.watch());
  }

  disconnectedCallback() {
    for (const stream of this.streams.values()) stream.close();
    clearTimeout(this.timer);
  }

  watch() {
    const wanted = (this.getAttribute("events") ?? "").split(" ").filter(Boolean);
    for (const [address, stream] of this.streams) {
      if (wanted.includes(address)) continue;
      stream.close();
      this.streams.delete(address);
    }
    for (const address of wanted) if (!this.streams.has(address)) this.streams.set(address, this.listen(address));
    const every = Number(this.getAttribute("every"));
    if (every && !document.hidden) this.later(every);
  }

  listen(address) {
    const stream = new EventSource(address);
    stream.addEventListener("progress", ({ data }) => {
      if (JSON.parse(data).finished) stream.close(); // it would knock again for ever
      this.later(AT_MOST_EVERY);
    });
    return stream;
  }

  later(milliseconds) {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.refresh();
    }, milliseconds);
  }

  async refresh() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return this.later(5000);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(this.id);
    for (const name of ["events", "every"]) {
      if (fresh.hasAttribute(name)) this.setAttribute(name, fresh.getAttribute(name));
      else this.removeAttribute(name);
    }
    const focused = document.activeElement?.id;
    keep(this, fresh);
    this.replaceChildren(...fresh.childNodes);
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
    this.watch();
  }
}

// Puts the nodes of `shown` that `fresh` has word for word in the place of fresh's own, and opens what was open.
function keep(shown, fresh) {
  for (const node of fresh.querySelectorAll("[data-key]")) {
    const before = shown.querySelector(`[data-key="${CSS.escape(node.dataset.key)}"]`);
    if (!before) continue;
    const open = before.querySelector(":scope > details[open]");
    if (open) node.querySelector(":scope > details")?.setAttribute("open", "");
    if (before.outerHTML === node.outerHTML) node.replaceWith(before);
  }
}

customElements.define("live-region", LiveRegion);
