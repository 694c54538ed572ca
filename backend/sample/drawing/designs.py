"""The eight garments of the sample wardrobe: what they are, what their labels say, how they are photographed.

Owns the truth of each. The brands are real names printed in plain type, no logos; the garments are inventions.
"""

from dataclasses import dataclass
from typing import Literal

from backend.sample.drawing import bottoms, fabrics, shoes, tops
from backend.sample.drawing.cloth import Colour
from backend.sample.drawing.labels import SYMBOLS, Label, Line
from backend.sample.drawing.scenes import Draw, Framing, Weave

Shot = Literal["front", "back", "side", "brand", "care", "detail"]


@dataclass(frozen=True)
class Design:
    """`colours`, `materials`, `kind` are slugs of the catalog; `materials` only what a label shows. `detail` is the
    garment's point to look at from near, and how near."""

    kind: str
    brand: str
    size: str
    colours: tuple[str, ...]
    materials: tuple[str, ...]
    draw: Draw
    weave: Weave
    colour: Colour
    surface: str
    framing: Framing
    shots: tuple[Shot, ...]
    label: Label
    care: Label | None = None
    side: Draw | None = None
    detail: tuple[float, float, float] = (0.3, 0.6, 2.2)


def _care(fibres: tuple[str, ...], translations: tuple[str, ...], origin: tuple[str, ...]) -> Label:
    lines = [
        *(Line(fibre, 54, gap=16) for fibre in fibres[:-1]),
        Line(fibres[-1], 54, gap=40),
        *(Line(text, 38, gap=14) for text in translations[:-1]),
        Line(translations[-1], 38, gap=44),
        Line(SYMBOLS, 78, gap=44),
        *(Line(text, 36, gap=14) for text in origin),
    ]
    return Label(lines, 700, sum(line.size + line.gap for line in lines) + 120)


def _brand(name: str, size: str, *, under: str = "", spacing: float = 8, dark: bool = False, big: int = 104) -> Label:
    between = [Line(under, 40, 9, gap=34)] if under else []
    lines = [Line(name, big, spacing, 2, 34), *between, Line(size, 72, 2, 1)]
    if dark:
        return Label(lines, 660, 400, (0.09, 0.09, 0.10), (0.93, 0.92, 0.89))
    return Label(lines, 660, 400)


COTTON = ("100% cotton", "100% algodón", "100% Baumwolle", "100% cotone")

