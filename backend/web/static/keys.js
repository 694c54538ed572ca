// What every page with keys shares. Loaded before all else and at once: a key pressed, or a photo tapped, before the
// page's own scripts are there waits for them, until they say `keysReady()`. And ? shows the page's keys.

{
  const TYPING = "input:not([type=radio], [type=checkbox]), select, textarea";
  const waiting = [];
  const hold = (event) => {
    const tapped = event.type === "click" && event.target.closest?.("photo-board button:not([popovertarget])");
    const pressed = event.type === "keydown" && ![" ", "Enter", "Tab", "?"].includes(event.key) && !event.target.closest?.(TYPING);
    if (!tapped && !pressed) return;
    event.stopImmediatePropagation(); // a script that is there already is not to act on half a page, nor twice
    waiting.push(event);
  };
  for (const kind of ["keydown", "click"]) addEventListener(kind, hold, true);

  window.keysReady = () => {
    for (const kind of ["keydown", "click"]) removeEventListener(kind, hold, true);
    for (const event of waiting.splice(0)) event.target.dispatchEvent(new event.constructor(event.type, event));
  };

  addEventListener("keydown", (event) => {
    if (event.key === "?" && !event.target.closest?.(TYPING)) document.getElementById("keys")?.togglePopover();
  });
}
