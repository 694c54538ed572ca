"""`logs`: what happened, from the kept log lines and the journal."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from backend.cli.terminal import AsJson, out, settings_of, show_json, with_runtime
from backend.core.errors import BadRequest
from backend.core.logs import LEVELS, for_a_reader
from backend.core.pacing import parse_duration
from backend.db.models import Batch, Publication
from backend.db.scope import find_by_prefix
from backend.runtime import Runtime
from backend.watch import story
from backend.watch.story import Line, Wanted

LOOK_EVERY = 0.5
COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red", "JOURNAL": "cyan"}


def logs(
    publication: Annotated[str | None, typer.Option(help="One publication's story; its id or the beginning.")] = None,
    batch: Annotated[str | None, typer.Option(help="One batch's; its id or the beginning.")] = None,
    request: Annotated[str | None, typer.Option(help="One request's, by the X-Request-ID of its answer.")] = None,
    level: Annotated[str, typer.Option(help="Least severe line shown: DEBUG, INFO, WARNING or ERROR.")] = "INFO",
    since: Annotated[str | None, typer.Option(help="No older than this, such as 2h or 3d.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come, until Ctrl-C.")] = False,
    last: Annotated[int, typer.Option(min=1, help="At most so many lines, the newest.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """What happened, in order: of everything, or of one publication, batch or request.

    A publication's story holds its journal, its job and its steps in the browser, and the request that asked for it.

    Example: `vintedbot logs --publication 3f2a`"""
    if level.upper() not in LEVELS:
        raise typer.BadParameter(f"is one of {', '.join(LEVELS)}", param_hint="--level")
    wanted, journal = _chosen(publication, batch, request, as_json)
    severe = story.at_least(level.upper())
    start = _start(since)

    def shown(line: Line) -> bool:
        return wanted(line) and severe(line) and (start is None or _time(line) >= start)

    folder, places = settings_of().log_folder, dict[Path, int]()
    lines = story.in_order(journal, filter(shown, story.kept_lines(folder, start, places)))[-last:]
    if as_json:
        show_json(lines)
        return
    for line in lines:
        _print(line)
    if not lines:
        out.print(f"No lines are kept of that (in {folder}).", highlight=False)
    if follow:
        _follow(lambda: filter(shown, story.kept_lines(folder, start, places)))


def _chosen(
    publication: str | None, batch: str | None, request: str | None, as_json: bool
) -> tuple[Wanted, list[Line]]:
    if request is not None:
        return story.about("request", request), []
    if publication is None and batch is None:
        return lambda _: True, []

    def find(session: Session, user_id: str) -> tuple[Wanted, list[Line]]:
        if publication is None:
            return story.about("batch", find_by_prefix(session, Batch, user_id, batch or "").id), []
        found = find_by_prefix(session, Publication, user_id, publication)
        return story.of_publication(found), story.journal_lines(session, found)

    async def act(runtime: Runtime) -> tuple[Wanted, list[Line]]:
        return await runtime.database.run(find, runtime.user_id)

    return with_runtime(act, as_json=as_json)


def _start(since: str | None) -> datetime | None:
    if since is None:
        return None
    try:
        return datetime.now(UTC) - parse_duration(since)
    except BadRequest as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error


def _time(line: Line) -> datetime:
    return datetime.fromisoformat(str(line["at"]))


def _follow(new: Callable[[], Iterable[Line]]) -> None:
    try:
        while True:
            for line in new():
                _print(line)
            time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        return


def _print(line: Line) -> None:
    text = for_a_reader(line, _time(line).astimezone().strftime("%m-%d %H:%M:%S"))
    out.print(text, style=COLOURS.get(str(line["level"])), markup=False, highlight=False, soft_wrap=True)
