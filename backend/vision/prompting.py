"""The question put to a vision model: the prompt, the photos it is shown, and the key its answer is kept under.

Owns which photos are shown and in what order, and the prompt's version. Does not own pixels (`pictures.py`), the
answer's shape (`schema.py`) nor a server's ways (`dialect.py`). A changed prompt is a new file in `prompts/` with a
new number: the number is named in every field's evidence and is part of the key.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

from backend.core.reading import PhotoInput
from backend.vision.pictures import COVER_SIDE, OTHER_SIDE, Picture, label_picture, whole_picture
from backend.vision.schema import answer_schema
from backend.vision.tariff import Size

PROMPT = "item-v3"
LANGUAGES = {
    "fr": "French", "en": "English", "de": "German", "es": "Spanish", "it": "Italian", "nl": "Dutch", "pl": "Polish",
    "pt": "European Portuguese", "cs": "Czech", "da": "Danish", "el": "Greek", "et": "Estonian", "fi": "Finnish",
    "hr": "Croatian", "hu": "Hungarian", "lt": "Lithuanian", "lv": "Latvian", "ro": "Romanian", "sk": "Slovak",
    "sl": "Slovenian", "sv": "Swedish",
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """Everything a call says. `photos` are the ids of the photos shown, by their number from 1."""

    photos: tuple[str, ...]
    pictures: tuple[Picture, ...]
    language: str
    prompt_version: ClassVar[str] = PROMPT
    answer_tokens: ClassVar[int] = 2000
    """A reading takes about 300."""

    @property
    def answer_form(self) -> tuple[str, dict[str, Any]]:
        return "item", answer_schema()

    @property
    def sizes(self) -> tuple[Size, ...]:
        return tuple(picture.size for picture in self.pictures)

    @property
    def prompt(self) -> str:
        return _prompt().replace("{language}", LANGUAGES.get(self.language, self.language))

    def messages(self, *, detail: bool) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for number, picture in enumerate(self.pictures, 1):
            said = f"Photo {number}, a label" if picture.is_label else f"Photo {number}"
            shown = {"url": picture.data_url} | ({"detail": picture.detail} if detail else {})
            parts += [{"type": "text", "text": said}, {"type": "image_url", "image_url": shown}]
        return [{"role": "system", "content": self.prompt}, {"role": "user", "content": parts}]

    @property
    def text(self) -> str:
        """The words a call sends, for counting."""
        return self.prompt + "".join(f"Photo {n}, a label" for n in range(len(self.pictures)))

    def key(self, model: str, base_url: str) -> str:
        """The same for the same photos as sent, prompt, schema, language and model."""
        told = [PROMPT, self.prompt, answer_schema(), model, base_url]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        for picture in self.pictures:
            digest.update(picture.sha256)
        return digest.hexdigest()


def put(photos: Sequence[PhotoInput], language: str, *, most: int) -> Question:
    """The question about these photos, at most `most` of them shown. Raises PhotoRefused."""
    shown = choose(photos, most)
    return Question(tuple(photo.id for photo in shown), tuple(map(_picture, shown, [True, *[False] * most])), language)


def choose(photos: Sequence[PhotoInput], most: int) -> list[PhotoInput]:
    """The photos to show, in their order: the first, then labels, then the others, as far as `most` goes."""
    ranked = sorted(range(len(photos)), key=lambda n: (n > 0, not photos[n].is_label, n))
    return [photos[n] for n in sorted(ranked[:most])]


def _picture(photo: PhotoInput, is_cover: bool) -> Picture:
    if photo.is_label:
        return label_picture(photo.path, photo.print_boxes)
    return whole_picture(photo.path, COVER_SIDE if is_cover else OTHER_SIDE)


@cache
def _prompt() -> str:
    return files("backend.vision").joinpath("prompts", f"{PROMPT}.txt").read_text(encoding="utf-8")
