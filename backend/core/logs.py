"""The one place where log lines get a shape and somewhere to go.

A line is an event: its message begins with the event's name in snake_case, and a sentence may follow after a colon
(`"attempt_failed: {}"`); what it is about are fields (`logger.bind(publication=…)`), and what it belongs to is carried
by context (`about(request=…, job=…)`), through tasks and threads alike. The lines of libraries that use `logging` and
the last words of a process that crashes end here too. Secrets are taken out of every line before any sink sees it
(`core/redaction.py`). Owns the shapes, the sinks and the files' rotation. Owns no event.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from loguru import logger

from backend.core.redaction import hide, known

if TYPE_CHECKING:
    from loguru import Record

EVENT = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)(?:: (.*))?", re.DOTALL)
FIRST = ("at", "level", "event", "message", "request", "job", "batch", "draft", "publication", "account")
"""Fields that stand first, in this order."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SEVERITY = {name: place for place, name in enumerate((*LEVELS, "CRITICAL", "JOURNAL"))}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could begin a line of its own, move a terminal's cursor, or turn the order of letters round."""
_SHAPED = "vintedbot_line"


def set_up(level: str, *, as_json: bool) -> None:
    """Lines to standard error, as JSON or for a reader."""
    logger.remove()
    logger.add(
        lambda line: print(line, end="", file=sys.stderr),  # noqa: T201 - the stderr of the moment, not of now
        level=level,
        format=_as_json if as_json else _readable,
        diagnose=False,
    )
    logging.basicConfig(handlers=[ToOurLog()], level=logging.WARNING, force=True)


class ToOurLog(logging.Handler):
    """A library's own log lines, in our log; `name` instead of the library's."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in (*LEVELS, "CRITICAL") else "INFO"
        said = logger.opt(exception=record.exc_info)
        said.log(level, "library_says: {}: {}", self._name or record.name, record.getMessage())


def tell_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For `sys.excepthook`."""
    sys.stderr.write(hide("".join(traceback.format_exception(kind, error, trace))))


@contextmanager
def kept(folder: Path, *, level: str, days: int) -> Iterator[None]:
    """Inside, lines are kept as JSON in a file a day, which any number of processes append to; old files go."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    sink = logger.add(
        folder / "{time:YYYY-MM-DD!UTC}.jsonl",
        level=level,
        format=_as_json,
        rotation="00:00",
        retention=f"{days} days",
        diagnose=False,
        encoding="utf-8",
        opener=lambda path, flags: os.open(path, flags, 0o600),
    )
    try:
        yield
    finally:
        with suppress(ValueError):  # the log was set up anew meanwhile
            logger.remove(sink)


def about(**fields: str) -> AbstractContextManager[None]:
    """Lines inside carry these fields; empty ones are left out."""
    return logger.contextualize(**{name: value for name, value in fields.items() if value})


def entry(record: "Record") -> dict[str, Any]:
    """The line as data, without its secrets."""
    found = EVENT.fullmatch(record["message"])
    event, message = (found[1], found[2]) if found else ("message", record["message"])
    fields: dict[str, Any] = {
        "at": record["time"].astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record["level"].name,
        "event": event,
        **({"message": message} if message else {}),
        **{name: _plain(value) for name, value in record["extra"].items() if not name.startswith("_")},
        "where": f"{record['name']}:{record['line']}",
        "process": record["process"].id,
    }
    if (failed := record["exception"]) is not None:
        fields["exception"] = "".join(traceback.format_exception(failed.type, failed.value, failed.traceback))
    first = {name: fields.pop(name) for name in FIRST if name in fields}
    cleaned: dict[str, Any] = known().value({**first, **fields})
    return cleaned


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _as_json(record: "Record") -> str:
    line = json.dumps(entry(record), ensure_ascii=False)
    return _shaped(record, _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line))


def _readable(record: "Record") -> str:
    return _shaped(record, for_a_reader(entry(record), f"{record['time']:HH:mm:ss}"))


def fields_of(line: Mapping[str, Any]) -> str:
    """What the line is about and carries, beside what is always told."""
    return " ".join(f"{name}={value}" for name, value in line.items() if name not in _TOLD_APART)


def for_a_reader(line: Mapping[str, Any], at: str) -> str:
    """A line of `entry` as text: when, how grave, what, and its fields; an exception below it."""
    said = "  ".join(part for part in (line["event"], line.get("message"), fields_of(line)) if part)
    told = (f"{at} {line['level']:<7} {said}", *line.get("exception", "").splitlines())
    return "\n".join(_CONTROL.sub(lambda found: ascii(found[0])[1:-1], one) for one in told)


_TOLD_APART = frozenset({"at", "level", "event", "message", "where", "process", "exception"})


def _shaped(record: "Record", line: str) -> str:
    """loguru fills a format in; the line itself must not be taken for one."""
    record[_SHAPED] = line  # type: ignore[literal-required]
    return f"{{{_SHAPED}}}\n"
