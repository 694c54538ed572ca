// <review-keys>: reviewing draft after draft, mostly without the mouse. Each change of the form is saved at once (htmx
// sends the form, the page that comes back is laid over this one), and one key does what a button with data-key does.
// Without script the form has a button to save, and every link is there.

const FIELD = "input:not([type=radio], [type=checkbox]), select, textarea";

// How to publish is chosen on the page and stored nowhere: it stays as it was chosen.
function keepChoice(before, fresh) {
  if (!before.closest?.("#publish")) return;
  for (const name of ["checked", "selected"]) if (name in before) fresh.toggleAttribute(name, before[name]);
}

// The fields changed since the change under way was sent.
const newer = new Set();

// What a person opened or has changed since, and what a search box has put into the page, is not the server's to take away.
const KEEP = {
  beforeAttributeUpdated: (name, node) => name !== "open" && !(node.role === "combobox" && /^(role|aria-)/.test(name)),
  beforeNodeMorphed: (before, fresh) => {
    keepChoice(before, fresh);
    return before.nodeName !== "CATEGORY-SEARCH" && !(newer.has(before.name) && before.form?.id === "edit");
  },
  beforeNodeRemoved: (node) => !node.classList?.contains("found"),
};

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) =>
    style === "morph" &&
    Idiomorph.morph(target, fragment.firstElementChild ?? fragment, {
      morphStyle: "outerHTML",
      ignoreActiveValue: true,
      callbacks: KEEP,
    }),
});

// The digit of a key from 1 to 5, also where digits need the shift key, as on a French keyboard.
function numberOf({ key, code, shiftKey }) {
  return /^[1-5]$/.exec(key)?.[0] ?? (shiftKey ? null : /^Digit([1-5])$/.exec(code)?.[1]);
}

const TRY_AGAIN = 5000;

// No answer, or a proxy's that had none: whether the change was made is not known.
const LOST = [0, 502, 504];

// The page says itself what is wrong.
const SHOWN = [409, 422];

// Why a change was not saved, by the server's answer; each has its sentence on the page.
const REASONS = { 401: "signedOut", 403: "outdated", 404: "gone", 429: "tooMany" };

class ReviewKeys extends HTMLElement {
  connectedCallback() {
    this.prepare();
    if (this.listening) return;
    this.listening = true;
    document.addEventListener("keydown", (event) => this.pressed(event));
    addEventListener("online", () => this.sendAgain());
    this.addEventListener("click", (event) => this.openTarget(event));
    this.addEventListener("click", (event) => event.target.closest("a.crop")?.closest("[popover]").hidePopover()); // the photo it leads to lies below
    for (const event of ["pointerout", "focusout"]) this.addEventListener(event, () => document.documentElement.classList.remove("hushed"));
    this.saving = 0;
    this.addEventListener("change", ({ target }) => target.name && target.form?.id === "edit" && newer.add(target.name), true);
    this.addEventListener("htmx:configRequest", (event) => this.compose(event));
    this.addEventListener("htmx:beforeRequest", () => this.begun());
    this.addEventListener("htmx:afterSwap", () => this.prepare());
    this.addEventListener("htmx:afterRequest", ({ detail }) => this.answered(detail.xhr.status));
    this.addEventListener("submit", (event) => this.holdBack(event));
  }

  // Where an answer got lost, its change may be made or not: the very same is sent again before anything newer, and the
  // server makes it once. (Words written anew would be others: who asked for them sees whether they came.)
  compose(event) {
    if (this.stopped) return event.preventDefault(); // it was queued before the answer that the person is to look at
    const { detail } = event;
    if (this.lost) {
      if (detail.elt.id !== "edit") this.next = detail.elt;
      detail.parameters = this.sent;
    } else {
      this.sent = detail.formData;
      newer.clear();
    }
  }

  begun() {
    this.saving++;
    this.say("saving");
  }

  answered(status) {
    this.saving--;
    if (LOST.includes(status)) return this.lose();
    if (status < 400 || SHOWN.includes(status) || status === 404) this.lost = false;
    if (status < 400) {
      this.say("saved");
      setTimeout(() => this.goOn());
    } else {
      if (!SHOWN.includes(status)) this.say(REASONS[status] ?? "failed");
      this.heldBack = this.next = null; // the person looks at what is wrong first
      this.stopped = true;
      setTimeout(() => (this.stopped = false));
    }
  }

  lose() {
    this.lost = true;
    this.sent.delete("rewrite");
    this.say("unreached");
    clearTimeout(this.again);
    this.again = setTimeout(() => this.sendAgain(), TRY_AGAIN);
  }

  sendAgain() {
    if (this.lost && !this.saving) htmx.trigger("#edit", "change");
  }

  // A button pressed while a change is being saved waits for it: what it is sent with would be out of date by then.
  holdBack(event) {
    if (!this.saving && !this.lost) return;
    event.preventDefault();
    this.heldBack = event.submitter;
    this.sendAgain();
  }

  // What waited for the answer: another button of the form, what was changed meanwhile, the button that goes elsewhere.
  goOn() {
    if (this.saving) return;
    const [next, button] = [this.next, this.heldBack];
    this.next = null;
    if (next?.isConnected) return htmx.trigger(next, "click");
    if (newer.size) return htmx.trigger("#edit", "change");
    if (!button) return;
    this.heldBack = null;
    const same = button.isConnected ? button : this.querySelector(`[data-key="${CSS.escape(button.dataset.key ?? "")}"]`);
    same?.form?.requestSubmit(same);
  }

  // Every button of the form but those that go elsewhere is answered in place.
  prepare() {
    for (const button of this.querySelectorAll("#edit button:is([name=set], [name=confirm], [name=reset], [name=rewrite])")) {
      if (button.hasAttribute("hx-post")) continue;
      button.setAttribute("hx-post", button.form.getAttribute("action"));
      button.setAttribute("hx-trigger", "click");
      htmx.process(button);
    }
  }

  say(word) {
    const said = this.querySelector(".saved");
    if (!said) return;
    said.textContent = said.dataset[word];
    said.classList.toggle("failed", word !== "saving" && word !== "saved");
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.closest(FIELD);
    if (event.key === "Escape") document.documentElement.classList.add("hushed"); // no peek until the next
    if (event.key === "Escape" && field) return field.blur();
    if (field || document.querySelector("[popover]:popover-open")) return;
    const number = numberOf(event);
    if (number) return this.tick(this.querySelectorAll("[name=condition]")[number - 1], event);
    const key = event.key.toLowerCase(); // with caps lock too
    if (key === "g") return this.first(event);
    const wanted = this.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
  }

  tick(radio, event) {
    if (!radio) return;
    event.preventDefault();
    radio.click();
  }

  // To the first thing that is still to do.
  first(event) {
    const field = this.querySelector(".field.wrong");
    if (!field) return;
    event.preventDefault();
    field.scrollIntoView({ block: "center" });
    (field.querySelector(".chip") ?? field.querySelector("input:not([type=hidden]), select, textarea, summary"))?.focus();
  }

  // A link of the checklist puts the focus into its field, and opens what is closed there.
  openTarget(event) {
    const link = event.target.closest(".checklist a");
    const field = link && this.querySelector(link.getAttribute("href"));
    if (!field) return;
    const closed = field.querySelector("details");
    if (closed) closed.open = true;
    requestAnimationFrame(() => field.querySelector("input:not([type=hidden]), select, textarea, summary")?.focus({ preventScroll: true }));
  }
}

customElements.define("review-keys", ReviewKeys);
document.documentElement.classList.add("scripted");
document.addEventListener("DOMContentLoaded", () => keysReady()); // htmx listens from then on
