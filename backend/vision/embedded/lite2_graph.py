"""EfficientNet-Lite2 as an ONNX graph, made from the published PyTorch weights without PyTorch.

Owns the network's architecture: Tan and Le's EfficientNet, "lite" variant (no squeeze-excitation, ReLU6), width
1.1, depth 1.2, trained on ImageNet; and its second end, where the last layers were trained further on clothes. Does
not own running it (`features.py`), reading the weights (`torch_weights.py`) or the further training's file
(`tuned_layers.py`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from backend.vision.embedded.tuned_layers import Convolution, Layers, TunedLayers

_DEPTH = 1.2
# repeats, kernel, stride of the first: one line a stage. Channels are the weights' own.
_STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))
MIDDLE, LATE = 4, 5
"""Stages whose maps are kept beside the last one: they say which textures and parts are where."""

STEM, EXPAND, DEPTHWISE, PROJECT, HEAD = "_conv_stem", "_expand_conv", "_depthwise_conv", "_project_conv", "_conv_head"
_NORMS = {STEM: "_bn0", EXPAND: "_bn0", DEPTHWISE: "_bn1", PROJECT: "_bn2", HEAD: "_bn1"}
"""Each convolution's batch norm, its neighbour in the weights."""
_EPSILON = 1e-3

_DIMENSIONS = {"last": 2, "middle": 4, "late": 4, "logits": 2, "kinds": 2}
"""What the graph computes, and in how many dimensions."""


@dataclass(frozen=True)
class Block:
    """Widens, looks around, narrows; a residual one is added to its input."""

    name: str
    stage: int
    stride: int
    residual: bool


def blocks() -> Iterator[Block]:
    """All blocks in order."""
    number = 0
    for stage, (repeats, _kernel, stride) in enumerate(_STAGES):
        deepened = repeats if stage in (0, len(_STAGES) - 1) else math.ceil(repeats * _DEPTH)
        for step in range(deepened):
            yield Block(f"_blocks.{number}", stage, 1 if step else stride, residual=step > 0)
            number += 1


def fold(weights: dict[str, NDArray[Any]]) -> Layers:
    """The convolutions by name, each with its batch norm folded in."""
    layers = {}
    for name in (name.removesuffix(".weight") for name in weights if name.endswith(".weight")):
        place, _, convolution = name.rpartition(".")
        if convolution not in _NORMS:
            continue
        norm = f"{place}.{_NORMS[convolution]}".removeprefix(".")
        gamma, beta, mean, variance = (
            weights[f"{norm}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        kernel = weights[f"{name}.weight"].astype(np.float64) * scale[:, None, None, None]
        layers[name] = Convolution(kernel.astype(np.float32), (beta - mean * scale).astype(np.float32))
    return layers


class _Graph:
    """Nodes and constants as they are added; each method returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.constant("zero", np.array(0, np.float32))
        self.constant("six", np.array(6, np.float32))
        self.constant("axes", np.array([2, 3], np.int64))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(self, x: str, layers: Layers, name: str, *, stride: int = 1, relu: bool = True) -> str:
        layer, number = layers[name], len(self.nodes)
        kernel = self.constant(f"kernel_{number}", layer.kernel)
        bias = self.constant(f"bias_{number}", layer.bias)
        groups = layer.kernel.shape[0] if name.endswith(DEPTHWISE) else 1
        y = self.add("Conv", [x, kernel, bias], strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER")
        return self.add("Clip", [y, "zero", "six"]) if relu else y

    def block(self, x: str, layers: Layers, block: Block) -> str:
        y = x
        if f"{block.name}.{EXPAND}" in layers:
            y = self.convolution(y, layers, f"{block.name}.{EXPAND}")
        y = self.convolution(y, layers, f"{block.name}.{DEPTHWISE}", stride=block.stride)
        y = self.convolution(y, layers, f"{block.name}.{PROJECT}", relu=False)
        return self.add("Add", [y, x]) if block.residual else y

    def mean(self, x: str, layers: Layers, output: str = "") -> str:
        """The last layer's mean over the photo."""
        return self.add("ReduceMean", [self.convolution(x, layers, HEAD), "axes"], output, keepdims=0)

    def classes(self, x: str, weights: NDArray[Any], bias: NDArray[Any], output: str) -> str:
        """Scores of classes, from weights (classes, features) and bias (classes)."""
        product = self.add("MatMul", [x, self.constant(f"{output}_weights", weights.T)])
        return self.add("Add", [product, self.constant(f"{output}_bias", bias)], output)


def convert(weights: dict[str, NDArray[Any]], tuned: TunedLayers, side: int) -> bytes:
    """The graph: `photo` (n, 3, side, side) to `last`, `middle`, `late`, `logits` of the published network and the
    scores `kinds` of its tuned end."""
    layers = fold(weights)
    further = tuned.applied_to(layers)
    graph, kept = _Graph(), {}
    x = graph.convolution("photo", layers, STEM, stride=2)
    other = ""
    for block in blocks():
        if other or tuned.begin_at(block.name):
            other = graph.block(other or x, further, block)
        x = graph.block(x, layers, block)
        kept[block.stage] = x
    last = graph.mean(x, layers, "last")
    graph.add("Identity", [kept[MIDDLE]], "middle")
    graph.add("Identity", [kept[LATE]], "late")
    graph.classes(last, weights["_fc.weight"], weights["_fc.bias"], "logits")
    graph.classes(graph.mean(other or x, further), tuned.weights, tuned.bias, "kinds")
    return bytes(_model(graph, side).SerializeToString())


def _model(graph: _Graph, side: int) -> onnx.ModelProto:
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * d) for n, d in _DIMENSIONS.items()]
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, ["n", 3, side, side])
    body = helper.make_graph(graph.nodes, "efficientnet-lite2", [photo], outputs, graph.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
