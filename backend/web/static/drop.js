// <photo-drop>: gathers photos chosen, taken or dropped. Sending begins at once, while what is true of all of them is
// being said; the button makes a batch of what arrived. Without script the form says so; everything said here stands in
// the element's data-* attributes. The sending itself is `upload.js`'s.

import { Upload } from "./upload.js";

const OVER = ["whole", "refused", "duplicate"];

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ file, name: entry.fullPath.slice(1) }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed)); // a hundred at a time
    if (!some.length) return found;
    for (const one of some) found.push(...(await filesOf(one)));
  }
}

class PhotoDrop extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.wanted = false;
    this.renew();
    for (const input of this.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => {
        this.add([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
        input.value = "";
      });
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.finish();
    });
    this.form.addEventListener("reset", () => this.clear());
    this.querySelector(".drop-retry").addEventListener("click", () => this.upload.retry());
    for (const kind of ["dragover", "dragleave", "drop"]) {
      document.addEventListener(kind, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        this.classList.toggle("over", kind === "dragover");
      });
    }
    document.addEventListener("drop", (event) => event.dataTransfer?.files.length && this.addDropped(event.dataTransfer));
    addEventListener("online", () => this.upload.retry());
  }

  renew() {
    this.upload = new Upload((one) => this.changed(one));
    this.querySelector(".drop-files ul").replaceChildren();
  }

  async addDropped(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // before any await
    const found = await Promise.all(entries.map(filesOf));
    this.add(found.flat().filter(({ file }) => !file.name.startsWith(".")));
  }

  add(files) {
    for (const { file, name } of files) this.upload.add(file, name);
    this.show();
    if (this.count() <= Number(this.dataset.most)) this.upload.run();
  }

  clear() {
    this.upload.cancel();
    this.renew();
    this.show();
  }

  count(...states) {
    const files = [...this.upload.files.values()];
    return (states.length ? files.filter((one) => states.includes(one.state)) : files).length;
  }

  // One file's line; what needs its owner goes to the top.
  changed(one) {
    one.line ??= this.line(one);
    one.line.className = `file file-${one.state}`;
    one.line.querySelector("progress").value = one.file.size ? one.sent / one.file.size : 1;
    const why = one.state === "duplicate" ? this.dataset.duplicate.replace("{name}", one.why) : one.why;
    one.line.querySelector(".file-state").textContent = why || this.dataset[one.state] || "";
    if (["refused", "duplicate", "failed"].includes(one.state)) one.line.parentElement.prepend(one.line);
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.show();
    });
  }

  line(one) {
    const line = document.createElement("li");
    const [name, bar, state] = ["span", "progress", "span"].map((kind) => document.createElement(kind));
    name.textContent = one.name;
    name.className = "file-name";
    bar.max = 1;
    bar.setAttribute("aria-label", one.name);
    state.className = "file-state";
    line.append(name, bar, state);
    this.querySelector(".drop-files ul").append(line);
    return line;
  }

  show() {
    const files = [...this.upload.files.values()];
    const n = files.length;
    const text = n === 1 ? this.dataset.one : this.dataset.other;
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    const size = (bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
    const failed = this.count("failed");
    this.querySelector(".drop-chosen").hidden = n === 0;
    this.querySelector(".chosen-count").textContent = text.replace("{n}", n).replace("{megabytes}", size);
    this.querySelector(".arrived").textContent = this.dataset.arrived.replace("{done}", this.count(...OVER)).replace("{n}", n);
    this.querySelector(".drop-bar").value = bytes ? files.reduce((sum, one) => sum + one.sent, 0) / bytes : 0;
    this.querySelector(".drop-retry").hidden = !failed;
    const tooMany = n > Number(this.dataset.most);
    const arrived = this.count(...OVER) === n && this.count("whole") > 0;
    this.querySelector("[type=submit]").disabled = tooMany || this.wanted || !this.count("waiting", "sending", "whole", "failed");
    if (tooMany) this.say(this.dataset.tooMany, true);
    else if (failed) this.say(this.upload.trouble || this.dataset.failed, true);
    else if (n) this.say("");
    if (this.count("refused", "duplicate", "failed")) this.querySelector(".drop-files").open = true;
    if (this.wanted && arrived) this.send();
    else if (this.wanted && !this.count("waiting", "sending")) this.wanted = false;
  }

  // The button was pressed: at once where everything is here, else as soon as it is.
  finish() {
    if (!this.count()) return;
    this.wanted = true;
    this.upload.retry();
    this.show();
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    let again = false;
    const stated = {};
    for (const select of this.querySelectorAll(".statements select")) if (select.name !== "language") stated[select.name] = select.value || null;
    try {
      again = !(await this.upload.finish(stated, this.form.elements.language.value));
      if (again) return;
      this.renew();
      this.form.classList.add("small");
      this.show();
      this.say(this.dataset.sent);
      document.querySelector("live-region")?.refresh();
    } catch (error) {
      this.say((!(error instanceof TypeError) && error.message) || this.dataset.failed, true);
    } finally {
      this.sending = false;
      this.wanted = again; // as soon as everything was sent once more
      this.querySelector("[type=submit]").disabled = again;
    }
  }

  say(text, failed = false) {
    const said = this.querySelector(".drop-said");
    said.textContent = text;
    said.classList.toggle("failed", failed);
  }
}

customElements.define("photo-drop", PhotoDrop);