DESIGNS: tuple[Design, ...] = (
    Design(
        kind="t-shirt",
        brand="Sézane",
        size="M",
        colours=("white",),
        materials=("cotton",),
        draw=tops.t_shirt,
        weave=fabrics.jersey,
        colour=(0.95, 0.945, 0.93),
        surface="floorboards",
        framing=Framing(600, 290, 590),
        shots=("front", "back", "brand", "care"),
        label=_brand("SÉZANE", "M", under="PARIS"),
        care=_care(("100% COTON",), COTTON, ("FABRIQUÉ AU PORTUGAL", "MADE IN PORTUGAL")),
    ),
    Design(
        kind="jeans",
        brand="Levi's",
        size="W28",
        colours=("blue",),
        materials=("cotton", "elastane"),
        draw=bottoms.jeans,
        weave=fabrics.denim,
        colour=(0.30, 0.45, 0.66),
        surface="bed_sheet",
        framing=Framing(600, 190, 640),
        shots=("front", "back", "brand", "care"),
        label=Label(
            (Line("LEVI'S", 118, 6, 3, 40), Line("W28   L30", 82, 4, 1)),
            700,
            380,
            (0.68, 0.47, 0.28),
            (0.20, 0.10, 0.06),
        ),
        care=_care(
            ("99% COTON", "1% ÉLASTHANNE"),
            ("99% cotton · 1% elastane", "99% algodón · 1% elastano", "99% Baumwolle · 1% Elasthan"),
            ("MADE IN TURKEY", "FABRIQUÉ EN TURQUIE"),
        ),
    ),
    Design(
        kind="dress",
        brand="Mango",
        size="S",
        colours=("dark-green",),
        materials=("viscose",),
        draw=bottoms.dress,
        weave=fabrics.floral,
        colour=(0.15, 0.30, 0.24),
        surface="wall",
        framing=Framing(600, 250, 630),
        shots=("front", "back", "brand", "care"),
        label=_brand("MANGO", "EUR S  ·  USA 4", spacing=12, dark=True),
        care=_care(
            ("100% VISCOSE",),
            ("100% viscosa", "100% Viskose", "100% viscose"),
            ("MADE IN MOROCCO", "FABRIQUÉ AU MAROC"),
        ),
    ),
    Design(
        kind="hoodie",
        brand="Nike",
        size="L",
        colours=("grey",),
        materials=("cotton", "polyester"),
        draw=tops.hoodie,
        weave=fabrics.fleece,
        colour=(0.60, 0.60, 0.61),
        surface="rug",
        framing=Framing(600, 430, 570),
        shots=("front", "brand", "care"),
        label=_brand("NIKE", "L", spacing=4, dark=True, big=120),
        care=_care(
            ("80% COTON", "20% POLYESTER"),
            ("80% cotton · 20% polyester", "80% algodón · 20% poliéster", "80% cotone · 20% poliestere"),
            ("MADE IN VIETNAM",),
        ),
    ),
    Design(
        kind="trainers",
        brand="Adidas",
        size="39",
        colours=("white", "dark-green"),
        materials=(),
        draw=shoes.pair_from_above,
        weave=fabrics.leather,
        colour=(0.93, 0.93, 0.92),
        surface="floorboards",
        framing=Framing(600, 270, 540),
        shots=("front", "side", "brand", "detail"),
        label=Label(
            (
                Line("adidas", 120, 4, 3, 40),
                Line("EU 39   UK 6   US 7", 54, 2, 0, 22),
                Line("MADE IN INDONESIA", 34, 4),
            ),
            760,
            420,
        ),
        side=shoes.one_from_the_side,
        detail=(0.47, 0.75, 2.0),
    ),
    Design(
        kind="skirt",
        brand="Zara",
        size="M",
        colours=("red",),
        materials=("polyester",),
        draw=bottoms.skirt,
        weave=fabrics.tartan,
        colour=(0.70, 0.13, 0.13),
        surface="rug",
        framing=Framing(600, 420, 690),
        shots=("front", "brand", "care"),
        label=_brand("ZARA", "EUR M  ·  MEX 28", spacing=14),
        care=_care(
            ("100% POLYESTER",),
            ("100% poliéster", "100% Polyester", "100% poliestere"),
            ("MADE IN SPAIN", "FABRIQUÉ EN ESPAGNE"),
        ),
    ),
    Design(
        kind="shirt",
        brand="Uniqlo",
        size="S",
        colours=("light-blue",),
        materials=("cotton",),
        draw=tops.shirt,
        weave=fabrics.poplin,
        colour=(0.56, 0.73, 0.90),
        surface="wall",
        framing=Framing(600, 270, 590),
        shots=("front", "brand", "care"),
        label=_brand("UNIQLO", "S", spacing=6),
        care=_care(("100% COTON",), COTTON, ("MADE IN BANGLADESH",)),
    ),
    Design(
        kind="jacket",
        brand="Carhartt",
        size="M",
        colours=("khaki",),
        materials=(),
        draw=tops.padded_jacket,
        weave=fabrics.nylon,
        colour=(0.37, 0.37, 0.25),
        surface="bed_sheet",
        framing=Framing(600, 400, 560),
        shots=("front", "brand", "detail"),
        label=_brand("CARHARTT", "M", spacing=3, big=92),
        detail=(0.2, 1.0, 1.9),
    ),
)
