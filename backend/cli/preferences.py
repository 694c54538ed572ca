"""`preferences`: what you want as a rule, shown and changed; the page `/settings` in words of the command line."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backend.cli.terminal import AsJson, out, show_json, with_runtime
from backend.core.errors import BadRequest
from backend.preferences import NESTED, Preferences, change_preferences, defaults_of, preferences_of
from backend.runtime import Runtime

NAMES = tuple(name for field in Preferences.model_fields for name in NESTED.get(field, (field,)))
_BETWEEN = {"hashtags": ",", "gap": "-", "quiet": "-"}
"""What stands between the parts of a value that has several."""


def preferences(
    changes: Annotated[
        list[str] | None,
        typer.Argument(help='name=value, name=@file for a template; "name=" goes back to the default.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Shows what you want as a rule, or changes it: languages, marketplace, mode, what holds for new batches, words,
    prices, pace, notifications by mail.

    Example: `vintedbot preferences tone=friendly rounding=ninety per_day=30 quiet=22:00-07:00`"""

    async def act(runtime: Runtime) -> Preferences:
        if not changes:
            return await runtime.database.look(preferences_of, runtime.user_id)
        return await runtime.database.run(change_preferences, runtime.user_id, parse_changes(changes))

    wishes = with_runtime(act, as_json=as_json).model_dump(mode="json")
    if as_json:
        show_json(wishes)
        return
    for name in NAMES:
        value = next((wishes[whole][name] for whole, parts in NESTED.items() if name in parts), wishes.get(name))
        out.print(f"{name}: {_told(name, value)}", markup=False, highlight=False)


def parse_changes(changes: list[str]) -> dict[str, object]:
    """["tone=friendly", "hashtags=a,b"] → values as the preferences want them. Raises BadRequest."""
    given: dict[str, object] = {}
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign or name not in NAMES:
            raise BadRequest(f"{change!r} is not name=value. Names: {', '.join(NAMES)}.", code="bad_preferences")
        if name.endswith("_template") and value.startswith("@"):
            value = _text_of(Path(value[1:]))
        several = value.split(_BETWEEN[name]) if name in _BETWEEN else value
        given[name] = defaults_of(name)[name] if value == "" else several
    return given


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} can't be read as text: {error}", code="bad_preferences") from None


def _told(name: str, value: Any) -> str:
    if isinstance(value, list):
        return _BETWEEN[name].join(map(str, value)) or "–"
    return "–" if value in (None, "") else str(value)
