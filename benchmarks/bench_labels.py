"""How exactly drawn labels are read: brand, size and fibres, right, wrong, missed or invented.

    python benchmarks/bench_labels.py [--labels 300] [--seed 1] [--show]

Labels are drawn with brands of the lexicon, sizes of every system, compositions in eight languages and lines of care
and origin, in dark or light print from 26 px, on cards of several colours, turned by any quarter and up to 8°, with
blur and noise. "Invented" is a value where the label states none. Drawn labels are easier than photographed ones:
these figures say that the reading of readable print is exact, not that every label is readable.
"""

import argparse
import random
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from rich.console import Console
from rich.table import Table

from backend.vision.embedded import lexicon, ocr
from backend.vision.embedded.brands import find_brands
from backend.vision.embedded.fibres import find_composition
from backend.vision.embedded.sizes import find_size
from backend.vision.embedded.text_line import TextLine

FIBRES = {
    "cotton": "COTON COTTON BAUMWOLLE ALGODÓN COTONE KATOEN BAWEŁNA ALGODÃO",
    "polyester": "POLYESTER POLIÉSTER POLIESTERE POLIESTER",
    "elastane": "ÉLASTHANNE ELASTANE ELASTHAN ELASTANO ELASTAN",
    "viscose": "VISCOSE VISKOSE VISCOSA WISKOZA",
    "wool": "LAINE WOOL WOLLE LANA WEŁNA",
    "linen": "LIN LINEN LEINEN LINO",
    "polyamide": "POLYAMIDE POLYAMID POLIAMIDA NYLON",
    "acrylic": "ACRYLIQUE ACRYLIC POLYACRYL ACRÍLICO",
    "silk": "SOIE SILK SEIDE SEDA SETA",
    "cashmere": "CACHEMIRE CASHMERE KASCHMIR",
}
SHARES = ((100,), (95, 5), (60, 40), (50, 50), (60, 35, 5), (50, 40, 10))
OTHER = (
    "LAVER A 30°", "MACHINE WASH COLD", "DO NOT BLEACH", "NE PAS REPASSER", "WASCHEN BEI 40°", "ONLY DRY CLEAN",
    "MADE IN PORTUGAL", "FABRIQUÉ EN TURQUIE", "KEEP AWAY FROM FIRE", "TUMBLE DRY LOW", "NO USAR LEJÍA", "LOT 12/2021",
    "WASH WITH LIKE COLOURS", "RN 77302 CA 00153", "STYLE 4829301", "PRAĆ RĘCZNIE",
)  # fmt: skip
CARDS = (((245, 242, 235), (25, 25, 25)), ((20, 20, 22), (235, 235, 230)), ((30, 35, 70), (235, 235, 230)))
LETTERS = {"XS": 34, "S": 36, "M": 38, "L": 40, "XL": 42, "XXL": 44}
HEIGHTS = {92: "2Y", 104: "4Y", 116: "6Y", 128: "8Y", 140: "10Y"}


@dataclass
class Label:
    lines: list[str] = field(default_factory=list)
    truth: dict[str, object] = field(default_factory=dict)


def size_line(rng: random.Random) -> tuple[str, str]:
    """What the label says, and the catalog's value."""
    letters, french = rng.choice(list(LETTERS.items()))
    waist, years, months = rng.randrange(26, 38), rng.choice([2, 4, 6, 8, 10, 12, 14]), rng.choice([3, 6, 12, 18])
    height = rng.choice(list(HEIGHTS))
    rows = f"FR {french} EU {french - 2} UK {french - 28} IT {french + 4}"
    return rng.choice(
        [
            *((text, letters) for text in (letters, f"SIZE {letters}", f"TAILLE {letters}", f"EUR {letters}")),
            *((text, letters) for text in (f"T. {french}", rows, f"F {french} D {french - 2} I {french + 4}")),
            *((text, f"W{waist}") for text in (f"W{waist} L32", f"W {waist} / L 34")),
            *((text, f"{years}Y") for text in (f"{years} ans", f"{years} YEARS", f"{years} JAHRE")),
            (f"{months} mois", f"{months}M"),
            (f"{height} cm", HEIGHTS[height]),
        ]
    )


