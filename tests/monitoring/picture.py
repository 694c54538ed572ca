"""Draws the dashboard's panels from a real Prometheus's data: `python -m tests.monitoring.picture`.

No Grafana is at hand to be photographed, so this asks Prometheus each panel's own expressions, as Grafana would, and
draws the answers as plain SVG. The picture says so. Owns `docs/images/dashboard.svg`.
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from tests.monitoring.test_dashboard import PANELS
from tests.monitoring.traffic import Watched, one_hour, watched

TARGET = Path(__file__).parents[2] / "docs" / "images" / "dashboard.svg"
SHOWN = 12
"""The document's six and the way of a listing."""
W, H, PAD = 380, 190, 14
COLOURS = ("#2f6fb2", "#c8553d", "#3c8d5a", "#8a5fb0", "#c79a2b", "#4a9aa5", "#93566e", "#6b7280")
UNITS = {"s": " s", "ops": "/s", "reqps": "/s", "percentunit": "", "short": ""}
Rows = Sequence[Mapping[str, Any]]


def draw(seen: Watched, seconds: float) -> str:
    panels = [panel for panel in PANELS if panel["type"] == "timeseries"][:SHOWN]
    height = 60 + (len(panels) + 2) // 3 * (H + PAD)
    when = datetime.now(UTC)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{3 * (W + PAD) + PAD}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#f6f7f9"/>',
        f'<text x="{PAD}" y="24" font-size="16" font-weight="bold">VintedBot: panels of monitoring/grafana</text>',
        f'<text x="{PAD}" y="42" fill="#555">Drawn by tests/monitoring/picture.py from the answers of a real '
        f"Prometheus ({when:%d %B %Y}) over {seconds:.0f} s of sandbox traffic; not a screenshot of Grafana.</text>",
    ]
    for number, panel in enumerate(panels):
        x, y = PAD + number % 3 * (W + PAD), 56 + number // 3 * (H + PAD)
        parts.append(f'<g transform="translate({x},{y})">{_panel(seen, panel, seconds)}</g>')
    return "\n".join((*parts, "</svg>\n"))


def _panel(seen: Watched, panel: Mapping[str, Any], seconds: float) -> str:
    lines: list[tuple[str, list[tuple[float, float]]]] = []
    for target in panel["targets"]:
        for row in seen.series(target["expr"], seconds=seconds, step=max(1.0, seconds / 120)):
            points = [(float(t), float(v)) for t, v in row["values"] if v not in ("NaN", "+Inf", "-Inf")]
            if any(value for _, value in points):
                lines.append((_legend(target["legendFormat"], row["metric"]), points))
    top = max((value for _, points in lines for _, value in points), default=1.0) or 1.0
    unit = UNITS.get(panel["fieldConfig"]["defaults"]["unit"], "")
    share = 100 if panel["fieldConfig"]["defaults"]["unit"] == "percentunit" else 1
    shown = [
        f'<rect width="{W}" height="{H}" rx="4" fill="white" stroke="#d5d9e0"/>',
        f'<text x="10" y="18" font-weight="bold">{escape(panel["title"])}</text>',
        f'<text x="{W - 10}" y="18" text-anchor="end" fill="#777">{top * share:.3g}{"%" if share > 1 else unit}</text>',
        f'<path d="M10 140H{W - 10}M10 30H{W - 10}" stroke="#e3e6eb" fill="none"/>',
    ]
    start = time.time() - seconds
    for (legend, points), colour, place in zip(lines, itertools.cycle(COLOURS), range(8), strict=False):
        path = " ".join(
            f"{10 + (t - start) / seconds * (W - 20):.1f},{140 - value / top * 110:.1f}" for t, value in points
        )
        shown.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        at = f'x="{24 + place % 4 * 92}" y="{160 + place // 4 * 16}"'
        shown.append(f"<text {at}>{escape(legend[:15])}</text>")
        shown.append(
            f'<rect x="{12 + place % 4 * 92}" y="{152 + place // 4 * 16}" width="8" height="8" fill="{colour}"/>'
        )
    if not lines:
        shown.append(f'<text x="{W / 2}" y="90" text-anchor="middle" fill="#999">nothing, or 0 all the time</text>')
    return "".join(shown)


def _legend(form: str, labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        form = form.replace(f"{{{{{name}}}}}", value)
    return form


def main() -> None:
    began = time.time()
    with tempfile.TemporaryDirectory() as folder, watched(Path(folder)) as seen:
        seen.until("vintedbot_publish_total", bool)
        asyncio.run(one_hour(seen, items=12, refused=3, every=3))
        time.sleep(3)
        TARGET.write_text(draw(seen, time.time() - began))
    sys.stdout.write(f"{TARGET}: {TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
