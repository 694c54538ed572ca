// The site's own web API as its form calls it: csrf token, anonymous id, and one renewal of a session that ran out.
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

async function ask(method, path, body, renewed = false) {
  const raw = body instanceof FormData || body === undefined ? body : JSON.stringify(body);
  const answer = await fetch(path, { method, headers: headers(body), body: raw });
  if (answer.status === 401 && !renewed) {
    if ((await fetch("/web/api/auth/refresh", { method: "POST" })).ok) return ask(method, path, body, true);
    location.assign(`/member/login?ref_url=${encodeURIComponent(location.pathname)}`);
  }
  const json = answer.headers.get("content-type")?.includes("application/json") ? await answer.json() : null;
  if (!answer.ok || json === null) throw new ApiError(answer.status, json);
  return json;
}

export const api = {
  get: (path) => ask("GET", path),
  post: (path, body) => ask("POST", path, body),
  put: (path, body) => ask("PUT", path, body),
};
