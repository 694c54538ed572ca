// The site's own web API as its form calls it: csrf token, anonymous id, and one renewal of a session that ran out.
import { make } from "./dom.js";

export class ApiError extends Error {
  constructor(status, body) {
    super(`${status}`);
    this.status = status;
    this.errors = body?.errors ?? [];
  }
}

const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

function headers(body) {
  const form = body instanceof FormData || body === undefined;
  return {
    accept: "application/json",
    "x-csrf-token": document.querySelector("meta[name=csrf-token]").content,
    "x-anon-id": cookie("anon_id"),
    "x-upload-form": "true",
    ...(form ? {} : { "content-type": "application/json" }),
  };
}

// A challenge that came instead of an answer is laid over the page; once solved, the seller tries again.
function layOver(url) {
  const frame = make("iframe", { src: url, title: "DataDome CAPTCHA" });
  const overlay = make("div", { class: "captcha-overlay" }, frame);
  document.body.append(overlay);
  const solved = async (event) => {
    if (event.origin !== location.origin || !event.data.captcha) return;
    removeEventListener("message", solved);
    await fetch("/__sandbox__/challenge/verify", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token: event.data.captcha }),
    });
    overlay.remove();
  };
  addEventListener("message", solved);
}

async function ask(method, path, body, renewed = false) {
  const raw = body instanceof FormData || body === undefined ? body : JSON.stringify(body);
  const answer = await fetch(path, { method, headers: headers(body), body: raw });
  if (answer.status === 401 && !renewed) {
    if ((await fetch("/web/api/auth/refresh", { method: "POST" })).ok) return ask(method, path, body, true);
    location.assign(`/member/login?ref_url=${encodeURIComponent(location.pathname)}`);
  }
  const json = answer.headers.get("content-type")?.includes("application/json") ? await answer.json() : null;
  if (json?.url && !answer.ok) layOver(json.url);
  if (!answer.ok || json === null) throw new ApiError(answer.status, json);
  return json;
}

export const api = {
  get: (path) => ask("GET", path),
  post: (path, body) => ask("POST", path, body),
  put: (path, body) => ask("PUT", path, body),
};
