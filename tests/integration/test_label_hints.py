"""The offline reader, with its real models, tells the model's which photos are labels and where the print is."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from backend.core.errors import PhotoRefused
from backend.core.listing import Evidence, Field
from backend.core.reading import ItemReading, PhotoInput
from backend.vision.embedded.analyzer import EmbeddedAnalyzer
from backend.vision.fallback import FallbackAnalyzer
from backend.vision.prompting import put


class Listener:
    """A model that says the size is L, and keeps what it was shown."""

    name = "openai"

    def __init__(self) -> None:
        self.shown: list[PhotoInput] = []

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        self.shown = list(photos)
        guess = Evidence("model", photos[0].id)
        words = {"title": Field("T-shirt Kiabi taille 44", 0.9, evidence=(guess,))}
        return ItemReading(tuple(p.id for p in photos), {"size": Field("L", 0.9, evidence=(guess,)), **words})

    async def aclose(self) -> None:
        return None


@pytest.fixture
async def offline(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedAnalyzer]:
    reader = EmbeddedAnalyzer(tmp_path_factory.getbasetemp() / "models")
    yield reader
    await reader.aclose()


@pytest.fixture
def photos(tmp_path: Path) -> list[PhotoInput]:
    """A plain sheet, a label of 20 % of its photo, and a file that is no photo."""
    Image.new("RGB", (900, 1200), (40, 70, 160)).save(tmp_path / "sheet.jpg")
    tag = Image.new("RGB", (1600, 1200), (120, 120, 120))
    draw = ImageDraw.Draw(tag)
    draw.rectangle((600, 400, 1100, 800), fill="white")
    for line, words in enumerate(("KIABI", "Taille M", "100% COTON")):
        draw.text((640, 430 + 110 * line), words, fill="black", font=ImageFont.load_default(size=64))
    tag.save(tmp_path / "tag.jpg", quality=92)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no photo")
    return [PhotoInput(name, tmp_path / f"{name}.jpg") for name in ("sheet", "tag", "broken")]


async def test_labels_are_handed_over_and_what_they_say_wins(
    offline: EmbeddedAnalyzer, photos: list[PhotoInput]
) -> None:
    model = Listener()
    reading = await FallbackAnalyzer(model, offline).read_item(photos)
    sheet, tag = model.shown
    assert (sheet.is_label, tag.is_label) == (False, True)
    left, top = (min(box[n] for box in tag.print_boxes) for n in (0, 1))
    right, bottom = (max(box[n] for box in tag.print_boxes) for n in (2, 3))
    assert 0.35 < left < 0.45
    assert 0.3 < top < 0.42
    assert 0.55 < right < 0.72
    assert 0.5 < bottom < 0.72
    crop = put(model.shown, "fr", most=20).pictures[1]
    assert crop.is_label
    assert crop.size[0] < 1000
    assert reading.photos == ("sheet", "tag", "broken")
    assert (reading.fields["size"].value, reading.fields["size"].alternatives[0].value) == ("M", "L")
    assert "size_disagreement" in reading.warnings
    assert "photo_unreadable" in reading.warnings
    assert "title" not in reading.fields, "a title that may name the beaten size is composed anew"


async def test_an_item_of_no_readable_photo_asks_no_model(offline: EmbeddedAnalyzer, photos: list[PhotoInput]) -> None:
    model = Listener()
    with pytest.raises(PhotoRefused):
        await FallbackAnalyzer(model, offline).read_item(photos[2:])
    assert model.shown == []
