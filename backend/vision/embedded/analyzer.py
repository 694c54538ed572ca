"""The offline reader: one item's photos in, its fields out, nothing guessed.

Owns how what single photos show becomes fields of the item, and running that off the event loop. Does not own the
looks at a photo (`photo_facts.py`). Condition, price and words are not its to say: they stay unknown. The audience
and kinds finer than a photo shows (jeans, boots) are told only where a label says so in words.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock

import cv2

from backend.core.errors import PhotoRefused
from backend.core.listing import Alternative, Evidence, Field
from backend.core.reading import ItemReading, PhotoInput, Sight
from backend.vision.embedded import category, colour, model_files
from backend.vision.embedded.cards import shows_card
from backend.vision.embedded.photo_facts import Models, PhotoFacts, read_photo
from backend.vision.embedded.printed_words import PrintedWord, find_audience, find_kind
from backend.vision.embedded.sizes import find_size
from backend.vision.embedded.text_line import TextLine

_KEPT = 4096
"""Photos whose facts are kept in memory, 12 KB each."""
_WHOLE = (0.12, 0.8)
"""Share of the photo a whole garment covers, at least and at most: 9 in 10 of 340 photos cover 0.22 to 0.62; half of 33
close-ups cut from such photos lie outside these bounds."""

Seen = tuple[PhotoInput, PhotoFacts]


@cache
def _models(cache_dir: Path) -> Models:
    """One set a process. Each call of a network or of OpenCV uses one thread: the pool reads several photos at once
    instead."""
    cv2.setNumThreads(1)
    return Models(cache_dir, threads=1)


class EmbeddedAnalyzer:
    """Implements `core.ai_analyzer.Analyzer` without a network or a key.

    `threads` photos are read at once (at most two unless told otherwise: more gain nothing on a small machine)."""

    name = "embedded"

    def __init__(self, cache_dir: Path | None = None, threads: int | None = None) -> None:
        self._models = _models(cache_dir or model_files.default_cache_dir())
        self._pool = ThreadPoolExecutor(threads or min(2, os.cpu_count() or 1), thread_name_prefix="reader")
        self._facts: dict[tuple[str, int, int], Future[PhotoFacts]] = {}
        self._lock = Lock()

    async def describe(self, photo: PhotoInput) -> PhotoFacts:
        """What this photo shows by itself, read once per content. Raises `PhotoRefused`, `SetupError`."""
        # Shielded: a caller that gives up must not cancel the reading for the others who wait for it.
        return await asyncio.shield(asyncio.wrap_future(self._reading_of(photo.path)))

    async def describe_photo(self, photo: PhotoInput) -> Sight:
        """What this photo shows, for sorting: `core.reading.PhotoDescriber`. The reading later costs nothing again."""
        facts = await self.describe(photo)
        card = await asyncio.wrap_future(self._pool.submit(shows_card, photo.path, facts))
        whole = facts.is_garment and _WHOLE[0] <= facts.cover_share <= _WHOLE[1]
        return Sight(
            "separator" if card else "label" if facts.is_label else "garment" if whole else "part",
            facts.feature,
            facts.histogram,
            facts.sharpness,
            facts.brightness,
            facts.cover_share,
        )

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        """Fields read from the photos of one item; `language` makes no difference to what is seen.

        Raises `PhotoRefused` when none of the photos can be decoded, `SetupError` when a model is missing."""
        seen: list[Seen] = []
        refused: list[PhotoRefused] = []
        for photo, facts in zip(photos, await self._describe_all(photos), strict=True):
            if isinstance(facts, PhotoRefused):
                refused.append(facts)
            else:
                seen.append((photo, facts))
        if refused and not seen:
            raise refused[0]
        return ItemReading(tuple(p.id for p in photos), _fields(seen), _warnings(seen, bool(refused)))

    async def aclose(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _describe_all(self, photos: Sequence[PhotoInput]) -> list[PhotoFacts | PhotoRefused]:
        async def attempt(photo: PhotoInput) -> PhotoFacts | PhotoRefused:
            try:
                return await self.describe(photo)
            except PhotoRefused as error:
                return error

        return await asyncio.gather(*(attempt(photo) for photo in photos))

    def _reading_of(self, path: Path) -> Future[PhotoFacts]:
        """The photo's reading, under way or done: the same file is read once."""
        try:
            status = path.stat()
        except OSError as error:
            raise PhotoRefused("unreadable", f"{path.name} can't be opened") from error
        key = (str(path), status.st_size, status.st_mtime_ns)
        with self._lock:
            if key not in self._facts or _failed(self._facts[key]):
                while len(self._facts) >= _KEPT:
                    del self._facts[next(iter(self._facts))]
                self._facts[key] = self._pool.submit(read_photo, self._models, path)
            return self._facts[key]


