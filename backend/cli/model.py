"""`model …`: which reader reads the photos, chosen by who sits at the machine; the page `/settings/reader` in words."""

import sys
from typing import Annotated, Any

import typer

from backend.cli.terminal import AsJson, err, fail, out, show_json, with_runtime
from backend.core.errors import BadRequest, NotFound
from backend.core.model_calls import MICROS
from backend.model_choice import NUMBERS, SETTINGS, Name, Shown, Wanted, parse_wanted
from backend.runtime import Runtime
from backend.vision.presets import PRESETS, preset_called
from backend.vision.probe import Trial

app = typer.Typer(help="Which reader reads the photos: the offline one, or a vision model.", no_args_is_help=True)

Preset = Annotated[str | None, typer.Option(help=f"Fills in: {', '.join(one.name for one in PRESETS)}.")]
Offline = Annotated[bool, typer.Option("--offline", help="The built-in reader, without a model.")]
Address = Annotated[str | None, typer.Option(help="Of an OpenAI-compatible service, /v1 included.")]
Model = Annotated[str | None, typer.Option(help="As its service calls it.")]
AskKey = Annotated[bool, typer.Option("--key", help="Ask for the key, unseen.")]
KeyFromInput = Annotated[bool, typer.Option("--key-stdin", help="Read the key from standard input.")]
NoKey = Annotated[bool, typer.Option("--no-key", help="Forget the kept key.")]
Timeout = Annotated[str | None, typer.Option(help='Seconds one call may take; "" for the default, as below.')]
Price = Annotated[str | None, typer.Option(help="Dollars per million tokens.")]
Limit = Annotated[str | None, typer.Option(help="Dollars: of everybody's day, of a user's day, of a batch.")]
_SHOWN_AS = {"environment": "set by the environment", "page": "chosen here", "default": "default"}


@app.command("show")
def show(as_json: AsJson = False) -> None:
    """How the reader is set, and by whose word. A key is never shown.

    Example: `vintedbot model show`"""

    async def act(runtime: Runtime) -> Shown:
        return await runtime.chosen.shown()

    _tell(with_runtime(act, as_json=as_json), as_json)


