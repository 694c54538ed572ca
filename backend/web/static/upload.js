// Sends files piece by piece, a few at once, each going on where it stopped. An `Upload` tells of every change of a file
// by `changed(file)`; a file is { file, name, number, sent, state: waiting|sending|whole|refused|duplicate|failed, why }.
// What was begun is remembered in this browser: choosing the same files again goes on instead of beginning anew.

const PIECE = 1 << 20;
const AT_ONCE = 3;
const TRIES = 3;
const API = "/api/v1/uploads";
const REMEMBERED = "vintedbot-upload";
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
export const keyOf = (file, name) => [name, file.size, file.lastModified].join("/");

export class Upload {
  constructor(changed, language) {
    this.changed = changed;
    this.language = language;
    this.files = new Map();
    this.active = 0;
  }

  add(file, name) {
    const key = keyOf(file, name);
    if (this.files.has(key)) return;
    const one = { file, name, key, number: this.known?.[key], sent: 0, state: "waiting", why: "" };
    this.files.set(key, one);
    this.changed(one);
  }

  // Begins, or goes on: every waiting file is sent.
  async run() {
    try {
      await (this.opening ??= this.open());
    } catch {
      this.opening = null;
      for (const one of this.files.values()) if (one.state === "waiting") this.tell(one, "failed");
      return;
    }
    while (this.active < AT_ONCE) {
      const next = [...this.files.values()].find((one) => one.state === "waiting");
      if (!next) return;
      this.active += 1;
      this.tell(next, "sending");
      this.send(next).finally(() => {
        this.active -= 1;
        this.run();
      });
    }
  }

  async open() {
    const known = JSON.parse(localStorage.getItem(REMEMBERED) ?? "null");
    const answer = known && (await fetch(`${API}/${known.id}`));
    if (answer?.ok) {
      this.id = known.id;
      this.known = known.files;
      this.here = await answer.json();
    } else {
      const made = await fetch(API, { method: "POST" });
      if (!made.ok) throw new Error((await made.json()).detail);
      this.id = (await made.json()).id;
      this.known = this.here = {};
    }
    this.free = Math.max(-1, ...Object.keys(this.here).map(Number), ...Object.values(this.known)) + 1;
  }

  // The file's number on the server: the one it had, or the next that was never used.
  number(one) {
    one.number ??= this.known[one.key] ?? this.free++;
    one.sent = this.here[one.number] ?? one.sent;
    const numbered = [...this.files.values()].filter((other) => other.number !== undefined);
    const files = { ...this.known, ...Object.fromEntries(numbered.map((other) => [other.key, other.number])) };
    localStorage.setItem(REMEMBERED, JSON.stringify({ id: this.id, files }));
  }

  async send(one) {
    this.number(one);
    const { file } = one;
    if (file.size && one.sent >= file.size) return this.tell(one, "whole");
    for (let tries = 0; one.state === "sending"; ) {
      const address = `${API}/${this.id}/files/${one.number}?offset=${one.sent}&size=${file.size}&language=${this.language}`;
      const answer = await fetch(address, { method: "PUT", body: file.slice(one.sent, one.sent + PIECE) }).catch(() => null);
      if (answer?.ok) {
        tries = 0;
        const { received, state, message } = await answer.json();
        one.sent = state === "refused" ? file.size : received;
        this.tell(one, state === "partial" ? "sending" : state, message ?? "");
      } else if (answer?.status === 409) {
        const here = await fetch(`${API}/${this.id}`).then((there) => there.json()).catch(() => ({}));
        const at = here[one.number] ?? 0;
        if (at >= file.size) return this.tell(one, "whole");
        one.sent = at;
        if ((tries += 1) > TRIES) this.tell(one, "failed");
      } else {
        if ((tries += 1) > TRIES) return this.tell(one, "failed");
        await pause(200 * 2 ** tries);
      }
    }
  }

  tell(one, state, why = "") {
    Object.assign(one, { state, why });
    this.changed(one);
  }

  retry() {
    for (const one of this.files.values()) if (one.state === "failed") this.tell(one, "waiting");
    this.run();
  }

  // The batch's answer; throws what the server said.
  async finish(defaults, language) {
    const files = [...this.files.values()].filter((one) => one.state === "whole").map(({ number, name }) => ({ number, name }));
    const answer = await fetch(`${API}/${this.id}/finish`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ files, defaults, language }),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    localStorage.removeItem(REMEMBERED);
    return said;
  }

  cancel() {
    for (const one of this.files.values()) one.state = "gone";
    this.files.clear();
    localStorage.removeItem(REMEMBERED);
    if (this.id) fetch(`${API}/${this.id}`, { method: "DELETE" }).catch(() => null);
  }
}
