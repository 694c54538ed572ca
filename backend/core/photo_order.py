"""The order in which an item's photos are shown, and what is wrong with them that the seller can put right.

Owns the choice of the cover, the order of the others and the warnings' codes. Front, back and flaws are told by a
reader that says what photos show (`core.reading.Role`), a vision model. Where none does, sellers begin with the front:
an earlier sound photo of the whole garment is the cover unless a later one is clearly better, and flaws stay among the
details.
"""

from collections.abc import Mapping, Sequence

from backend.core.reading import Role, Shows, Sight

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

_AS: Mapping[Shows, Role | None] = {"garment": "view", "part": "detail", "label": "label", "separator": None}
_WHOLE: tuple[Role, ...] = ("front", "view", "back")
"""Of these the first there is makes the cover."""
_PLACES: Mapping[Role | None, int] = {"front": 0, "back": 1, "view": 2, "detail": 3, "label": 4, "flaw": 5, None: 6}


def roles_of(photos: Sequence[str], sights: Mapping[str, Sight], told: Mapping[str, Role]) -> dict[str, Role | None]:
    """What each photo shows, by id: as `told`, else as seen; those nobody looked at are left out."""
    seen = {photo: _AS[sights[photo].shows] for photo in photos if photo in sights}
    return {**seen, **{photo: told[photo] for photo in photos if photo in told}}


def in_showing_order(
    photos: Sequence[str], sights: Mapping[str, Sight], told: Mapping[str, Role] | None = None
) -> tuple[str, ...]:
    """The cover, front, back, other views of the whole garment, parts, labels, flaws; those of one kind in the order
    taken. `told` is what a reader says of photos, before what was seen.

    Photos nobody saw keep their place among the parts; where none was seen, all keep theirs."""
    roles = roles_of(photos, sights, told or {})
    if not roles:
        return tuple(photos)
    cover = _cover(photos, sights, roles)
    return tuple(sorted(photos, key=lambda p: -1 if p == cover else _PLACES[roles.get(p, "detail")]))


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


def _cover(photos: Sequence[str], sights: Mapping[str, Sight], roles: Mapping[str, Role | None]) -> str:
    """The best sound front or other view of the whole garment, else the best of it, else the first that shows no
    label."""
    wholes = next((of_one for role in _WHOLE if (of_one := [p for p in photos if roles.get(p) == role])), [])
    sound = [photo for photo in wholes if photo not in sights or not _flaws(sights[photo])]
    others = [photo for photo in photos if _PLACES[roles.get(photo, "detail")] <= _PLACES["detail"]]
    if candidates := sound or wholes:
        worth = {photo: _worth(sights[photo]) if photo in sights else 0.0 for photo in candidates}
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