def _failed(reading: Future[PhotoFacts]) -> bool:
    return reading.done() and (reading.cancelled() or reading.exception() is not None)


def _fields(seen: Sequence[Seen]) -> dict[str, Field]:
    kind, audience = _finer(_category(seen), seen), _audience(seen)
    likeliest = kind.value or (kind.alternatives[0].value if kind.alternatives else None)
    read = {
        "category": kind,
        "audience": audience,
        "brand": brand_of(seen),
        "size": _size(seen, likeliest, audience.value),
        "colours": _colours(seen),
        "materials": _materials(seen),
        "country": _country(seen),
    }
    return {name: field for name, field in read.items() if field.known or field.alternatives}


def _warnings(seen: Sequence[Seen], some_refused: bool) -> tuple[str, ...]:
    """Machine codes of what would help the reading."""
    reasons = {
        "photo_unreadable": some_refused,
        "no_label_photo": not any(facts.is_label for _, facts in seen),
        "no_whole_garment_photo": not any(facts.is_garment for _, facts in seen),
    }
    return tuple(code for code, applies in reasons.items() if applies)


def _garments(seen: Sequence[Seen]) -> list[Seen]:
    return [(photo, facts) for photo, facts in seen if facts.is_garment]


def _category(seen: Sequence[Seen]) -> Field:
    garments = _garments(seen)
    if not garments:
        return Field()
    kinds = category.load_probe().kinds
    reading = category.decide(kinds, [facts.kinds for _, facts in garments])
    best = kinds.index(reading.alternatives[0].value)
    photo = max(garments, key=lambda entry: entry[1].kinds[best])[0]
    return Field(reading.value, reading.confidence, reading.alternatives, (Evidence("image", photo.id),))


def _finer(kind: Field, seen: Sequence[Seen]) -> Field:
    """The kind a label names, where it is one of the kind that is seen (trousers that are jeans)."""
    if kind.value is None:
        return kind
    said = _one_word([(photo, find_kind(facts.lines, kind.value)) for photo, facts in seen if facts.is_label])
    if said is None:
        return kind
    photo, word = said
    confidence = round(min(kind.confidence, word.confidence), 3)
    return Field(word.value, confidence, kind.alternatives, (*kind.evidence, _on_label(photo, word.line)))


def _audience(seen: Sequence[Seen]) -> Field:
    said = _one_word([(photo, find_audience(facts.lines)) for photo, facts in seen if facts.is_label])
    if said is None:
        return Field()
    photo, word = said
    return Field(word.value, round(word.confidence, 3), evidence=(_on_label(photo, word.line),))


def _one_word(said: Sequence[tuple[PhotoInput, PrintedWord | None]]) -> tuple[PhotoInput, PrintedWord] | None:
    """The surest word of the labels, where none says another."""
    words = [(photo, word) for photo, word in said if word is not None]
    if len({word.value for _, word in words}) != 1:
        return None
    return max(words, key=lambda entry: entry[1].confidence)


