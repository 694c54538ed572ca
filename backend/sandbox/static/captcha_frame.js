// The widget: only a real click or key (isTrusted) on its box earns a token, which goes to the page around it.
(() => {
  const box = document.getElementById("checkbox");
  const tick = async (event) => {
    if (!event.isTrusted || box.getAttribute("aria-checked") === "true") return;
    box.setAttribute("aria-checked", "true");
    const answer = await fetch("/__sandbox__/challenge/token", { method: "POST" });
    parent.postMessage({ captcha: (await answer.json()).token }, location.origin);
  };
  box.addEventListener("click", tick);
  document.getElementById("label").addEventListener("click", tick);
  box.addEventListener("keydown", (event) => event.key === " " && tick(event));
})();
