"""What a model is shown: the cover and labels first, labels cut out in full, and a key that changes with any of it."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from backend.core.errors import PhotoRefused
from backend.core.reading import PhotoInput
from backend.vision.pictures import COVER_SIDE, LABEL_SIDE, OTHER_SIDE, label_picture, whole_picture
from backend.vision.prompting import choose, put

BOXES = ((0.4, 0.45, 0.6, 0.5), (0.4, 0.5, 0.55, 0.55))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2000 × 1500 px, grey, with a red mark where BOXES are."""
    path = tmp_path_factory.mktemp("question") / "photo.jpg"
    image = Image.new("RGB", (2000, 1500), "grey")
    ImageDraw.Draw(image).rectangle((800, 675, 1200, 825), fill="red")
    image.save(path, quality=95)
    return path


def test_a_label_is_cut_out_around_its_print_at_its_own_pixels(photo: Path) -> None:
    crop = label_picture(photo, BOXES)
    assert crop.size == (round(0.36 * 2000), round(0.26 * 1500))
    assert (crop.detail, crop.is_label) == ("high", True)
    middle = Image.open(io.BytesIO(crop.jpeg)).getpixel((crop.size[0] // 2, crop.size[1] // 2))
    assert middle[0] > 200
    assert middle[1] < 60


def test_a_label_without_known_print_is_shown_whole_and_large(photo: Path) -> None:
    assert label_picture(photo, ()).size == (LABEL_SIDE, LABEL_SIDE * 3 // 4)


def test_print_at_the_edge_stays_within_the_photo(photo: Path) -> None:
    assert label_picture(photo, ((0.0, 0.0, 1.0, 0.05),)).size == (LABEL_SIDE, round(LABEL_SIDE * 0.13 * 1500 / 2000))


def test_cover_and_others_are_small(photo: Path) -> None:
    cover, other = whole_picture(photo, COVER_SIDE), whole_picture(photo, OTHER_SIDE)
    assert (cover.size[0], cover.detail, other.size[0], other.detail) == (COVER_SIDE, "high", OTHER_SIDE, "auto")


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("no picture")
    for make in (lambda: label_picture(tmp_path / "x.jpg", BOXES), lambda: whole_picture(tmp_path / "x.jpg", 9)):
        with pytest.raises(PhotoRefused):
            make()


def item(*labels: int, count: int = 6) -> list[PhotoInput]:
    return [PhotoInput(str(n), Path("unread"), is_label=n in labels) for n in range(count)]


@pytest.mark.parametrize(
    ("labels", "most", "shown"),
    [((), 9, "012345"), ((4, 5), 3, "045"), ((4, 5), 4, "0145"), ((0,), 1, "0"), ((3,), 1, "0")],
)
def test_where_not_all_can_be_shown_the_cover_and_labels_are(labels: tuple[int, ...], most: int, shown: str) -> None:
    assert "".join(photo.id for photo in choose(item(*labels), most)) == shown


def test_photos_are_announced_by_number_and_labels_as_such(photo: Path) -> None:
    photos = [PhotoInput("cover", photo), PhotoInput("tag", photo, is_label=True, print_boxes=BOXES)]
    question = put(photos, "fr", most=20)
    parts = question.messages(detail=True)[1]["content"]
    assert [part["text"] for part in parts if part["type"] == "text"] == ["Photo 1", "Photo 2, a label"]
    pictures = [part["image_url"] for part in parts if part["type"] == "image_url"]
    assert [picture["detail"] for picture in pictures] == ["high", "high"]
    sizes = [Image.open(io.BytesIO(base64.b64decode(p["url"].split(",")[1]))).size for p in pictures]
    assert sizes == [(COVER_SIDE, COVER_SIDE * 3 // 4), (720, 390)]


def test_the_key_is_the_same_for_the_same_question_alone(tmp_path: Path) -> None:
    photo = tmp_path / "small.png"
    Image.linear_gradient("L").save(photo)
    cover, tag = PhotoInput("a", photo), PhotoInput("b", photo, is_label=True, print_boxes=BOXES)
    renamed = PhotoInput("z", photo, name="IMG_1.jpg")
    key = put([cover], "fr", most=20).key("m", "u")
    assert put([renamed], "fr", most=20).key("m", "u") == key
    others = {
        put([cover], "en", most=20).key("m", "u"),
        put([cover], "fr", most=20).key("other", "u"),
        put([cover], "fr", most=20).key("m", "elsewhere"),
        put([cover, tag], "fr", most=20).key("m", "u"),
        put([tag, cover], "fr", most=20).key("m", "u"),
        put([tag], "fr", most=20).key("m", "u"),
    }
    assert len(others) == 6
    assert key not in others
