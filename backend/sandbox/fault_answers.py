"""What a fault answers in the site's place: API errors, challenge pages, walls.

Owns the answers, after the facts known of the real ones; challenge hosts appear by name in local paths, so no
request ever leaves the machine. Does not own when a fault happens.
"""

import json
import secrets
from collections.abc import Callable, Mapping

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from backend.sandbox.faults import Fault
from backend.sandbox.labels import labels
from backend.sandbox.pages import render
from backend.sandbox.state import SandboxState

CAPTCHA_PATH = "/__sandbox__/geo.captcha-delivery.com/captcha/"
WALL = "/users/verification"
_NOTHING = {"current_page": 1, "total_pages": 0, "per_page": 96, "total_entries": 0}


def answer(fault: Fault, request: Request, state: SandboxState) -> Response:
    """The response this fault gives to this request."""
    return _ANSWERS[fault.kind](fault, request, state)


def _captcha_url(kind: str) -> str:
    return f"{CAPTCHA_PATH}?initialCid={secrets.token_hex(12)}&t={kind}"


def _challenge_json(fault: Fault, request: Request, state: SandboxState) -> Response:
    return JSONResponse({"url": f"{request.base_url}{_captcha_url('fe').lstrip('/')}"}, 403)


def _wall(fault: Fault, request: Request, state: SandboxState) -> Response:
    return _refuse(request, 403, 106, "access_denied") if _is_api(request) else RedirectResponse(WALL, 302)


def _hcaptcha(fault: Fault, request: Request, state: SandboxState) -> Response:
    page = render("hcaptcha.html", sitekey=fault.params["sitekey"], t=labels(state.options.language))
    return HTMLResponse(page, fault.params["status"])


def _datadome(kind: str, status: int) -> Response:
    url = _captcha_url(kind)
    dd = {"rt": "c", "cid": secrets.token_hex(16), "t": kind, "host": "geo.captcha-delivery.com"}
    literal = json.dumps(dd).replace('"', "'")
    return HTMLResponse(render("datadome.html", dd=literal, captcha_url=url), status)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/web/api/"))


def _refuse(
    request: Request, status: int, code: int, message_code: str, headers: dict[str, str] | None = None
) -> Response:
    """The web API's error as JSON, or a bare page with the status."""
    if _is_api(request):
        return JSONResponse({"code": code, "message_code": message_code, "errors": []}, status, headers)
    return HTMLResponse(f"<!doctype html><title>{status}</title><h1>{status}</h1>", status, headers)


def _validation(fault: Fault, request: Request, state: SandboxState) -> Response:
    value = fault.params["value"] or labels(state.options.language)["error_required"]
    errors = [{"field": fault.params["field"], "value": value}]
    return JSONResponse({"code": 99, "message_code": "validation_error", "errors": errors}, 400)


_ANSWERS: Mapping[str, Callable[[Fault, Request, SandboxState], Response]] = {
    "rate_limited": lambda f, r, s: _refuse(r, 429, 429, "rate_limit", {"Retry-After": str(f.params["retry_after"])}),
    "forbidden": lambda f, r, s: _refuse(r, 403, 106, "access_denied"),
    "server_error": lambda f, r, s: _refuse(r, f.params["status"], 99, "server_error"),
    "redirect": lambda f, r, s: RedirectResponse(f.params["to"], 302),
    "verification_wall": _wall,
    "validation_error": _validation,
    "empty_wardrobe": lambda f, r, s: JSONResponse({"items": [], "pagination": _NOTHING, "code": 0}),
    "challenge_json": _challenge_json,
    "html_for_json": lambda f, r, s: _datadome("fe", 200),
    "challenge": lambda f, r, s: _datadome(f.params["type"], 403),
    "address_ban": lambda f, r, s: _datadome("bv", 403),
    "hcaptcha": _hcaptcha,
    "cloudflare_1020": lambda f, r, s: HTMLResponse(render("cloudflare.html", ray=secrets.token_hex(8)), 403),
}
