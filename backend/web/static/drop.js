// <photo-drop>: gathers photos chosen, taken or dropped, and hands them to the API as one batch.
// Without script the form says so; everything said here stands in the element's data-* attributes.

const key = (file) => [file.name, file.size, file.lastModified].join("/");

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
    this.chosen = new Map();
    for (const input of this.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => {
        this.add([...input.files].map((file) => ({ file, name: file.name })));
        input.value = "";
      });
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.form.addEventListener("reset", () => this.clear());
    for (const kind of ["dragover", "dragleave", "drop"]) {
      this.addEventListener(kind, (event) => {
        event.preventDefault();
        this.classList.toggle("over", kind === "dragover");
      });
    }
    this.addEventListener("drop", (event) => this.addDropped(event.dataTransfer));
  }

  async addDropped(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // before any await
    const found = await Promise.all(entries.map(filesOf));
    this.add(found.flat().filter(({ file }) => !file.name.startsWith(".")));
  }

  add(files) {
    for (const one of files) this.chosen.set(`${one.name}/${key(one.file)}`, one);
    this.show();
  }

  clear() {
    this.chosen.clear();
    this.show();
  }

  show() {
    const n = this.chosen.size;
    const text = n === 1 ? this.dataset.one : this.dataset.other;
    const megabytes = [...this.chosen.values()].reduce((sum, { file }) => sum + file.size, 0) / 1e6;
    const size = megabytes.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
    const tooMany = n > Number(this.dataset.most);
    this.querySelector(".drop-chosen").hidden = n === 0;
    this.querySelector(".chosen-count").textContent = text.replace("{n}", n).replace("{megabytes}", size);
    this.querySelector("[type=submit]").disabled = tooMany;
    this.say(tooMany ? this.dataset.tooMany : "");
  }

  body() {
    const body = new FormData();
    const stated = {};
    for (const select of this.querySelectorAll(".statements select")) {
      if (select.name === "language") body.append("language", select.value);
      else if (select.value) stated[select.name] = select.value;
    }
    body.append("defaults", JSON.stringify(stated));
    for (const { file, name } of this.chosen.values()) body.append("files", file, name);
    return body;
  }

  send() {
    if (!this.chosen.size || this.request) return;
    const bar = this.querySelector("progress");
    const request = (this.request = new XMLHttpRequest()); // fetch tells nothing of an upload's progress
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = (loaded / total) * 1000;
      this.say(this.dataset.sending.replace("{percent}", Math.floor((loaded / total) * 100)));
    });
    request.upload.addEventListener("load", () => this.say(this.dataset.storing));
    request.addEventListener("loadend", () => this.answered(request));
    request.open("POST", this.form.action);
    request.responseType = "json";
    this.busy(true);
    request.send(this.body());
  }

  answered(request) {
    this.request = null;
    this.busy(false);
    if (request.status !== 202) {
      this.say(request.response?.detail ?? this.dataset.failed, true);
      return;
    }
    this.form.reset();
    this.form.classList.add("small");
    this.say(this.dataset.sent);
    document.querySelector("live-region")?.refresh();
  }

  busy(sending) {
    this.querySelector("progress").hidden = !sending;
    for (const button of this.querySelectorAll("button, input, select")) button.disabled = sending;
  }

  say(text, failed = false) {
    const said = this.querySelector(".drop-said");
    said.textContent = text;
    said.classList.toggle("failed", failed);
  }
}

customElements.define("photo-drop", PhotoDrop);
