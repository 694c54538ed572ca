// <live-region>: keeps its content as the server would render it now.
// Looks again at each event of its `events` (addresses of event streams), or `every` so many milliseconds.
// What is unchanged stays the same node, so pictures don't blink and what is open, ticked or typed stays so.

const AT_MOST_EVERY = 600;
const ASK_AGAIN = 5000;
const KEEP = {
  beforeAttributeUpdated: (name) => name !== "open",
  beforeNodeMorphed: (before, fresh) => {
    if (before instanceof HTMLInputElement && before.type === "checkbox") fresh.toggleAttribute("checked", before.checked);
  },
};

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
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED || this.streams.get(address) !== stream) return; // it tries by itself
      this.streams.delete(address); // the server is there but could not answer: listen anew with the next look
      this.later(ASK_AGAIN);
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
    if (!answer?.ok) return this.later(ASK_AGAIN);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(this.id);
    Idiomorph.morph(this, fresh, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks: KEEP });
    this.watch();
  }
}

customElements.define("live-region", LiveRegion);
