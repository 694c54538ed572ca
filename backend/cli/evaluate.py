"""`evaluate`: how well photos are read, against a truth a person wrote; two readers or two runs side by side.

Owns the finding of photos, readers and files, and the tables. Does not own the figures (`backend/vision/evaluation`).
"""

import asyncio
import csv
import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter
from rich.table import Table

from backend.building import build_analyzer
from backend.chosen_reader import at_rest
from backend.cli.terminal import AsJson, carry_out, err, fail, out, progress_bars, settings_of, show_json
from backend.core.errors import BadRequest, VintedBotError
from backend.core.model_calls import MICROS, Counted
from backend.core.reading import PhotoInput
from backend.photos.discovery import discover
from backend.vision.evaluation import report
from backend.vision.evaluation.metrics import Agreement
from backend.vision.evaluation.runs import Arrival, Run, dump_runs, load_runs, make_run
from backend.vision.evaluation.scores import Score, differences, score
from backend.vision.evaluation.truth import Truth, find_truth, nothing_on, read_truth
from backend.workflows.reading import prepared

_SCORE = TypeAdapter(Score)
SEED = 7


def evaluate(
    folder: Annotated[Path | None, typer.Argument(help="A folder of photos.", show_default=False)] = None,
    truth: Annotated[
        Path | None, typer.Option(help="CSV of what is on them; else truth.csv or manifest.csv in the folder.")
    ] = None,
    reader: Annotated[list[str] | None, typer.Option(help="embedded or openai; give it twice to compare both.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Two files of earlier runs (--json), instead of a folder.")
    ] = None,
    nothing: Annotated[
        bool, typer.Option("--nothing", help="No garment is on the photos: any value is wrong.")
    ] = False,
    sample: Annotated[bool, typer.Option("--sample", help="The drawn sample wardrobe instead of a folder.")] = False,
    most: Annotated[int | None, typer.Option(help="Read no more than so many items, drawn by lot.", min=1)] = None,
    arrival: Annotated[
        Arrival, typer.Option(help="Sort the photos with their times and folders, or as a heap without.")
    ] = Arrival.AS_THEY_ARE,
    html: Annotated[Path | None, typer.Option(help="Write a report with the worst cases here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measures how well photos are read: precision and recall, calibration, grouping, time and cost.

    Example: `vintedbot evaluate ~/closet --truth ~/closet.csv --html report.html`

    The truth's columns are described in docs/reading.md. Nothing is kept but what you ask for."""
    if sum((folder is not None, compare is not None, sample)) != 1:
        fail(BadRequest("Name a folder of photos, or --sample, or --compare and two files."), as_json=as_json)

    async def act() -> tuple[Run, ...]:
        if compare is not None:
            return (*load_runs(compare[0]), *load_runs(compare[1]))
        with tempfile.TemporaryDirectory(prefix="vintedbot-") as place:
            home = folder.absolute() if folder is not None else await asyncio.to_thread(_draw, Path(place) / "sample")
            return await _read(home, truth, reader or [], arrival, nothing=nothing, most=most, quiet=as_json, html=html)

    runs = carry_out(act, as_json=as_json)
    if html is not None and compare is not None:
        _write(html, runs, as_json=as_json)
    scores = [score(run) for run in runs]
    if as_json:
        show_json({"scores": [_SCORE.dump_python(s, mode="json") for s in scores], "runs": dump_runs(runs)})
    else:
        _show(scores, runs)


async def _read(
    folder: Path,
    truth_file: Path | None,
    readers: Sequence[str],
    arrival: Arrival,
    *,
    nothing: bool,
    most: int | None,
    quiet: bool,
    html: Path | None,
) -> tuple[Run, ...]:
    found = [(file, file.name, below) for file, below in discover(folder)]
    known = None if nothing else read_truth(truth_file or find_truth(folder))
    truth = _some(known or nothing_on(f"{below}/{name}" if below else name for _, name, below in found), most)
    wanted = [s for s in found if (f"{s[2]}/{s[1]}" if s[2] else s[1]) in truth.items]
    wanted_readers = readers or [""]
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory(prefix="vintedbot-") as place:
        photos, refused = await asyncio.to_thread(prepared, wanted, Path(place))
        if not photos:
            raise BadRequest(f"None of the photos the truth names is in {folder}.", code="no_photos")
        for name in sorted(wanted_readers, key="embedded".__eq__):  # a server that refuses shows before minutes pass
            run = await _one_reader(name, photos, truth, str(folder), arrival, quiet=quiet)
            runs[name] = replace(run, refused=tuple(r.file for r in refused))
    told = tuple(runs[name] for name in wanted_readers)
    if html is not None:  # while a drawn folder is still there
        _write(html, told, as_json=quiet)
    return told


async def _one_reader(
    name: str, photos: Sequence[PhotoInput], truth: Truth, folder: str, arrival: Arrival, *, quiet: bool
) -> Run:
    spent = Counted()
    chosen = await asyncio.to_thread(at_rest, settings_of(analyzer=name) if name else settings_of())
    analyzer = build_analyzer(chosen.settings, spent)
    try:
        with progress_bars(quiet=quiet) as bars:
            items = bars.add_task(f"Items read: {analyzer.name}", total=len({truth.items[p.name] for p in photos}))
            return await make_run(
                analyzer,
                photos,
                truth,
                folder=folder,
                version=version("vintedbot"),
                spent=lambda: spent.micros / MICROS,
                step=lambda: bars.advance(items),
                arrival=arrival,
            )
    finally:
        await analyzer.aclose()


def _some(truth: Truth, most: int | None) -> Truth:
    """At most so many of its items, always the same ones."""
    items = sorted(set(truth.items.values()))
    if most is None or most >= len(items):
        return truth
    kept = set(random.Random(SEED).sample(items, most))  # noqa: S311 - a fair draw, no secret
    return replace(truth, items={photo: item for photo, item in truth.items.items() if item in kept})


def _draw(folder: Path) -> Path:
    """The sample wardrobe with its truth beside it. Copies and broken files are no part of it."""
    from backend.sample.wardrobe import draw_wardrobe  # noqa: PLC0415 - drawing is seldom asked for

    with err.status("Drawing a small wardrobe to try things on"):
        items = draw_wardrobe(folder)
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["file", "item", "category", "brand", "size", "colours", "materials"])
        for number, item in enumerate(items, 1):
            colours, materials = " ".join(item.colours), " ".join(item.materials) or "-"
            said = (item.kind, item.brand or "-", item.size or "-", colours, materials)
            rows.writerows([photo, number, *said] for photo in item.photos)
    return folder


def _write(path: Path, runs: Sequence[Run], *, as_json: bool) -> None:
    try:
        path.write_text(report.render(runs), encoding="utf-8")
    except OSError as error:
        fail(VintedBotError(f"The report can't be written: {error}"), as_json=as_json)
    err.print(f"Report: {path}", highlight=False, soft_wrap=True)


def _show(scores: Sequence[Score], runs: Sequence[Run]) -> None:
    _show_fields(scores)
    for one, run in zip(scores, runs, strict=True):
        cost = f", ${one.cost_an_item:.4f} an item" if one.cost_an_item else ""
        out.print(
            f"[bold]{one.reader}[/]: {one.photos} photos, {one.items} items, {one.seconds_a_photo:.2f} s a photo{cost}"
            + (f", {one.failed} items not read" if one.failed else "")
            + (f", {len(run.refused)} files refused" if run.refused else ""),
            highlight=False,
        )
        if one.grouping is not None:
            _show_grouping(one.grouping, run.arrival)
    if len(runs) == 2:
        _show_differences(runs)


def _show_grouping(found: Agreement, arrival: Arrival) -> None:
    pairs = f"pairs precision {found.precision:.3f}, recall {found.recall:.3f}, F1 {found.f1:.3f}"
    exact = f"items found exactly {found.exact:.3f}"
    out.print(f"  grouping, photos {arrival}: ARI {found.ari:.3f}, {pairs}; {exact};", highlight=False)
    borders = f"{found.merged} of {found.borders} borders merged, {found.split} of {found.inner} inner split"
    out.print(f"  {borders}", highlight=False)


def _show_fields(scores: Sequence[Score]) -> None:
    heads = ("Field", "Reader", "Right", "Wrong", "Invented", "Missed", "Prec.", "Recall", "Guess", "At 0.7", "At 95%")
    table = Table(*heads, "ECE", header_style="bold", box=None, padding=(0, 1, 0, 0))
    for one in scores:
        for f in one.fields:
            counts = f.counts
            table.add_row(
                f.field,
                one.reader,
                *(str(n) for n in (counts.right, counts.wrong, counts.invented, counts.missed)),
                *(report.share(n) for n in (counts.precision, counts.recall, f.accuracy)),
                *(report.share(c.coverage if c else None) for c in (f.sure, f.precise)),
                report.share(f.calibration),
            )
    out.print(table)


def _show_differences(runs: Sequence[Run]) -> None:
    found = differences(runs[0], runs[1])
    out.print(f"The two differ in {len(found)} answers" + (", such as:" if found else "."))
    for one, other in found[:10]:
        values: list[Any] = [one.answer.value, other.answer.value]
        told = " against ".join(report.said(value) for value in values)
        expected = report.said(one.item.expected[one.field])
        out.print(f"  {one.item.item}, {one.field}: {told} (expected {expected})", highlight=False, markup=False)
