"""The order in which an item's photos are shown, and what is wrong with them that the seller can put right.

Owns the choice of the cover, the order of the others and the warnings' codes. Whether a whole garment is seen from the
front or the back is not told from a photo here: sellers begin with the front, so an earlier sound photo of the whole
garment is the cover unless a later one is clearly better. Flaws are not recognised either: their photos stay among the
details.
"""

from collections.abc import Mapping, Sequence

from backend.core.reading import Sight

BLURRED, DARK, CROPPED = 40.0, 0.2, 0.9
"""Sharpness and brightness below which a cover is blurred or dark, and the share of the photo above which the garment
does not fit into it."""

DETAIL_BLURRED_BELOW = 15.0
"""Sharpness below which a close-up shows nothing: plain cloth in focus has more from its weave and the camera's noise,
and print out of focus so far is read no longer."""

SHARP, BRIGHT, FILLED = 160.0, 0.4, 0.25
"""Sharpness, brightness and share of the photo above which more of it makes no better cover."""
NEARLY_BEST = 0.7
"""An earlier photo is the cover where it is so good beside the best one."""

ONE_PHOTO, ONE_VIEW = "one_photo", "one_view"
COVER_BLURRED, COVER_DARK, COVER_CROPPED = "cover_blurred", "cover_dark", "cover_cropped"
DETAIL_BLURRED = "detail_blurred"

_RANKS = {"garment": 0, "part": 1, "label": 2, "separator": 3}


def in_showing_order(photos: Sequence[str], sights: Mapping[str, Sight]) -> tuple[str, ...]:
    """The cover, other views of the whole garment, parts, labels; those of one kind in the order taken.

    Photos nobody saw keep their place among the parts; where none was seen, all keep theirs."""
    seen = [photo for photo in photos if photo in sights]
    if not seen:
        return tuple(photos)
    cover = _cover(photos, sights)
    return tuple(sorted(photos, key=lambda p: -1 if p == cover else _rank(p, sights)))


def photo_warnings(photos: Sequence[str], sights: Mapping[str, Sight]) -> tuple[str, ...]:
    """What the seller could photograph again or add, given the photos in showing order."""
    codes = [ONE_PHOTO] if len(photos) == 1 else []
    wholes = [photo for photo in photos if photo in sights and sights[photo].shows == "garment"]
    if len(wholes) == 1 and len(photos) > 1:
        codes.append(ONE_VIEW)
    if any(_is_blurred_detail(sights[photo]) for photo in photos[1:] if photo in sights):
        codes.append(DETAIL_BLURRED)
    cover = sights.get(photos[0]) if photos else None
    return tuple(codes) + (_flaws(cover) if cover is not None else ())


def _cover(photos: Sequence[str], sights: Mapping[str, Sight]) -> str:
    """The best sound photo of the whole garment, else the best of it, else the first that shows no label."""
    wholes = [photo for photo in photos if _rank(photo, sights) == 0]
    sound = [photo for photo in wholes if not _flaws(sights[photo])]
    others = [photo for photo in photos if _rank(photo, sights) <= 1]
    if candidates := sound or wholes:
        worth = {photo: _worth(sights[photo]) for photo in candidates}
        return next(photo for photo in candidates if worth[photo] >= NEARLY_BEST * max(worth.values()))
    return next(iter((*others, *photos)))


def _worth(sight: Sight) -> float:
    """How good a cover it makes, from 0 to 1."""
    sharp, bright = min(1.0, sight.sharpness / SHARP), min(1.0, sight.brightness / BRIGHT)
    return sharp * bright * min(1.0, sight.cover_share / FILLED)


def _flaws(sight: Sight) -> tuple[str, ...]:
    found = {
        COVER_BLURRED: sight.sharpness < BLURRED,
        COVER_DARK: sight.brightness < DARK,
        COVER_CROPPED: sight.shows != "label" and sight.cover_share > CROPPED,
    }
    return tuple(code for code, applies in found.items() if applies)


def _is_blurred_detail(sight: Sight) -> bool:
    return sight.shows in ("part", "label") and sight.sharpness < DETAIL_BLURRED_BELOW


def _rank(photo: str, sights: Mapping[str, Sight]) -> int:
    return _RANKS[sights[photo].shows] if photo in sights else _RANKS["part"]
