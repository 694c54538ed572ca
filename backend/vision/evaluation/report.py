"""The evaluation as one HTML file that needs nothing else: figures side by side, calibration, the worst cases.

Owns the page (`report.html.j2`) and the small pictures on it. Computes no figure (`scores.py`).
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from backend.vision.evaluation.runs import Run
from backend.vision.evaluation.scores import Judged, differences, judge_run, score, worst

WORST = 24
_SIDE = 160

register_heif_opener()


@dataclass(frozen=True)
class Case:
    """One answer as shown: with pictures as `data:` addresses, none where the photos are gone."""

    judged: Judged
    reader: str
    pictures: tuple[str, ...]
    other: Judged | None = None


def render(runs: Sequence[Run]) -> str:
    """The page for one run or several; of exactly two also the answers they differ in."""
    differing = differences(runs[0], runs[1]) if len(runs) == 2 else []
    page: str = (
        _environment()
        .get_template("report.html.j2")
        .render(
            scores=[score(run) for run in runs],
            runs=runs,
            worst=[_case(j, run) for run in runs for j in worst(judge_run(run), WORST)],
            differing=[_case(one, runs[0], other) for one, other in differing[: 2 * WORST]],
            differ=len(differing),
        )
    )
    return page


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("backend.vision.evaluation", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["share"] = share
    environment.filters["said"] = said
    return environment


def share(value: float | None) -> str:
    """0.8642 as `0.864`; a dash for what could not be measured."""
    return "–" if value is None else f"{value:.3f}"


def said(value: Any) -> str:
    """A value as a person reads it: `white, navy`; "nothing" for none."""
    if value is None or value == ():
        return "nothing"
    return ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)


def _case(judged: Judged, run: Run, other: Judged | None = None) -> Case:
    pictures = (_picture(Path(run.folder) / photo) for photo in judged.item.photos[:3])
    return Case(judged, run.reader, tuple(p for p in pictures if p), other)


@cache
def _picture(path: Path) -> str:
    try:
        with Image.open(path) as image:
            small = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError):  # moved since the run was made: its words are still worth showing
        return ""
    small.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
