"""Words on a photo: text detection and recognition by PP-OCR, whichever way the photo is turned.

Owns finding lines of text, turning them upright and putting them in reading order. Owns no meaning of the
words (`lexicon.py`, `label.py`). The models lie inside the wheel `rapidocr`; nothing is ever downloaded,
because each model's path is given.

A line is found whichever way it runs; only its reading fails upside down. So the photo is searched for text
once, and lines that read badly are turned by 180° and read again: that covers all four turns of a photo.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.vision.embedded.text_line import TextLine

if TYPE_CHECKING:
    from rapidocr import RapidOCR

Pixels = NDArray[np.uint8]

LOOK_SIDE, SEARCH_SIDE = 640, 960
"""Longest side of the coarse look for any text, and of the close one at where it is; it is read at full size."""

_MAX_LINES = 60
_SURE = 0.9
"""Mean score from which the first reading is taken: upright print reads at 0.95 and more, upside down at 0.6–0.87."""
_KEEP = 0.6
_WORD = 4
_LATIN = re.compile(r"[0-9A-Za-z\u00c0-\u017f]")
"""The recogniser knows Chinese too and sees it in folds: a line without a Latin letter or digit is no line."""
_HUGE = 0.4
"""What covers this share of the photo is no line but the garment itself."""

_MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}


@dataclass(frozen=True)
class _Found:
    """A line before reading: its four corners in the photo's pixels, and its picture lying down."""

    corners: NDArray[np.float32]
    picture: Pixels
    upended: bool
    """Runs up or down the photo; `picture` shows it turned left, so that it reads if it ran downwards."""


def load_engine(threads: int) -> "RapidOCR":
    """The engine, safe to use from several threads; each call computes on `threads` of them."""
    from rapidocr import RapidOCR  # noqa: PLC0415 - takes most of a second, which only readers of photos should wait

    folder = Path(str(files("rapidocr"))) / "models"
    paths = {key: str(folder / name) for key, name in _MODELS.items()}
    options = {
        "Global.log_level": "error",
        "Det.limit_type": "max",  # never enlarge before searching
        "Det.limit_side_len": SEARCH_SIDE,
        "EngineConfig.onnxruntime.intra_op_num_threads": threads,
    }
    return RapidOCR(params={**paths, **options})


def read_lines(engine: "RapidOCR", rgb: Pixels) -> tuple[TextLine, ...]:
    """The lines of text on a photo in reading order; empty where there is none."""
    found = _find(engine, rgb)
    groups = (
        _read_group(engine, [line for line in found if line.upended is upended], rgb.shape[1], rgb.shape[0])
        for upended in (False, True)
    )
    most, rest = sorted(groups, key=_letters, reverse=True)
    # Print runs one way; what little seems to run across it is folds and seams, or a second label.
    return (*most, *(line for line in rest if len(line.text) >= _WORD))


def _letters(lines: Sequence[TextLine]) -> int:
    return sum(len(line.text) for line in lines)


def _find(engine: "RapidOCR", rgb: Pixels) -> list[_Found]:
    """Looks over the whole photo coarsely, then closely at the part where there is text."""
    height, width = rgb.shape[:2]
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    coarse = [corners for corners in _corners(engine, bgr, LOOK_SIDE) if _area(corners) < _HUGE * width * height]
    if not coarse:
        return []
    left, top, right, bottom = _around(coarse, width, height)
    fine = _corners(engine, bgr[top:bottom, left:right], SEARCH_SIDE)
    shifted = [corners + np.array([left, top], np.float32) for corners in fine]
    return [_cut(bgr, corners) for corners in sorted(shifted, key=_area, reverse=True)[:_MAX_LINES]]


def _corners(engine: "RapidOCR", bgr: Pixels, side: int) -> list[NDArray[np.float32]]:
    """The corners of each line on a picture shrunk to this longest side, in the picture's own pixels."""
    height, width = bgr.shape[:2]
    scale = min(1.0, side / max(height, width))
    small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else bgr
    boxes = engine._load_det_model()(small).boxes
    stretch = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
    return [] if boxes is None else [np.asarray(box, np.float32) * stretch for box in boxes]