def fibre_lines(rng: random.Random) -> tuple[list[str], tuple[tuple[str, int], ...]]:
    shares = rng.choice(SHARES)
    slugs = rng.sample(list(FIBRES), len(shares))
    count = rng.choice([1, 1, 3])
    lines = []
    for slug, share in zip(slugs, shares, strict=True):
        names = FIBRES[slug].split()
        lines.append(f"{share}% {' '.join(rng.sample(names, min(count, len(names))))}")
    together = count == 1 and len(lines) < 3 and rng.random() < 0.5
    return [" ".join(lines)] if together else lines, tuple(sorted(zip(slugs, shares, strict=True)))


def write_label(rng: random.Random, names: list[str]) -> Label:
    label = Label()
    if rng.random() < 0.75:
        name = rng.choice(names)
        label.truth["brand"] = name
        label.lines.append(rng.choice([name, name.upper()]))
    if rng.random() < 0.7:
        text, label.truth["size"] = size_line(rng)
        label.lines.append(text)
    if rng.random() < 0.6:
        lines, label.truth["fibres"] = fibre_lines(rng)
        label.lines += lines
    label.lines += rng.sample(OTHER, rng.randrange(0 if label.lines else 1, 4))
    return label


def photograph(rng: random.Random, lines: list[str]) -> NDArray[np.uint8]:
    size = rng.choice([26, 32, 40, 52])
    font = ImageFont.load_default(size=size)
    card, ink = rng.choice(CARDS)
    width = int(max(font.getlength(line) for line in lines)) + 100
    label = Image.new("RGB", (width, int(size * 1.5) * len(lines) + 80), card)
    draw = ImageDraw.Draw(label)
    for i, line in enumerate(lines):
        draw.text((50, 40 + int(size * 1.5) * i), line, fill=ink, font=font)
    label.thumbnail((1240, 920))
    photo = Image.new("RGB", (1280, 960), tuple(rng.randrange(60, 200) for _ in range(3)))
    photo.paste(label, (rng.randrange(1281 - label.width), rng.randrange(961 - label.height)))
    photo = photo.rotate(rng.choice([0, 90, 180, 270]), expand=True)
    if rng.random() < 0.5:
        photo = photo.rotate(rng.uniform(-8, 8), expand=True, fillcolor=(120, 120, 120))
    if rng.random() < 0.4:
        photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
    grain = np.random.default_rng(rng.randrange(2**32)).normal(
        0, rng.choice([1, 6, 12]), (photo.height, photo.width, 1)
    )
    return np.clip(np.asarray(photo, np.float32) + grain, 0, 255).astype(np.uint8)


def read_label(lines: tuple[TextLine, ...]) -> dict[str, object]:
    found: dict[str, object] = {}
    brands = find_brands(lines, on_label=True)
    if brands and (len(brands) == 1 or brands[1].confidence < brands[0].confidence - 0.05):
        found["brand"] = brands[0].name
    if (size := find_size(lines, kind="t-shirt", on_label=True)) and size.value:
        found["size"] = size.value
    if composition := find_composition(lines):
        found["fibres"] = tuple(sorted(composition.shares))
    return found


def judge(truth: object, found: object) -> str:
    if truth is None:
        return "invented" if found is not None else "none stated"
    if found is None:
        return "missed"
    return "right" if found == truth else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print each label that was not read exactly")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    names = sorted({brand.name for brand in lexicon.brands().values()})
    engine = ocr.load_engine(threads=2)
    counts = {name: Counter[str]() for name in ("brand", "size", "fibres")}
    for _ in range(arguments.labels):
        label = write_label(rng, names)
        lines = ocr.read_lines(engine, photograph(rng, label.lines))
        found = read_label(lines)
        for name, counter in counts.items():
            verdict = judge(label.truth.get(name), found.get(name))
            counter[verdict] += 1
            if arguments.show and verdict in {"wrong", "missed", "invented"}:
                print(verdict, name, label.lines, [line.text for line in lines])

    table = Table("field", "right", "wrong", "invented", "missed", "precision", "recall", title="drawn labels")
    for name, counter in counts.items():
        right, wrong, invented, missed = (counter[key] for key in ("right", "wrong", "invented", "missed"))
        precision = right / max(1, right + wrong + invented)
        recall = right / max(1, right + wrong + missed)
        table.add_row(name, *map(str, (right, wrong, invented, missed)), f"{precision:.3f}", f"{recall:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
