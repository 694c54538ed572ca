"""A worker to be killed, for the crash harness: a process of its own, forked from one that has imported everything.

The service as it is, with its waits shortened in proportion. A fault breaks the journal on purpose, from outside the
product's code, to show that the harness sees it: one of `FAULTS`.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from inspect import isasyncgen
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from backend.core.retry_utils import retry_publish_operation
from backend.marketplace.vinted_web.door import Door
from backend.publications import queue
from backend.runtime import running
from backend.settings import load_settings
from backend.workflows import engine, publish, settle
from backend.workflows.parts import Patience, current
from backend.workflows.reconcile import Verdict
from tests.fakes import ScriptedReader

PATIENCE = Patience(click_within=1.5, looks_after=(0.4, 1.1, 1.5), owner=60)


LOOKS_FOR_ORPHANS = engine._LOOK_FOR_ORPHANS_SECONDS


async def _takes_silence_for_absence(*_: Any, **__: Any) -> Verdict:
    return Verdict("absent")


def _writes_nothing_down(*_: Any) -> None:
    return None


def _look_for_orphans(stack: ExitStack, seconds: float) -> None:
    stack.enter_context(patch.object(engine, "_LOOK_FOR_ORPHANS_SECONDS", seconds))


def _freeze_on_the_way(stack: ExitStack) -> None:
    """The first request let out is held up right there: its browser's network freezes."""
    lets_out = Door._lets_out

    def then_freezes(door: Door) -> bool:
        out, mark = lets_out(door), Path(os.environ["FROZEN_ONCE"])
        if out and not mark.exists():
            mark.touch()
            for process in psutil.Process().children(recursive=True):
                if any("NetworkService" in word for word in process.cmdline()):
                    process.suspend()
        return out

    stack.enter_context(patch.object(Door, "_lets_out", then_freezes))


FAULTS: dict[str, Callable[[ExitStack], object]] = {
    "no_look": lambda stack: stack.enter_context(patch.object(settle, "reconcile", _takes_silence_for_absence)),
    "no_point_of_no_return": lambda stack: stack.enter_context(patch.object(queue, "submit", _writes_nothing_down)),
    "no_silence": lambda stack: stack.enter_context(patch.object(settle.runs, "silence", lambda _run: True)),
    "freezes_on_the_way": _freeze_on_the_way,
    "unhurried": partial(_look_for_orphans, seconds=LOOKS_FOR_ORPHANS),
}
"""`unhurried` is none: the dead are looked for as seldom as in earnest. Nor is `freezes_on_the_way`. `no_silence`
leaves a dead or frozen worker's browsers as they are. `no_look` takes each lost answer for a click that stored nothing.
`no_point_of_no_return` clicks without having written down that it will."""


def _tell_where_it_hangs() -> None:
    """What every task of this process awaits, innermost last, for the log of a trial that got stuck."""
    for task in asyncio.all_tasks():
        print(f"task {task.get_name()}:", file=sys.stderr)
        waiting: Any = task.get_coro()
        while waiting is not None:
            frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
            where = f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}" if frame else repr(waiting)
            print(f"  {where}", file=sys.stderr)
            inside = next((one for one in gc.get_referents(waiting) if isasyncgen(one)), None)
            waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None) or inside
    sys.stderr.flush()


async def _work(data: Path, ready: Connection) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _tell_where_it_hangs)
    async with running(load_settings(data=data), analyzer=ScriptedReader(), patience=PATIENCE):
        ready.send(current().executors.mine)
        while not ready.poll():  # readable once its other end is closed: a killed harness leaves nobody working
            await asyncio.sleep(1)


def run(data: Path, environment: Mapping[str, str], faults: Sequence[str], ready: Connection) -> None:
    """Works until it is killed; tells its executor's name through `ready`, and the rest to `worker.log`."""
    os.environ.update(environment, FROZEN_ONCE=str(data / "frozen"))
    with (data / "worker.log").open("a") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    with ExitStack() as stack:
        hurried = partial(retry_publish_operation, min_wait=0.2, max_wait=1)
        stack.enter_context(patch.object(publish, "retry_publish_operation", hurried))
        _look_for_orphans(stack, 0.5)
        for fault in faults:
            FAULTS[fault](stack)
        asyncio.run(_work(data, ready))
