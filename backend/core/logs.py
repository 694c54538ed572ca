"""The log: where its lines go, and that nothing secret and no false line is in any of them.

Everything ends here: loguru's lines, those of libraries that use `logging`, and the last words of a process that
crashes. Owns that one sink. Owns no rule of what is secret (`redaction.py`).
"""

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

from loguru import logger

from backend.core.redaction import hide, known

if TYPE_CHECKING:
    from loguru import Record

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could begin a line of its own, move a terminal's cursor, or turn the order of letters round."""


def set_up(level: str, *, as_json: bool) -> None:
    """Lines from `level` on to standard error: readable text, or one JSON object each."""
    logger.remove()
    logger.configure(patcher=_one_line)
    logger.add(_write_json if as_json else _write_text, level=level, serialize=as_json, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[ToOurLog()], level=logging.WARNING, force=True)


class ToOurLog(logging.Handler):
    """A library's own log lines, in our log; `name` instead of the library's."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL") else "INFO"
        said = logger.opt(exception=record.exc_info)
        said.log(level, "{}: {}", self._name or record.name, record.getMessage())


def tell_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For `sys.excepthook`."""
    sys.stderr.write(hide("".join(traceback.format_exception(kind, error, trace))))


def _one_line(record: "Record") -> None:
    """A message is one line, whatever somebody put into it."""
    record["message"] = _CONTROL.sub(
        lambda found: found[0].encode("unicode_escape", "replace").decode(), record["message"]
    )


def _write_text(line: str) -> None:
    sys.stderr.write(hide(line))  # the stderr of the moment, not of the set-up


def _write_json(line: str) -> None:
    sys.stderr.write(known().file(line.encode("utf-8", "replace")).decode().rstrip("\n") + "\n")
