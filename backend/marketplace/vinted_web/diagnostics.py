"""What one attempt leaves when it fails: the page, its network, its steps and log lines, with nothing secret in them.

Owns what is noted and how it is cleaned; `core/bundles` owns the files, `core/redaction` what is secret. A trace costs
two fifths of an attempt's speed, so only an attempt after a failed one makes it. Never raises: a failure to note a
failure must not hide it.
"""

import asyncio
import io
import json
import tempfile
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger
from playwright.async_api import Error, Page

from backend.core import bundles, tracing
from backend.core.errors import Conflict, VintedBotError
from backend.core.operator_metrics import publish_step_duration_seconds
from backend.core.redaction import Redactor, secrets_in
from backend.marketplace.port import Progress
from backend.marketplace.vinted_web.traffic import Traffic

if TYPE_CHECKING:
    from loguru import Message

HTML_LIMIT = 1_000_000
LINES_KEPT = 1_000
TRACE_LIMIT = 60_000_000
"""Bytes of a trace unpacked; a bigger one is left out."""
PATIENCE = 20.0


class Notes:
    """One attempt's notes; kept below `folder` when it fails, nowhere when that is None. `may_trace` where the folder
    is one publication's own, so that a bundle in it is an earlier attempt of the same."""

    def __init__(self, folder: Path | None, *, may_trace: bool = False) -> None:
        self._folder = folder
        self._may_trace = may_trace
        self._steps: list[dict[str, Any]] = []
        self._lines: deque[dict[str, Any]] = deque(maxlen=LINES_KEPT)
        self._secrets: set[str] = set()
        self._tracing = False
        self._end_span: Callable[[], None] = _nothing

    def timed(self, progress: Progress) -> Progress:
        """The same, with the time of each step noted."""

        async def noted(step: str) -> None:
            self.end_step()
            logger.bind(step=step).info("step_begun")
            self._end_span = tracing.begin("browser step", step=step)
            self._steps.append({"name": step, "start": datetime.now(UTC).isoformat(), "_began": time.monotonic()})
            await progress(step)

        return noted

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, this attempt's log lines are noted, and no other's."""
        if self._folder is None:
            yield
            return
        mark = id(self)
        sink = logger.add(
            lambda message: self._lines.append(_line(message)),
            level="DEBUG",
            filter=lambda record: record["extra"].get("_notes") == mark,
            format="{message}",
        )
        try:
            with logger.contextualize(_notes=mark):
                yield
        finally:
            with suppress(ValueError):  # the log was set up anew meanwhile
                logger.remove(sink)

    async def begin(self, page: Page, storage_state: Mapping[str, Any]) -> None:
        """Learns the session's secrets, and starts a trace where an earlier attempt of the same has failed."""
        self._secrets |= _values_of(storage_state)
        if self._folder is None or not self._may_trace:
            return
        if not await asyncio.to_thread(bundles.bundles_in, self._folder):
            return
        try:
            await page.context.tracing.start(screenshots=True, snapshots=True)
            self._tracing = True
        except Error as error:
            logger.warning("no_trace: {}", error.message)

    async def keep(self, page: Page, traffic: Traffic, error: Exception) -> None:
        """Writes the bundle. An attempt that was taken from us (`Conflict`) has not failed and leaves none."""
        if self._folder is None or isinstance(error, Conflict):
            return
        self.end_step()
        try:
            html, picture, trace = await self._see(page)
            noted = self._noted(page, traffic, error)
            await asyncio.to_thread(self._write, self._folder, _code(error), noted, html, picture, trace)
        except Exception as failure:  # noqa: BLE001 - diagnostics: whatever it is, the attempt's own error matters more
            logger.warning("evidence_not_kept: in {}: {!r}", self._folder, failure)

    def end_step(self) -> None:
        """The step under way is over; what follows is none of the form's."""
        self._end_span()
        self._end_span = _nothing
        if self._steps and "_began" in self._steps[-1]:
            step = self._steps[-1]
            seconds = time.monotonic() - step.pop("_began")
            publish_step_duration_seconds.labels(step=step["name"]).observe(seconds)
            step["seconds"] = round(seconds, 3)

    def _noted(self, page: Page, traffic: Traffic, error: Exception) -> dict[str, Any]:
        """The files that are ours to write, as text or as rows."""
        where = page.url.split("?")[0]
        return {
            "error.txt": f"{type(error).__name__} ({_code(error)}): {error}\n{where}\n",
            "steps.jsonl": self._steps,
            "log.jsonl": list(self._lines),
            "network.jsonl": traffic.entries(),
        }

    async def _see(self, page: Page) -> tuple[str, bytes, bytes]:
        """HTML, picture and trace; empty where the browser no longer answers."""
        html, picture, trace = "", b"", b""
        try:
            async with asyncio.timeout(PATIENCE):
                self._secrets |= {cookie.get("value", "") for cookie in await page.context.cookies()}
                html = await page.content()
                picture = await page.screenshot(type="jpeg", quality=60, timeout=5_000)
                trace = await self._trace(page)
        except (Error, TimeoutError) as error:
            logger.debug("evidence_incomplete: {!r}", error)
        return html, picture, trace

    async def _trace(self, page: Page) -> bytes:
        """The raw trace, by way of a file that is gone again at once."""
        if not self._tracing:
            return b""
        self._tracing = False
        with tempfile.TemporaryDirectory(prefix="vintedbot-trace-") as folder:
            path = Path(folder) / "raw.zip"
            await page.context.tracing.stop(path=path)
            return await asyncio.to_thread(path.read_bytes)

    def _write(
        self, folder: Path, code: str, noted: Mapping[str, Any], html: str, picture: bytes, trace: bytes
    ) -> None:
        redactor = Redactor(self._secrets).knowing(secrets_in(html))
        files = {name: _cleaned(rows, redactor) for name, rows in noted.items()}
        files |= {"page.jpg": picture, "page.html": redactor.text(html[:HTML_LIMIT]).encode()}
        bundles.write(folder, code, files | {"trace.zip": clean_trace(trace, redactor)})


