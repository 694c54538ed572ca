"""A failure's bundle: what the page looked like, its HTML and its network log, with nothing secret in them.

Owns what is kept, how it is cleaned and how much of it there may be. Never raises: a failure to note a failure
must not hide it.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from loguru import logger
from playwright.async_api import Error, Page

from backend.core.errors import VintedBotError
from backend.marketplace.vinted_web.traffic import Traffic

BUNDLES_KEPT = 20
HTML_LIMIT = 1_000_000
SHORTEST_SECRET = 8
_HIDDEN = "[removed]"
_PATTERNS = (
    re.compile(r"()eyJ[\w-]{8,}\.[\w-]+\.[\w-]*()"),
    re.compile(r"""(<meta[^>]*(?:csrf|token)[^>]*content=["'])[^"']*(["'])""", re.IGNORECASE),
    re.compile(r"""((?:csrf|token|secret|anon_id)\w*["']?\s*[:=]\s*["'])[^"']+(["'])""", re.IGNORECASE),
    re.compile(r"""(<input[^>]*type=["']?(?:password|hidden)[^>]*value=["'])[^"']*(["'])""", re.IGNORECASE),
)


async def save_bundle(page: Page, traffic: Traffic, error: Exception, folder: Path) -> Path | None:
    """Writes a new folder below `folder` and returns it, or None when nothing could be kept."""
    code = error.code if isinstance(error, VintedBotError) else type(error).__name__
    bundle = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{code}"
    html, picture, secrets = await _see(page)
    files = {
        "error.txt": f"{type(error).__name__}: {error}\n{page.url.split('?')[0]}\n".encode(),
        "page.html": clean(html, secrets)[:HTML_LIMIT].encode(),
        "network.jsonl": "".join(json.dumps(entry) + "\n" for entry in traffic.entries()).encode(),
        "page.jpg": picture,
    }
    try:
        await asyncio.to_thread(_write, bundle, files)
    except OSError as failure:
        logger.warning("No diagnostics could be kept in {}: {}", folder, failure)
        return None
    return bundle


def clean(html: str, secrets: Iterable[str]) -> str:
    """The page without the session's cookies, tokens and what was typed into hidden and password fields."""
    for secret in sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True):
        html = html.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        html = pattern.sub(rf"\g<1>{_HIDDEN}\g<2>", html)
    return html


async def _see(page: Page) -> tuple[str, bytes, list[str]]:
    """HTML, picture and the secrets to remove; empty where the browser no longer answers."""
    try:
        secrets = [cookie.get("value", "") for cookie in await page.context.cookies()]
        html = await page.content()
    except Error:
        return "", b"", []
    try:
        return html, await page.screenshot(type="jpeg", quality=60, timeout=5_000), secrets
    except Error:
        return html, b"", secrets


def _write(bundle: Path, files: dict[str, bytes]) -> None:
    bundle.mkdir(parents=True, mode=0o700)
    for name, content in files.items():
        if content:
            (bundle / name).write_bytes(content)
    for old in sorted(path for path in bundle.parent.iterdir() if path.is_dir())[:-BUNDLES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