def brand_of(seen: Sequence[Seen]) -> Field:
    """The brand named most surely; two equally sure ones leave it open, and so does a mere possibility. Print on a
    garment is seen, no label's word."""
    best: dict[str, tuple[float, bool, Evidence]] = {}
    for photo, facts in seen:
        for hit in facts.brands:
            sure = hit.confidence * (1.0 if facts.is_label else 0.9)
            if hit.name not in best or sure > best[hit.name][0]:
                shown = Evidence("label" if facts.is_label else "image", photo.id, hit.line.text, hit.line.box)
                best[hit.name] = (sure, hit.sure, shown)
    ranked = sorted(best.items(), key=lambda entry: -entry[1][0])
    if not ranked:
        return Field()
    options = tuple(Alternative(name, round(sure, 3)) for name, (sure, _, _) in ranked)
    (name, (sure, told, evidence)), others = ranked[0], ranked[1:]
    if others and others[0][1][0] > sure - 0.05:
        return Field(None, 0.0, options[:4], (evidence, others[0][1][2]))
    if not told:
        return Field(None, 0.0, options[:4], (evidence,))
    return Field(name, round(sure, 3), options[1:4], (evidence,))


def _size(seen: Sequence[Seen], kind: str | None, audience: str | None) -> Field:
    """The size of the photo that states it most surely; another value elsewhere leaves it open."""
    labels = [
        (photo, find_size(facts.lines, kind=kind, audience=audience, on_label=True))
        for photo, facts in seen
        if facts.is_label
    ]
    read = [(photo, reading) for photo, reading in labels if reading]
    if not read:
        return Field()
    photo, best = max(read, key=lambda entry: entry[1].confidence)
    values = {reading.value for _, reading in read if reading.value}
    evidence = (_on_label(photo, best.line),)
    if len(values) > 1:
        return Field(None, 0.0, tuple(Alternative(v, round(1 / len(values), 2)) for v in sorted(values)), evidence)
    return Field(best.value, round(best.confidence, 3), best.alternatives, evidence)


def _materials(seen: Sequence[Seen]) -> Field:
    """The composition, where every label that states one states the same."""
    read = [(photo, facts.composition) for photo, facts in seen if facts.composition and facts.composition.materials]
    if not read or not all(composition.agrees(read[0][1]) for _, composition in read):
        return Field()
    photo, composition = max(read, key=lambda entry: entry[1].confidence)
    evidence = tuple(_on_label(photo, line) for line in composition.lines)
    return Field(composition.materials, round(composition.confidence, 3), evidence=evidence)


def _country(seen: Sequence[Seen]) -> Field:
    """Where the labels say it was made; open where they name two countries."""
    read = [(photo, facts.origin) for photo, facts in seen if facts.origin]
    if not read:
        return Field()
    countries = list(dict.fromkeys(code for _, origin in read for code in origin.countries))
    if len(countries) > 1:
        evidence = tuple(_on_label(photo, line) for photo, origin in read for line in origin.lines)
        share = round(1 / len(countries), 2)
        return Field(None, 0.0, tuple(Alternative(code, share) for code in countries), evidence)
    photo, origin = max(read, key=lambda entry: entry[1].confidence)
    evidence = tuple(_on_label(photo, line) for line in origin.lines)
    return Field(origin.value, round(origin.confidence, 3), evidence=evidence)


def _colours(seen: Sequence[Seen]) -> Field:
    """The colours of the garment photos together; one that fills the frame says more than one far away."""
    garments = _garments(seen)
    if not garments:
        return Field()
    weights = [max(0.1, facts.cover_share) for _, facts in garments]
    shares = {
        slug: sum(w * facts.colours[slug] for w, (_, facts) in zip(weights, garments, strict=True)) / sum(weights)
        for slug in garments[0][1].colours
    }
    reading = colour.decide(shares)
    alternatives = tuple(Alternative([a.value], a.confidence) for a in reading.alternatives)
    value = list(reading.value) if reading.value else None
    leading = max(shares, key=lambda slug: shares[slug])
    photo = max(garments, key=lambda entry: entry[1].colours[leading])[0]
    return Field(value, reading.confidence, alternatives, (Evidence("image", photo.id),))


def _on_label(photo: PhotoInput, line: TextLine) -> Evidence:
    return Evidence("label", photo.id, line.text, line.box)
