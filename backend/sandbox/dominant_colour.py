"""The main colour of a picture's middle, by a rule simple enough to foresee: what a stand-in "sees".

Owns a few reference colours. Is no reader of photos: the real ones are in `backend/vision`.
"""

from PIL import Image

REFERENCES = {
    "black": (20, 20, 20),
    "white": (245, 245, 245),
    "grey": (128, 128, 128),
    "red": (200, 30, 40),
    "orange": (240, 130, 30),
    "yellow": (240, 210, 50),
    "green": (40, 140, 60),
    "blue": (40, 80, 190),
    "navy": (20, 30, 80),
    "light-blue": (150, 190, 230),
    "purple": (120, 50, 150),
    "pink": (240, 150, 180),
    "brown": (110, 70, 40),
    "beige": (215, 195, 160),
}


def dominant_colour(image: Image.Image) -> str:
    """The slug of the reference nearest to the mean of the middle half of the picture."""
    width, height = image.size
    middle = image.convert("RGB").crop((width // 4, height // 4, width - width // 4, height - height // 4))
    mean = middle.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(mean, tuple)
    return min(REFERENCES, key=lambda slug: sum((a - b) ** 2 for a, b in zip(mean, REFERENCES[slug], strict=True)))
