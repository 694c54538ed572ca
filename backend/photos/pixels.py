"""From a decoded picture to the clean one: at most 2048 px, opaque, eight bits, sRGB, upright.

Owns sizes, qualities and colour conversion; what it makes carries no metadata. Owns no decision about what is
taken in (`intake.py`).
"""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

LONGEST, QUALITY = 2048, 88
THUMBNAIL, THUMBNAIL_QUALITY = 400, 80
NEAR_ENOUGH = 0.95
"""A JPEG that the decoder itself can halve to this share of `LONGEST` or more is left at that: a 4032 px photo
is kept at 2016 px. Decoding in full only to scale by 2048/4032 takes six times as long and shows nothing more."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def clean(image: Image.Image, orientation: int) -> Image.Image:
    """Decodes an opened picture (the first frame, if there are several) into a new RGB one without metadata."""
    profile = image.info.get("icc_profile")
    image.draft(None, _stored_size(*image.size))
    plain = _scalable(image)
    plain.thumbnail((LONGEST, LONGEST), Image.Resampling.BICUBIC, reducing_gap=2.0)
    plain = _on_white(plain)
    plain = _to_srgb(plain, profile)
    if (turn := UPRIGHT.get(orientation)) is not None:
        plain = plain.transpose(turn)
    plain.info = {}
    return plain


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG of at most `THUMBNAIL` px."""
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.HAMMING)
    return encode(small, THUMBNAIL_QUALITY)


def encode(image: Image.Image, quality: int = QUALITY) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _stored_size(width: int, height: int) -> tuple[int, int]:
    """The size to ask the JPEG decoder for; it halves, once to three times, and never goes below this."""
    longest = max(width, height)
    halved = next((n for n in (2, 4, 8) if NEAR_ENOUGH * LONGEST <= longest / n <= LONGEST), None)
    scale = 1 / halved if halved else min(1.0, LONGEST / longest)
    return int(width * scale), int(height * scale)


def _scalable(image: Image.Image) -> Image.Image:
    """Eight bits a channel and no palette. Sixteen-bit grey is scaled down: `convert` alone would clip it to white."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """Transparency laid on white: done after scaling, on a picture that is small by then."""
    if image.mode not in ("RGBA", "LA"):
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Converts from the embedded colour profile; one that is broken or of another colour space is ignored."""
    transform = _transform(profile, image.mode) if profile else None
    if transform is not None and transform.apply is not None:
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None
        return converted
    return image.convert("RGB")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From this profile to sRGB; None where there is nothing to convert, or nothing to go by."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