@app.command("set")
def choose(
    preset: Preset = None, offline: Offline = False, address: Address = None, model: Model = None,
    key: AskKey = False, key_stdin: KeyFromInput = False, no_key: NoKey = False, timeout: Timeout = None,
    price_input: Price = None, price_output: Price = None,
    day_budget: Limit = None, user_day_budget: Limit = None, batch_budget: Limit = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Chooses the reader for everybody on this server, from the next batch on; what isn't named stays.

    Example: `vintedbot model set --preset ollama`"""
    given = (timeout, price_input, price_output, day_budget, user_day_budget, batch_budget)
    named: dict[str, Any] = {**dict(zip(NUMBERS, given, strict=True)), "address": address, "model": model}
    named["key"] = _key(key, key_stdin, no_key)

    async def act(runtime: Runtime) -> tuple[tuple[Name, ...], Shown]:
        wanted = await _wanted(runtime, preset, offline, named)
        return await runtime.chosen.choose(wanted), await runtime.chosen.shown()

    changed, shown = with_runtime(act, as_json=as_json)
    if as_json:
        show_json({"changed": changed, "model": shown.model_dump(mode="json")})
        return
    out.print(f"Changed: {', '.join(changed)}." if changed else "Nothing has changed.")
    _tell(shown, as_json)
    if changed:
        out.print("It holds from the next batch on, in every process. Try it with: vintedbot model test")


@app.command("forget")
def forget(as_json: AsJson = False) -> None:
    """Forgets what was chosen, and the key: back to what the environment says.

    Example: `vintedbot model forget`"""

    async def act(runtime: Runtime) -> tuple[bool, Shown]:
        return await runtime.chosen.forget(), await runtime.chosen.shown()

    forgotten, shown = with_runtime(act, as_json=as_json)
    if as_json:
        show_json({"forgotten": forgotten, "model": shown.model_dump(mode="json")})
        return
    out.print("Forgotten." if forgotten else "Nothing was chosen here.")
    _tell(shown, as_json)


@app.command("test")
def test(
    preset: Preset = None, offline: Offline = False, address: Address = None, model: Model = None,
    key: AskKey = False, key_stdin: KeyFromInput = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Has the reader read a small picture; with options the one they name, which is not kept. Exit code 5 if it can't.

    Example: `vintedbot model test --preset mistral --key`"""
    named = {"address": address, "model": model, "key": _key(key, key_stdin, False)}

    async def act(runtime: Runtime) -> tuple[Trial, int | None]:
        if preset is None and not offline and all(value is None for value in named.values()):
            return await runtime.chosen.try_now(runtime.user_id)
        return await runtime.chosen.try_out(runtime.user_id, await _wanted(runtime, preset, offline, named))

    tried, micros = with_runtime(act, as_json=as_json)
    cost = "unknown" if micros is None else f"${micros / MICROS:.4f}"
    if as_json:
        show_json({"ok": tried.ok, "milliseconds": tried.seconds * 1000, "code": tried.code, "reason": tried.reason,
                   "micros": micros})  # fmt: skip
    elif tried.ok:
        out.print(f"[green]It reads[/]: answered in {tried.seconds * 1000:.0f} ms; this test came to {cost}.")
    else:
        err.print(f"[bold red]{tried.code}[/]: {tried.reason}", highlight=False, soft_wrap=True)
    if not tried.ok:
        raise typer.Exit(5)


async def _wanted(runtime: Runtime, preset: str | None, offline: bool, named: dict[str, Any]) -> Wanted:
    """What is kept, with what is named instead. Raises NotFound for a preset there is none of, BadChoice."""
    held = await runtime.chosen.look()
    kept = held.kept.wanted if held.kept else Wanted(reader=held.settings.reader)
    ours = [name for name in SETTINGS if name != "key" and held.by[name] != "environment"]
    values: dict[str, Any] = {name: getattr(kept, name) for name in ours}
    service = preset_called(preset or "")
    if preset is not None and service is None:
        raise NotFound(f"There is no preset {preset!r}: {', '.join(one.name for one in PRESETS)}.")
    if service is not None:
        values |= {"address": service.address, "model": service.model}
    asks_model = service is not None or any(named[name] for name in ("address", "model", "key"))
    values["reader"] = "embedded" if offline else "openai" if asks_model else held.settings.reader
    given = {name: (value or None if name in NUMBERS else value) for name, value in named.items() if value is not None}
    return parse_wanted(values | given)


def _key(ask: bool, from_input: bool, none: bool) -> str | None:
    """The key as it is given; None where it is to stay as it is."""
    if ask + from_input + none > 1:
        fail(BadRequest("Say one of --key, --key-stdin and --no-key."))
    if none:
        return ""
    if from_input:
        return sys.stdin.readline().strip()
    return str(typer.prompt("Key", hide_input=True)).strip() if ask else None


def _tell(shown: Shown, as_json: bool) -> None:
    if as_json:
        show_json(shown.model_dump(mode="json"))
        return
    key = f"set, ends in {shown.key_ends}" if shown.key_ends else "set" if shown.key_set else "none"
    names: tuple[Name, ...] = tuple(SETTINGS) if shown.reader == "openai" else ("reader",)
    for name in names:
        value = key if name == "key" else getattr(shown, name)
        value = "–" if value in (None, "") else value
        said = f"{_SHOWN_AS[shown.by[name]]}: {shown.variables[name]}"
        told = said if shown.by[name] == "environment" else _SHOWN_AS[shown.by[name]]
        out.print(f"{name}: {value}  [dim]({told})[/]", highlight=False, soft_wrap=True)
    if shown.trouble:
        err.print(f"[bold red]{shown.trouble}[/]", highlight=False, soft_wrap=True)
