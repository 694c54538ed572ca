// Exchanges the refresh token for a new session and goes on, or asks for a sign-in.
(async () => {
  const back = document.getElementById("session-refresh").dataset.refUrl;
  const answer = await fetch("/web/api/auth/refresh", { method: "POST" }).catch(() => null);
  location.replace(answer?.ok ? back : `/member/login?ref_url=${encodeURIComponent(back)}`);
})();
