"""The network's last layers as they were trained further on clothes (`tuned.npz`, made by `scripts/tune_network.py`).

Owns that file: each convolution that changed as its difference from the published one, rounded to eight bits. Does
not own the architecture (`lite2_graph.py`) or the training.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("tuned.npz")

_STEPS = 127
"""A difference is at most so many steps; each output channel has a step of its own."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Convolution:
    """`kernel` (out, in, height, width) and `bias` (out); a batch norm is folded in."""

    kernel: Floats
    bias: Floats


Layers = Mapping[str, Convolution]


@dataclass(frozen=True)
class Change:
    """What was added to a kernel, in whole `steps` of a `step` (out), and the new `bias` (out)."""

    steps: NDArray[np.int8]
    step: Floats
    bias: Floats

    @classmethod
    def between(cls, old: Convolution, new: Convolution) -> "Change":
        difference = new.kernel - old.kernel
        step = np.maximum(np.abs(difference).max(axis=(1, 2, 3)), 1e-9) / _STEPS
        steps = np.rint(difference / step[:, None, None, None]).astype(np.int8)
        return cls(steps, step.astype(np.float32), new.bias)

    def applied_to(self, old: Convolution) -> Convolution:
        return Convolution(old.kernel + self.steps * self.step[:, None, None, None], self.bias)


@dataclass(frozen=True)
class TunedLayers:
    """The changes by convolution, and over the last layer's mean (1280) the `weights` (k, 1280) and `bias` (k) of the
    scores of the `kinds` (k)."""

    changes: Mapping[str, Change]
    kinds: tuple[str, ...]
    weights: Floats
    bias: Floats

    def begin_at(self, block: str) -> bool:
        """Whether a layer of this block is among them."""
        return any(name.startswith(f"{block}.") for name in self.changes)

    def applied_to(self, layers: Layers) -> Layers:
        """All layers, the changed ones in their new form."""
        return {**layers, **{name: change.applied_to(layers[name]) for name, change in self.changes.items()}}


def save(path: Path, tuned: TunedLayers) -> None:
    changes = {
        f"{name}/{part}": value for name, change in tuned.changes.items() for part, value in vars(change).items()
    }
    np.savez_compressed(path, kinds=np.array(tuned.kinds), weights=tuned.weights, bias=tuned.bias, **changes)


def load(path: Path = FILE) -> TunedLayers:
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    names = {name.rpartition("/")[0] for name in arrays if "/" in name}
    changes = {
        name: Change(*(arrays[f"{name}/{part}"] for part in ("steps", "step", "bias"))) for name in sorted(names)
    }
    weights, bias = (arrays[part].astype(np.float32) for part in ("weights", "bias"))
    return TunedLayers(changes, tuple(map(str, arrays["kinds"])), weights, bias)
