"""What is a photo, what is refused and why, and that the clean copy is upright, sRGB and says nothing of its owner."""

import hashlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from backend.core.errors import NotFound, PhotoRefused
from backend.photos.intake import MAX_BYTES, SENTENCES, Reason, TakenPhoto, discover, explain, take_in
from backend.photos.pixels import LONGEST

RED, BLUE = (200, 30, 40), (30, 60, 190)


def two_halves(width: int = 320, height: int = 240) -> Image.Image:
    """Left red, right blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def exif(orientation: int = 1) -> Image.Exif:
    base, found = ExifTags.Base, Image.Exif()
    found[base.Orientation] = orientation
    found[base.Make] = "Secret Phone"
    found[base.DateTime] = "2026:05:03 09:00:00"
    details = found.get_ifd(ExifTags.IFD.Exif)
    details[base.DateTimeOriginal] = "2026:05:02 10:14:07"
    details[base.SubsecTimeOriginal] = "25"
    place = found.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (48.0, 51.0, 24.0)
    return found


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(photo: TakenPhoto) -> Image.Image:
    return Image.open(io.BytesIO(photo.jpeg))


def close(seen: object, expected: tuple[int, int, int], by: int = 14) -> bool:
    assert isinstance(seen, tuple)
    return all(abs(a - b) <= by for a, b in zip(seen, expected, strict=True))


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., TakenPhoto]:
    def write_and_take(content: bytes, name: str = "photo") -> TakenPhoto:
        (tmp_path / name).write_bytes(content)
        return take_in(tmp_path / name)

    return write_and_take


def reason_of(take: Callable[..., TakenPhoto], content: bytes, name: str = "photo.jpg") -> str:
    with pytest.raises(PhotoRefused) as refused:
        take(content, name)
    return refused.value.reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_format_comes_out_upright_dated_and_silent_about_its_owner(
    take: Callable[..., TakenPhoto], kind: str
) -> None:
    turned = two_halves().transpose(Image.Transpose.ROTATE_90)
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(turned, kind, exif=exif(6).tobytes(), **options)
    photo = take(content, "holiday.txt")
    assert (photo.format, photo.width, photo.height) == (kind, 320, 240)
    assert photo.sha256 == hashlib.sha256(content).hexdigest()
    assert photo.captured_at == datetime(2026, 5, 2, 10, 14, 7, 250_000)
    clean = picture(photo)
    assert clean.size == (320, 240)
    assert close(clean.getpixel((60, 120)), RED)
    assert close(clean.getpixel((260, 120)), BLUE)
    assert not clean.getexif()
    assert set(clean.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"Secret" not in photo.jpeg + photo.thumbnail


MOVES = Image.Transpose
STORED = {
    **{1: None, 2: MOVES.FLIP_LEFT_RIGHT, 3: MOVES.ROTATE_180, 4: MOVES.FLIP_TOP_BOTTOM},
    **{5: MOVES.TRANSPOSE, 6: MOVES.ROTATE_90, 7: MOVES.TRANSVERSE, 8: MOVES.ROTATE_270},
}
"""How a camera held so stores its pixels."""


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_is_turned_upright(take: Callable[..., TakenPhoto], orientation: int) -> None:
    upright = two_halves()
    upright.paste("white", (0, 0, 160, 120))
    move = STORED[orientation]
    stored = upright if move is None else upright.transpose(move)
    clean = picture(take(encoded(stored, "PNG", exif=exif(orientation))))
    assert clean.size == (320, 240)
    assert close(clean.getpixel((60, 60)), (255, 255, 255))
    assert close(clean.getpixel((60, 180)), RED)
    assert close(clean.getpixel((260, 60)), BLUE)


def test_comments_and_colour_profiles_do_not_survive(take: Callable[..., TakenPhoto]) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = take(encoded(two_halves(), "JPEG", comment=b"my address", icc_profile=profile, dpi=(300, 300)))
    assert b"my address" not in photo.jpeg
    assert b"ICC_PROFILE" not in photo.jpeg


def test_the_time_of_the_last_change_stands_in_where_no_better_one_is(
    take: Callable[..., TakenPhoto],
) -> None:
    changed = Image.Exif()
    changed[ExifTags.Base.DateTime] = "2026:05:03 09:00:00"
    assert take(encoded(two_halves(), "JPEG", exif=changed)).captured_at == datetime(2026, 5, 3, 9)
    changed.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeDigitized] = "2026:05:02 10:14:07"
    assert take(encoded(two_halves(), "JPEG", exif=changed)).captured_at == datetime(2026, 5, 2, 10, 14, 7)


@pytest.mark.parametrize("stamp", ["0000:00:00 00:00:00", "2026:13:40 10:00:00", "yesterday", "    :  :     :  :  "])
def test_a_nonsense_time_is_no_time(take: Callable[..., TakenPhoto], stamp: str) -> None:
    odd = Image.Exif()
    odd.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = stamp
    assert take(encoded(two_halves(), "JPEG", exif=odd)).captured_at is None


def test_broken_metadata_is_no_reason_to_refuse(take: Callable[..., TakenPhoto]) -> None:
    photo = take(encoded(two_halves(), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12"))
    assert photo.captured_at is None


@pytest.mark.parametrize("size", [(4032, 3024), (3000, 4000), (5000, 1000), (2600, 2600), (9000, 500)])
def test_large_photos_are_scaled_to_about_2048(take: Callable[..., TakenPhoto], size: tuple[int, int]) -> None:
    photo = take(encoded(two_halves(*size), "JPEG", quality=60))
    assert 0.95 * LONGEST <= max(photo.width, photo.height) <= LONGEST
    assert photo.width / photo.height == pytest.approx(size[0] / size[1], rel=0.01)
    assert max(Image.open(io.BytesIO(photo.thumbnail)).size) == 400


def test_small_photos_are_not_enlarged(take: Callable[..., TakenPhoto]) -> None:
    photo = take(encoded(two_halves(100, 80), "PNG"))
    assert (photo.width, photo.height) == (100, 80)
    assert Image.open(io.BytesIO(photo.thumbnail)).size == (100, 80)


def test_transparency_lies_on_white(take: Callable[..., TakenPhoto]) -> None:
    seen_through = two_halves().convert("RGBA")
    seen_through.paste((0, 0, 0, 0), (0, 0, 160, 240))
    for image in (seen_through, seen_through.quantize(8)):
        clean = picture(take(encoded(image, "PNG")))
        assert close(clean.getpixel((40, 120)), (255, 255, 255))
        assert close(clean.getpixel((280, 120)), BLUE)


def test_sixteen_bit_grey_is_scaled_and_not_clipped_to_white(take: Callable[..., TakenPhoto]) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (128, 1))
    clean = picture(take(encoded(Image.fromarray(ramp), "PNG")))
    assert close(clean.getpixel((128, 64)), (128, 128, 128), by=4)


def test_cmyk_and_grey_photos_become_rgb(take: Callable[..., TakenPhoto]) -> None:
    for mode in ("CMYK", "L"):
        clean = picture(take(encoded(two_halves().convert(mode), "JPEG")))
        assert clean.mode == "RGB"
    assert close(picture(take(encoded(two_halves().convert("CMYK"), "JPEG"))).getpixel((60, 120)), RED, by=24)


def test_a_wide_gamut_photo_keeps_its_colours(take: Callable[..., TakenPhoto], display_p3: bytes) -> None:
    """A P3 red of (200, 30, 40) is a stronger sRGB red; reading the numbers as they are would dull it."""
    clean = picture(take(encoded(two_halves(), "PNG", icc_profile=display_p3)))
    red = clean.getpixel((60, 120))
    assert isinstance(red, tuple)
    assert red[0] > RED[0] + 8
    assert red[1] < RED[1]


def test_a_broken_colour_profile_is_ignored(take: Callable[..., TakenPhoto]) -> None:
    assert close(picture(take(encoded(two_halves(), "PNG", icc_profile=b"rubbish"))).getpixel((60, 120)), RED)


def test_the_first_picture_of_several_is_the_photo(take: Callable[..., TakenPhoto]) -> None:
    second = Image.new("RGB", (320, 240), "white")
    for kind, expected in (("MPO", "JPEG"), ("WEBP", "WEBP"), ("PNG", "PNG")):
        photo = take(encoded(two_halves(), kind, save_all=True, append_images=[second]))
        assert photo.format == expected
        assert close(picture(photo).getpixel((60, 120)), RED, by=24)


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + b"\0" * 64


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"a letter to my aunt", "not_a_photo"),
        (PDF, "not_a_photo"),
        (MP4, "not_a_photo"),
        (b"PK\x03\x04" + b"\0" * 100, "not_a_photo"),
        (b"<?xml version='1.0'?>\n<!-- hi --><svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
        (encoded(Image.new("RGB", (99, 99)), "GIF"), "unsupported_format"),
        (encoded(Image.new("RGB", (99, 99)), "BMP"), "unsupported_format"),
        (encoded(Image.new("RGB", (99, 99)), "TIFF"), "unsupported_format"),
        (encoded(Image.new("RGB", (63, 300)), "JPEG"), "too_small"),
        (encoded(two_halves(), "PNG").replace(b"IDAT", b"IDAX"), "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:6].hex(),
)
def test_what_is_no_photo_is_refused_with_its_reason(
    take: Callable[..., TakenPhoto], content: bytes, reason: str
) -> None:
    assert reason_of(take, content) == reason


def test_the_unsupported_format_is_named(take: Callable[..., TakenPhoto]) -> None:
    with pytest.raises(PhotoRefused, match="GIF"):
        take(encoded(Image.new("RGB", (99, 99)), "GIF"), "photo.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("share", [0.03, 0.3, 0.9])
def test_a_copy_cut_short_is_called_so(take: Callable[..., TakenPhoto], kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    assert reason_of(take, whole[: int(len(whole) * share)]) == "truncated"


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims a size and carries next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_001, 10_000), (60_000, 60_000), (2_000_000_000, 2_000_000_000)])
def test_bombs_are_refused_before_they_are_decoded(take: Callable[..., TakenPhoto], size: tuple[int, int]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason_of(take, bomb(*size)) == "too_many_pixels"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(PhotoRefused) as refused:
        take_in(tmp_path / "huge.jpg")
    assert refused.value.reason == "too_large"


def test_what_can_not_be_read_is_refused_as_such(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "gone.jpg", tmp_path, tmp_path / "pipe.jpg"):
        with pytest.raises(PhotoRefused) as refused:
            take_in(path)
        assert refused.value.reason == "unreadable"


def test_any_change_to_any_byte_is_taken_or_refused_and_nothing_else(take: Callable[..., TakenPhoto]) -> None:
    chance = np.random.default_rng(4)
    for kind in ("JPEG", "PNG", "WEBP", "HEIF"):
        whole = encoded(two_halves(160, 120), kind, exif=exif().tobytes())
        for _ in range(30):
            changed = bytearray(whole)
            for place in chance.integers(0, min(len(whole), 900), 3):
                changed[place] = chance.integers(256)
            try:
                take(bytes(changed))
            except PhotoRefused as refused:
                assert refused.reason in set(Reason)


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    assert set(SENTENCES) == set(Reason)
    for reason in Reason:
        assert explain(reason, "fr") != explain(reason, "en")
        assert explain(reason, "pl") == explain(reason, "en")


@pytest.fixture(scope="module")
def display_p3() -> bytes:
    """A profile like Display P3: its primaries (as XYZ under D50) around sRGB's tone curve."""
    return rgb_profile([(0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)])


