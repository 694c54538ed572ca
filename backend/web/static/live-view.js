// <live-view src back>: a page of the marketplace as it is now, to be acted on. Shows the pictures that the WebSocket at
// `src` sends, sends what is done on them, and goes to `back` once it is solved. Its words are its data-* attributes.
// Two fingers zoom as everywhere (touch-action in queue.css); one finger is the page's mouse.

const SILENT_FOR = 30_000;
const BACK_AFTER = 2_500;
const TRIES = 4;
const NAMED = new Set([
  "Enter", "Tab", "Escape", "Backspace", "Delete", "Home", "End", "PageUp", "PageDown",
  "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", " ",
]);
const share = (at, from, length) => Math.min(1, Math.max(0, (at - from) / length));

class LiveView extends HTMLElement {
  connectedCallback() {
    this.canvas = this.querySelector("canvas");
    this.tries = 0;
    this.listen();
    this.open();
  }

  disconnectedCallback() {
    this.over = true;
    clearTimeout(this.silence);
    this.socket.close();
  }

  open() {
    this.say("opening");
    const address = new URL(this.getAttribute("src"), location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(address);
    this.socket.binaryType = "blob";
    this.socket.addEventListener("message", ({ data }) => this.heard(data));
    this.socket.addEventListener("close", () => this.lost());
  }

  heard(data) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket.close(), SILENT_FOR);
    this.tries = 0;
    if (data instanceof Blob) {
      this.newest = data;
      if (!this.drawing) this.draw();
      return;
    }
    const { ended } = JSON.parse(data);
    if (ended) this.end(ended);
  }

  async draw() {
    this.drawing = true;
    while (this.newest) {
      const jpeg = this.newest;
      this.newest = null; // what comes while this one is drawn takes its place
      const picture = await createImageBitmap(jpeg).catch(() => null);
      if (!picture) continue;
      if (this.canvas.width !== picture.width) this.canvas.width = picture.width;
      if (this.canvas.height !== picture.height) this.canvas.height = picture.height;
      this.canvas.getContext("2d").drawImage(picture, 0, 0);
      picture.close();
      if (!this.over) this.say("open");
    }
    this.drawing = false;
  }

  lost() {
    clearTimeout(this.silence);
    if (this.over) return;
    this.tries += 1;
    if (this.tries > TRIES) this.end("closed");
    else {
      this.say("lost");
      setTimeout(() => this.over || this.open(), 500 * 2 ** this.tries);
    }
  }

  end(how) {
    this.over = true;
    this.say({ solved: "solved", time_limit: "timeLimit" }[how] ?? "closed", how === "solved" ? "note-good" : "note-warn");
    this.classList.add("live-over");
    for (const control of this.querySelectorAll("input, button")) control.disabled = true;
    if (how === "solved") setTimeout(() => this.leave(), BACK_AFTER);
  }

  // To where it was opened from, unless that is here and takes it away itself.
  leave() {
    const gone = !this.dispatchEvent(new CustomEvent("leave", { bubbles: true, cancelable: true }));
    if (!gone) location.assign(this.getAttribute("back"));
  }

  say(word, kind = "") {
    const said = this.querySelector(".live-said");
    if (said.textContent !== this.dataset[word]) said.textContent = this.dataset[word];
    said.className = `live-said note ${kind}`;
    this.dataset.state = word;
  }

  send(kind, more = {}) {
    if (!this.over && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ kind, ...more }));
  }

  at({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return { x: share(clientX, box.left, box.width), y: share(clientY, box.top, box.height) };
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      this.send("down", this.at(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.isPrimary) return;
      this.moved ??= requestAnimationFrame(() => { this.moved = null; this.send("move", this.last); });
      this.last = this.at(event);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, (event) => event.isPrimary && !event.button && this.send("up", this.at(event)));
    }
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.send("wheel", { ...this.at(event), delta_y: Math.min(5000, Math.max(-5000, event.deltaY)) });
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const { key, ctrlKey, altKey, metaKey, shiftKey } = event;
      if (ctrlKey || altKey || metaKey || (key === "Tab" && shiftKey) || key === "Escape") return canvas.blur(); // the way out
      if (NAMED.has(key) || /^[!-~]$/.test(key)) this.send("key", { text: key });
      else if ([...key].length === 1) this.send("text", { text: key });
      else return;
      event.preventDefault();
    });
    const keys = this.querySelector("form");
    keys.addEventListener("submit", (event) => {
      event.preventDefault();
      if (keys.elements.text.value) this.send("text", { text: keys.elements.text.value });
      keys.reset();
    });
    for (const button of keys.querySelectorAll("button[value]")) {
      if (button.value) button.addEventListener("click", () => this.send("key", { text: button.value }));
    }
  }
}

customElements.define("live-view", LiveView);
