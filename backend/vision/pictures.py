"""Photos as a vision model gets them: upright, small, without metadata.

Owns their size and encoding. Does not own the stored photos (`backend/photos`).
"""

import base64
import io
from pathlib import Path

from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from backend.core.errors import PhotoRefused

COVER_SIDE = 1024
OTHER_SIDE = 768
QUALITY = 85

register_heif_opener()


def data_url(path: Path, side: int) -> str:
    """The photo as a `data:` address of a JPEG whose longest side is at most `side` pixels.

    Raises PhotoRefused for what can't be decoded."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (side * 2, side * 2))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((side, side), Image.Resampling.LANCZOS)
            flat = Image.new("RGB", upright.size, "white")
            flat.paste(upright, mask=upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PhotoRefused("damaged", f"{path.name} can't be decoded: {error}") from error
    encoded = io.BytesIO()
    flat.save(encoded, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")
