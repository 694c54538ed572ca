// The consent banner: covers the page until it is answered, then never comes back for this visitor.
(() => {
  const sdk = document.getElementById("onetrust-consent-sdk");
  const answer = () => {
    document.cookie = `OptanonAlertBoxClosed=${new Date().toISOString()}; path=/; max-age=31536000; samesite=lax`;
    sdk.remove();
  };
  for (const id of ["onetrust-accept-btn-handler", "onetrust-reject-all-handler"]) {
    document.getElementById(id).addEventListener("click", answer);
  }
})();