def clean_trace(raw: bytes, redactor: Redactor) -> bytes:
    """The trace with every member cleaned, also of the secrets its own records name; empty when it is too big."""
    if not raw:
        return b""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        if sum(member.file_size for member in archive.infolist()) > TRACE_LIMIT:
            return b""
        members = {name: archive.read(name) for name in archive.namelist()}
    redactor = redactor.knowing({secret for content in members.values() for secret in secrets_in(content)})
    cleaned = io.BytesIO()
    with zipfile.ZipFile(cleaned, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, redactor.file(content))
    return cleaned.getvalue()


def _cleaned(content: Any, redactor: Redactor) -> bytes:
    """Text, or rows as JSON lines."""
    if isinstance(content, str):
        return redactor.text(content).encode()
    return "".join(json.dumps(redactor.value(row), ensure_ascii=False) + "\n" for row in content).encode()


def _nothing() -> None:
    return None


def _line(message: "Message") -> dict[str, Any]:
    record = message.record
    extra = {name: str(value) for name, value in record["extra"].items() if not name.startswith("_")}
    line = {"at": record["time"].isoformat(), "level": record["level"].name, "message": record["message"], **extra}
    failed = record["exception"]
    return line if failed is None else {**line, "exception": repr(failed.value)}


def _code(error: Exception) -> str:
    return error.code if isinstance(error, VintedBotError) else "internal"


def _values_of(storage_state: Mapping[str, Any]) -> set[str]:
    """Every cookie's value of a session, and what its pages stored."""
    stored = (item for origin in storage_state.get("origins", ()) for item in origin.get("localStorage", ()))
    return {str(one.get("value", "")) for one in (*storage_state.get("cookies", ()), *stored)}
