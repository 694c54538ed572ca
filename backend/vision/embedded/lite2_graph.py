"""EfficientNet-Lite2 as an ONNX graph, made from the published PyTorch weights without PyTorch.

Owns the network's architecture: Tan and Le's EfficientNet, "lite" variant (no squeeze-excitation, ReLU6), width
1.1, depth 1.2, trained on ImageNet. Does not own running it (`features.py`) or reading the file (`torch_weights.py`).
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from backend.vision.embedded.torch_weights import load_weights

_DEPTH = 1.2
# repeats, kernel, stride of the first: one line a stage. Channels are the weights' own.
_STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))
_MIDDLE, _LATE = 4, 5
"""Stages whose maps are kept beside the last one: they say which textures and parts are where."""

_DIMENSIONS = {"last": 2, "middle": 4, "late": 4, "logits": 2}
"""What the graph computes, and in how many dimensions."""


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


def convert(source: Path, side: int) -> bytes:
    """The published weights as an ONNX graph: `photo` (n, 3, side, side) to `last`, `middle`, `late`, `logits`."""
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
    return bytes(_model(graph, side).SerializeToString())


def _model(graph: _Graph, side: int) -> onnx.ModelProto:
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * d) for n, d in _DIMENSIONS.items()]
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, ["n", 3, side, side])
    body = helper.make_graph(graph.nodes, "efficientnet-lite2", [photo], outputs, graph.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
