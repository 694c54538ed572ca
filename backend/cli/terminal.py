"""What every command shares: settings, running a task with its errors said plainly, JSON, tables."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from backend.building import set_up_logging
from backend.core import logs
from backend.core.caller import acting
from backend.core.errors import SetupError, VintedBotError
from backend.core.origin import coming_from, new_request_id
from backend.runtime import Runtime, running
from backend.settings import Settings, load_settings
from backend.users.access import local_caller
from backend.users.service import find

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

out = Console()
err = Console(stderr=True)

EXIT_CODES: Mapping[str, int] = {"permanent": 1, "needs_person": 3, "retryable": 5, "uncertain": 6}
SETUP = 4


class Chosen:
    """What the options before the command said, while the command runs."""

    data: Path | None = None
    user: str | None = None

    @classmethod
    def forget(cls) -> None:
        cls.data = cls.user = None


def settings_of(**overrides: object) -> Settings:
    """The settings, with the data folder of `--data`. Logs only warnings unless told otherwise."""
    if Chosen.data is not None:
        overrides.setdefault("data", Chosen.data)
    settings = load_settings(**overrides)
    level = "WARNING" if "log_level" not in settings.model_fields_set else settings.log_level
    set_up_logging(settings, level)
    return settings


def exit_code(error: VintedBotError) -> int:
    return SETUP if isinstance(error, SetupError) else EXIT_CODES[error.kind]


def carry_out(task: Callable[[], Awaitable[T]], *, as_json: bool = False) -> T:
    """Runs the task; an error of ours ends the command with a sentence and its exit code."""

    async def run() -> T:
        return await task()

    try:
        return asyncio.run(run())
    except VintedBotError as error:
        fail(error, as_json=as_json)
    except KeyboardInterrupt:
        err.print("Stopped. What was under way goes on at the next start; nothing is lost.")
        raise typer.Exit(130) from None


def fail(error: VintedBotError, *, as_json: bool = False) -> NoReturn:
    if as_json:
        show_json({"error": {"code": error.code, "message": str(error)}})
    else:
        err.print(f"[bold red]{error.code}[/]: {error}", highlight=False, soft_wrap=True)
    raise typer.Exit(exit_code(error))


def with_runtime(
    act: Callable[[Runtime], Awaitable[T]], *, as_json: bool = False, jobs: bool = False, **overrides: object
) -> T:
    """Runs `act` with a running VintedBot; with `jobs` it runs them unless a server does."""

    async def task() -> T:
        settings = settings_of(**overrides)
        with asked_here():
            async with running(settings, run_jobs=jobs, if_idle=True, user=Chosen.user) as runtime:
                person = await runtime.database.run(find, runtime.user_id)
                with acting(local_caller(person, "cli")):
                    return await act(runtime)

    return carry_out(task, as_json=as_json)


@contextmanager
def asked_here() -> Iterator[None]:
    """What is asked for inside comes from this command, and the log says so."""
    command = f"cli-{new_request_id()}"
    with coming_from({"request": command}), logs.about(request=command):
        yield


def progress_bars(*, quiet: bool) -> Progress:
    """Bars on standard error that leave nothing behind."""
    text = TextColumn("{task.description}")
    columns = (SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, disable=quiet, transient=True)


def show_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