def rgb_profile(primaries: list[tuple[float, float, float]]) -> bytes:
    """A minimal ICC matrix profile with gamma 2.2."""

    def s15(value: float) -> bytes:
        return round(value * 65536).to_bytes(4, "big", signed=True)

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(s15, values))

    text = b"desc\0\0\0\0" + (8).to_bytes(4, "big") + b"wide one"[:7] + b"\0" + b"\0" * 78
    gamma = b"curv\0\0\0\0" + (1).to_bytes(4, "big") + (563).to_bytes(2, "big") + b"\0\0"
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0none\0\0\0\0"), (b"wtpt", xyz((0.9642, 1.0, 0.8249)))]
    tags += [(name, xyz(values)) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)]
    tags += [(name, gamma) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, data, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        padded = content + b"\0" * (-len(content) % 4)
        table += name + (offset + len(data)).to_bytes(4, "big") + len(content).to_bytes(4, "big")
        data += padded
    size = (offset + len(data)).to_bytes(4, "big")
    head = size + b"\0" * 4 + b"\x02\x10\0\0mntrRGB XYZ " + b"\0" * 12 + b"acsp" + b"\0" * 28
    head += s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\0") + len(tags).to_bytes(4, "big") + table + data


def test_a_folder_is_walked_in_the_order_a_person_would(tmp_path: Path) -> None:
    for name in (
        *("photo10.jpg", "photo2.jpg", "notes.txt", ".DS_Store", "Thumbs.db", "photo2.xmp", "photo2.JPG.json"),
        *("robe/b.heic", "robe/detail/c.jpg", ".hidden/x.jpg", "__MACOSX/y.jpg", "jean 2/a.jpg", "jean 10/a.jpg"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "outside.jpg").symlink_to("/etc/passwd")
    found = [(path.name, folder) for path, folder in discover(tmp_path)]
    assert found == [
        ("notes.txt", ""),
        ("photo2.jpg", ""),
        ("photo10.jpg", ""),
        ("a.jpg", "jean 2"),
        ("a.jpg", "jean 10"),
        ("b.heic", "robe"),
        ("c.jpg", "robe/detail"),
    ]


def test_one_file_is_a_walk_of_one_and_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert list(discover(tmp_path / "a.jpg")) == [(tmp_path / "a.jpg", "")]
    with pytest.raises(NotFound, match="gone"):
        list(discover(tmp_path / "gone"))


@pytest.mark.skipif(os.geteuid() != 0, reason="dropping rights needs the rights to do so")
def test_a_folder_that_may_not_be_read_is_refused_and_not_lost() -> None:
    """Run as nobody, for root may read everything."""
    script = (
        "import os, sys; from pathlib import Path; from backend.core.errors import PhotoRefused\n"
        "from backend.photos.intake import discover, take_in\n"
        "os.setuid(65534)\n"
        "for path, _ in discover(Path(sys.argv[1])):\n"
        "    try: take_in(path)\n"
        "    except PhotoRefused as error: print(path.name, error.reason)\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "locked").mkdir(mode=0o700)
        (folder / "a.jpg").write_bytes(b"x")
        (folder / "a.jpg").chmod(0o000)
        run = subprocess.run(
            [sys.executable, "-c", script, name], check=True, capture_output=True, text=True, timeout=60
        )
    assert run.stdout.split() == ["a.jpg", "unreadable", "locked", "unreadable"]