def _around(found: list[NDArray[np.float32]], width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what holds all these lines; the margin is for a size's lone letter, easily missed."""
    points = np.concatenate(found)
    margin = 0.2 * max(width, height)
    left, top = np.maximum(points.min(axis=0) - margin, 0)
    right, bottom = np.minimum(points.max(axis=0) + margin, (width, height))
    return int(left), int(top), int(right), int(bottom)


def _area(corners: NDArray[np.float32]) -> float:
    return float(cv2.contourArea(corners))


def _cut(bgr: Pixels, corners: NDArray[np.float32]) -> _Found:
    """The line's own picture, straightened; one that stands upright on the photo is laid down."""
    a, b, c, d = corners
    width = max(1, round(float(max(np.linalg.norm(a - b), np.linalg.norm(c - d)))))
    height = max(1, round(float(max(np.linalg.norm(a - d), np.linalg.norm(b - c)))))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    transform = cv2.getPerspectiveTransform(corners, target)
    picture = cv2.warpPerspective(
        bgr, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    upended = height >= 1.5 * width
    return _Found(corners, np.ascontiguousarray(np.rot90(picture)) if upended else picture, upended)


def _recognise(engine: "RapidOCR", pictures: list[Pixels]) -> list[tuple[str, float]]:
    from rapidocr.ch_ppocr_rec import TextRecInput  # noqa: PLC0415

    output = engine._load_rec_model()(TextRecInput(img=pictures, return_word_box=False))
    return [(text.strip(), float(score)) for text, score in zip(output.txts, output.scores, strict=True)]


def _read_group(engine: "RapidOCR", group: list[_Found], width: int, height: int) -> list[TextLine]:
    """Lines that run the same way, read as they lie or turned by 180° together, in reading order."""
    if not group:
        return []
    texts, turned = _recognise(engine, [line.picture for line in group]), False
    if _quality(texts) < _SURE:
        other = _recognise(engine, [np.ascontiguousarray(np.rot90(line.picture, 2)) for line in group])
        if _quality(other) > _quality(texts):
            texts, turned = other, True
    order = _reading_order(group, turned)
    read = ((group[i], *texts[i]) for i in order)
    return [
        _line(found, text, score, width, height)
        for found, text, score in read
        if score >= _KEEP and _LATIN.search(text)
    ]


def _quality(texts: list[tuple[str, float]]) -> float:
    """Mean score by letter: long lines tell more about the direction than stray marks."""
    letters = sum(len(text) for text, _ in texts)
    return sum(len(text) * score for text, score in texts) / letters if letters else 0.0


def _reading_order(group: list[_Found], turned: bool) -> list[int]:
    """Row by row, left to right, for a reader who holds the photo so that the text is upright."""
    places = np.array([line.corners.mean(axis=0) for line in group])
    x, y = places[:, 0], places[:, 1]
    rows, columns = (-x, y) if group[0].upended else (y, x)
    if turned:
        rows, columns = -rows, -columns
    # Lines whose middles differ by less than half their height stand side by side.
    step = float(np.median([line.picture.shape[0] for line in group])) / 2
    order = np.argsort(rows, kind="stable")
    row_of = np.zeros(len(group), int)
    row_of[order] = np.cumsum(np.diff(rows[order], prepend=rows[order[0]]) > step)
    return [int(i) for i in np.lexsort((columns, row_of))]


def _line(found: _Found, text: str, score: float, width: int, height: int) -> TextLine:
    left, top = found.corners.min(axis=0)
    right, bottom = found.corners.max(axis=0)
    box = (float(left / width), float(top / height), float(right / width), float(bottom / height))
    return TextLine(text, score, box, found.picture.shape[0] / max(width, height))
