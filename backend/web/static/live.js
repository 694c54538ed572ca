// <live-region>: keeps its content as the server would render it now, at the address `src`.
// Looks again at each event of the stream `events`, or `every` so many milliseconds, and at once when the page is seen
// again. While nobody sees it nothing is asked for, and no connection kept: a browser has six for all its tabs.
// What is unchanged stays the same node, so pictures don't blink; what is open, ticked, chosen or typed stays so.

const AT_MOST_EVERY = 600;
const ASK_AGAIN = 5000;
const SILENT = 40_000; // the server says something every 15 seconds: such a silence is a dead connection
const TOLD_AFTER = 3000;

function isChanged(field) {
  if (field instanceof HTMLSelectElement) {
    const before = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, before);
  }
  return (field instanceof HTMLTextAreaElement || field.matches?.("input:not([type=checkbox], [type=radio])")) && field.value !== field.defaultValue;
}

const KEEP = {
  beforeAttributeUpdated: (name) => name !== "open",
  beforeNodeMorphed: (before, fresh) => {
    if (isChanged(before)) return false;
    if (before instanceof HTMLInputElement && before.type === "checkbox") fresh.toggleAttribute("checked", before.checked);
  },
  beforeNodeRemoved: (node) => !node.matches?.("[data-keep]"),
};

class LiveRegion extends HTMLElement {
  connectedCallback() {
    const own = new URL(this.src, location);
    if (own.pathname !== location.pathname) history.replaceState(null, "", own); // the answer to a form that was refused
    this.turned = () => (document.hidden ? this.rest() : this.wake());
    document.addEventListener("visibilitychange", this.turned);
    addEventListener("online", this.turned);
    this.watch();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.turned);
    removeEventListener("online", this.turned);
    this.rest();
  }

  get src() {
    return this.getAttribute("src") ?? location.href;
  }

  rest() {
    this.stream?.close();
    for (const timer of [this.timer, this.silence, this.telling]) clearTimeout(timer);
    this.stream = this.timer = this.telling = null;
  }

  wake() {
    this.rest();
    this.refresh();
  }

  watch() {
    if (document.hidden || !this.isConnected) return;
    const events = this.getAttribute("events");
    if (events && !this.stream) this.listen(events);
    const every = Number(this.getAttribute("every"));
    if (every) this.later(every);
  }

  listen(address) {
    const stream = (this.stream = new EventSource(address));
    const heard = () => {
      this.tell(false);
      clearTimeout(this.silence);
      this.silence = setTimeout(() => this.wake(), SILENT);
    };
    for (const sign of ["open", "here", "progress"]) stream.addEventListener(sign, heard);
    stream.addEventListener("progress", () => this.later(AT_MOST_EVERY));
    stream.addEventListener("error", () => {
      this.tell(true);
      if (stream.readyState !== EventSource.CLOSED || this.stream !== stream) return; // it tries by itself
      this.stream = null; // the server is there but could not answer: listen anew with the next look
      this.later(ASK_AGAIN);
    });
  }

  // A quiet sign once the connection has been away for a moment.
  tell(lost) {
    const sign = document.getElementById("lost");
    if (lost) return (this.telling ??= setTimeout(() => (sign.hidden = false), TOLD_AFTER));
    clearTimeout(this.telling);
    this.telling = null;
    sign.hidden = true;
  }

  later(milliseconds) {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.refresh();
    }, milliseconds);
  }

  async refresh() {
    const answer = await fetch(this.src, { headers: { Accept: "text/html" } }).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => null) : null;
    this.tell(text === null);
    if (text === null) return this.later(ASK_AGAIN);
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(this.id);
    if (!fresh) return location.assign(this.src); // another page by now: what was waited for is there, or one is to sign in
    Idiomorph.morph(this, fresh, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks: KEEP });
    this.watch();
  }
}

customElements.define("live-region", LiveRegion);
