// The page around the hCaptcha-like widget: a token in its field, from the widget or from a solver, is verified
// as soon as it is noticed or the form is sent; a good one brings the original page back.
(() => {
  const form = document.getElementById("challenge-form");
  const field = form.querySelector("[name=h-captcha-response]");
  let tried = "";
  const verify = async () => {
    const token = field.value.trim();
    if (!token || token === tried) return;
    tried = token;
    const answer = await fetch("/__sandbox__/challenge/verify", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if ((await answer.json()).solved) location.reload();
    else document.getElementById("challenge-error").hidden = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    verify();
  });
  addEventListener("message", (event) => {
    if (event.origin !== location.origin || !event.data.captcha) return;
    field.value = event.data.captcha;
    verify();
  });
  setInterval(verify, 200);
})();
