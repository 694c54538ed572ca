"""Getting an account's session: the owner signs in by hand in a visible browser, or hands over their cookies.

Owns turning either into a storage state (Playwright's format). Never types a password and keeps nothing.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Error, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

from backend.core.errors import BadRequest, SetupError, VintedNetworkError, VintedTimeoutError
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.browser import find_browser, launch

_SAME_SITE = {"strict": "Strict", "none": "None", "no_restriction": "None"}
_NO_DISPLAY = (
    "Signing in by hand needs a screen, and there is none here. Run `vintedbot login` on a computer with one, "
    "or hand over the cookies of a browser where you are signed in: `vintedbot login --cookies FILE`."
)


async def sign_in(base_url: str, *, browser: str | None = None, patience: float = 300) -> tuple[str, dict[str, Any]]:
    """Opens a visible browser and waits up to `patience` seconds for its user to sign in.

    Returns the signed-in name and the storage state. Raises `SetupError` without a screen or a browser."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SetupError(_NO_DISPLAY)
    choice = find_browser(browser, headed=True)
    async with async_playwright() as driver:
        window = await launch(driver, choice, headless=False)
        page = await window.new_page()
        try:
            await page.goto(base_url)
            avatar = page.locator(selectors.USER_AVATAR).first
            await avatar.wait_for(state="attached", timeout=patience * 1000)
            name = (await avatar.get_attribute("alt") or "").strip()
            return name, dict(await page.context.storage_state())
        except PlaywrightTimeout as error:
            raise VintedTimeoutError(f"Nobody signed in within {patience:g} seconds.") from error
        except Error as error:
            raise VintedNetworkError(f"The window was closed, or {base_url} can't be reached.") from error
        finally:
            await window.close()


def parse_cookies(text: str, base_url: str) -> dict[str, Any]:
    """A storage state from what a person pasted: a Cookie header, a Netscape cookie file, or a JSON export.

    Cookies of other sites are left out. Raises `BadRequest` when there is none for `base_url`'s site."""
    parts = urlsplit(base_url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    text = text.strip()
    if text.startswith(("{", "[")):
        found = _from_json(text, host)
    elif "\t" in text:
        found = _from_netscape(text)
    else:
        found = _from_header(text, host, secure)
    cookies = [cookie for cookie in found if _belongs(cookie["domain"], host)]
    if not cookies:
        raise BadRequest(f"There is no cookie for {host} in this text.", code="no_cookies")
    return {"cookies": cookies, "origins": []}


def _from_header(text: str, host: str, secure: bool) -> list[dict[str, Any]]:
    header = text.split(":", 1)[1] if text.lower().startswith("cookie:") else text
    pairs = (pair.strip().split("=", 1) for pair in header.split(";") if "=" in pair)
    return [_cookie(name.strip(), value.strip(), host, secure=secure) for name, value in pairs if name.strip()]


def _from_netscape(text: str) -> list[dict[str, Any]]:
    """Seven columns: domain, subdomains, path, secure, expiry, name, value; `#HttpOnly_` before the domain."""
    cookies = []
    for line in text.splitlines():
        columns = line.removeprefix("#HttpOnly_").split("\t")
        if len(columns) == 7 and not columns[0].startswith("#"):
            domain, _, path, secure, expires, name, value = columns
            cookies.append(
                _cookie(
                    name,
                    value.strip(),
                    domain,
                    path=path,
                    secure=secure == "TRUE",
                    expires=float(expires) if expires.isdecimal() else 0,
                    http_only=line.startswith("#HttpOnly_"),
                )
            )
    return cookies


def _from_json(text: str, host: str) -> list[dict[str, Any]]:
    """A list of cookies as browser extensions export it, or Playwright's own storage state."""
    try:
        read = json.loads(text)
    except ValueError as error:
        raise BadRequest(f"This text looks like JSON but is not: {error}") from error
    listed: Iterable[Any] = read.get("cookies", []) if isinstance(read, dict) else read
    return [_from_export(c, host) for c in listed if isinstance(c, dict) and c.get("name") and "value" in c]


def _from_export(cookie: Mapping[str, Any], host: str) -> dict[str, Any]:
    expires = cookie.get("expires", cookie.get("expirationDate"))
    return _cookie(
        str(cookie["name"]),
        str(cookie["value"]),
        str(cookie.get("domain") or host),
        path=str(cookie.get("path") or "/"),
        secure=bool(cookie.get("secure")),
        expires=float(expires) if isinstance(expires, int | float) else 0,
        http_only=bool(cookie.get("httpOnly")),
        same_site=_SAME_SITE.get(str(cookie.get("sameSite")).lower(), "Lax"),
    )


def _cookie(
    name: str,
    value: str,
    domain: str,
    *,
    path: str = "/",
    secure: bool,
    expires: float = 0,
    http_only: bool = False,
    same_site: str = "Lax",
) -> dict[str, Any]:
    """`expires` in seconds since 1970; 0 and below mean a session cookie, which Playwright writes as -1."""
    return {
        "name": name,
        "value": value,
        "domain": domain,
        "path": path,
        "expires": expires if expires > 0 else -1,
        "httpOnly": http_only,
        "secure": secure,
        "sameSite": same_site,
    }


def _belongs(domain: str, host: str) -> bool:
    """Whether a browser would send a cookie of this domain to the host."""
    bare = domain.lstrip(".").lower()
    return host == bare or (host.endswith("." + bare) and "." in bare)
