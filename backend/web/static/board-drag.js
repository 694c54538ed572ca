// Dragging photos over the board: a mouse drags at once, a finger after a short press (so that a swipe still scrolls).
// What is dragged is what is chosen, or the one photo taken hold of. Owns where it would be put; the board puts it.

const PRESS = 320;
const SLACK = 6;
const EDGE = 72;

export function watchDrags(board) {
  let drag = null;

  function begin(tile, x, y) {
    if (!board.chosen.has(tile.dataset.photo)) {
      board.chosen.clear();
      board.chosen.add(tile.dataset.photo);
      board.show();
    }
    board.dragging = true;
    board.classList.add("dragging"); // of the bar stays what a photo can be dropped on
    const ghost = tile.querySelector("img").cloneNode();
    ghost.className = "ghost";
    const count = document.createElement("span");
    count.className = "ghost-count";
    count.textContent = board.chosen.size > 1 ? board.chosen.size : "";
    count.hidden = board.chosen.size < 2;
    document.body.append(ghost, count);
    for (const one of board.inOrder) one.classList.add("dragged");
    Object.assign(drag, { ghost, count, live: true });
    navigator.vibrate?.(10);
    move(x, y);
  }

  function move(x, y) {
    drag.ghost.style.translate = `${x - 42}px ${y - 90}px`;
    drag.count.style.translate = `${x + 24}px ${y - 100}px`;
    const under = document.elementFromPoint(x, y);
    const tile = under?.closest(".tile:not(.dragged)");
    const place = under?.closest("[data-place]") ?? under?.closest("[data-do=new], [data-do=bin], [data-do=unsorted]");
    for (const one of board.querySelectorAll(".over, .before")) one.classList.remove("over", "before");
    const box = tile?.getBoundingClientRect();
    const before = tile && x > box.left + box.width / 2 ? tile.nextElementSibling : tile;
    place?.classList.add("over");
    before?.classList.add("before");
    drag.to = place?.dataset.place ?? place?.dataset.do ?? null;
    drag.before = before?.dataset.photo ?? null;
    drag.scroll = y < EDGE ? y - EDGE : y > innerHeight - EDGE ? y - innerHeight + EDGE : 0;
    drag.at = [x, y];
    if (drag.scroll && !drag.rolling) roll();
  }

  function roll() {
    drag.rolling = requestAnimationFrame(() => {
      if (!drag?.live) return;
      drag.rolling = null;
      scrollBy(0, drag.scroll / 4);
      if (drag.scroll) move(...drag.at);
    });
  }

  function end(put) {
    if (!drag) return;
    clearTimeout(drag.pressing);
    const { live, to, before, ghost, count } = drag;
    drag = null;
    if (!live) return;
    ghost.remove();
    count.remove();
    for (const one of board.querySelectorAll(".over, .before, .dragged")) one.classList.remove("over", "before", "dragged");
    board.dragging = false;
    board.classList.remove("dragging");
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 50);
    if (put && to) board.put(to, before);
  }

  function swallow(event) {
    event.stopPropagation();
    event.preventDefault();
  }

  board.addEventListener("pointerdown", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || event.button || !event.isPrimary) return;
    drag = { x: event.clientX, y: event.clientY, tile, touch: event.pointerType !== "mouse" };
    if (drag.touch) drag.pressing = setTimeout(() => drag && begin(tile, drag.x, drag.y), PRESS);
  });
  addEventListener("pointermove", (event) => {
    if (!drag || !event.isPrimary) return;
    if (drag.live) return move(event.clientX, event.clientY);
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < SLACK) return;
    if (drag.touch) end(false); // a swipe: the page scrolls
    else begin(drag.tile, event.clientX, event.clientY);
  });
  addEventListener("pointerup", () => end(true));
  addEventListener("pointercancel", () => end(false));
  addEventListener("keydown", (event) => event.key === "Escape" && end(false));
  board.addEventListener("touchmove", (event) => drag?.live && event.preventDefault(), { passive: false });
  board.addEventListener("contextmenu", (event) => event.target.closest(".tile") && drag?.touch && event.preventDefault());
}
