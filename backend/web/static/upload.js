// Sends files piece by piece, a few at once, each going on where it stopped. An `Upload` tells of every change of a file
// by `changed(file)`; a file is { file, name, number, sent, state: waiting|sending|whole|refused|duplicate|failed, why }.
// What was begun is remembered in this browser (`upload-memory.js`): choosing the same files again goes on instead of
// beginning anew. An upload the server no longer has is begun anew by itself.

import { begun, forget, hold, remember } from "./upload-memory.js";

const PIECE = 1 << 20;
const AT_ONCE = 3;
const TRIES = 3;
const LONGEST_WAIT = 60;
const API = "/api/v1/uploads";
const GONE = ["not_found", "upload_taken", "upload_unfinished"];
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
export const keyOf = (file, name) => [name, file.size, file.lastModified].join("/");

// What the server said against it, in the page's language; `message` is empty where it said nothing to read.
class Refusal extends Error {
  constructor(status, { code, detail }, wait) {
    super(detail ?? "");
    Object.assign(this, { status, code, wait });
  }
}

async function ask(path, options = {}) {
  const headers = { "Accept-Language": document.documentElement.lang, ...options.headers };
  const answer = await fetch(API + path, { ...options, headers });
  const said = answer.status === 204 ? null : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, said, Number(answer.headers.get("Retry-After")));
  return said;
}

export class Upload {
  constructor(changed) {
    this.changed = changed;
    this.files = new Map();
    this.active = 0;
    this.begunAnew = 0;
    this.trouble = "";
  }

  add(file, name) {
    const key = keyOf(file, name);
    if (this.files.has(key)) return;
    const one = { file, name, key, sent: 0, state: "waiting", why: "" };
    this.files.set(key, one);
    this.changed(one);
  }

  // Begins, or goes on: every waiting file is sent.
  async run() {
    try {
      await (this.opening ??= this.open());
    } catch (error) {
      this.opening = null;
      this.trouble = error instanceof Refusal ? error.message : "";
      for (const one of this.files.values()) if (one.state === "waiting") this.tell(one, "failed", this.trouble);
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
    for (const id of begun([...this.files.keys()])) {
      const held = await hold(id);
      if (!held) continue;
      try {
        this.here = await ask(`/${id}`);
        return this.begin(held);
      } catch (error) {
        if (error.status !== 404) {
          held.release();
          throw error;
        }
        forget(held);
      }
    }
    const { id } = await ask("", { method: "POST" });
    this.here = {};
    this.begin(await hold(id));
  }

  begin(held) {
    this.held = held;
    this.free = Math.max(-1, ...Object.keys(this.here).map(Number), ...Object.values(held.files)) + 1;
  }

  // The file's number on the server: the one it had, or the next that was never used.
  number(one) {
    one.number ??= this.held.files[one.key] ?? this.free++;
    one.sent = this.here[one.number] ?? one.sent;
    remember(this.held, { ...this.held.files, [one.key]: one.number });
  }

  async send(one) {
    const turn = (one.turn = {}); // a file that was put back into the line meanwhile is another turn's
    this.number(one);
    if (one.file.size && one.sent >= one.file.size) return this.tell(one, "whole");
    for (let tries = 0; one.turn === turn && one.state === "sending"; ) {
      const error = await this.piece(one).catch((why) => why);
      if (one.turn !== turn || one.state !== "sending") return;
      if (!error) tries = 0;
      else if (error.code === "not_found") return this.beginAnew();
      else if (error.code === "upload_number") this.renumber(one);
      else if (error.code === "upload_offset") await this.catchUp(one);
      if (error && (tries += 1) > TRIES) return this.fail(one, error);
      if (error?.status >= 400 && error.status < 500 && ![409, 429].includes(error.status)) return this.fail(one, error);
      if (error?.wait > LONGEST_WAIT) return this.fail(one, error);
      if (error && error.status !== 409) await pause(error.wait ? error.wait * 1000 : 200 * 2 ** tries);
    }
  }

  async piece(one) {
    const { file, sent, number } = one;
    const query = `offset=${sent}&size=${file.size}&language=${document.documentElement.lang}`;
    const body = file.slice(sent, sent + PIECE);
    const { received, state, message } = await ask(`/${this.held.id}/files/${number}?${query}`, { method: "PUT", body });
    if (!this.files.has(one.key)) return;
    one.sent = state === "refused" ? file.size : received;
    this.tell(one, state === "partial" ? "sending" : state, message ?? "");
  }

  async catchUp(one) {
    this.here = await ask(`/${this.held.id}`).catch(() => this.here);
    one.sent = this.here[one.number] ?? 0;
    if (one.sent >= one.file.size) this.tell(one, "whole");
  }

  renumber(one) {
    one.number = this.free++;
    one.sent = 0;
    remember(this.held, { ...this.held.files, [one.key]: one.number });
  }

  // The server has no such upload any more: everything is sent once more, in a new one.
  beginAnew() {
    const mayStill = (this.begunAnew += 1) <= TRIES;
    forget(this.held);
    this.opening = null;
    for (const one of this.files.values()) {
      if (one.state === "refused" || one.state === "duplicate") continue;
      Object.assign(one, { number: undefined, sent: 0 });
      this.tell(one, mayStill ? "waiting" : "failed");
    }
    if (mayStill) this.run();
  }

  fail(one, error) {
    this.trouble = error instanceof Refusal ? error.message : "";
    this.tell(one, "failed", this.trouble);
  }

  tell(one, state, why = "") {
    Object.assign(one, { state, why });
    this.changed(one);
  }

  retry() {
    this.trouble = "";
    for (const one of this.files.values()) if (one.state === "failed") this.tell(one, "waiting");
    if (this.files.size) this.run();
  }

  // The batch's answer, or null where everything has to be sent once more first; throws what the server said.
  async finish(defaults, language) {
    const files = [...this.files.values()].filter((one) => one.state === "whole").map(({ number, name }) => ({ number, name }));
    const body = JSON.stringify({ files, defaults, language });
    try {
      const headers = { "Content-Type": "application/json" };
      const said = await ask(`/${this.held.id}/finish`, { method: "POST", headers, body });
      forget(this.held);
      return said;
    } catch (error) {
      if (!GONE.includes(error.code)) throw error;
      this.beginAnew();
      return null;
    }
  }

  cancel() {
    for (const one of this.files.values()) one.state = "gone";
    this.files.clear();
    this.opening?.then(() => {
      forget(this.held);
      return ask(`/${this.held.id}`, { method: "DELETE" });
    }).catch(() => null); // what stays there is forgotten by the server in a day
  }
}
