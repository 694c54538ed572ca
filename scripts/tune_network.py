"""Trains the network's last layers further, on photos of clothes.

    python scripts/tune_network.py DIR --work FOLDER [--out FILE] [--seed N] [--measure-only]

DIR is as for `train_category.py`. FOLDER keeps what is between, so that a run that was stopped goes on: the maps the
trained layers begin with (1.4 GB for 3,454 photos), and `unseen.npz`, each photo's scores by layers that never saw its
seller. From those `train_category.py DIR --tuned FOLDER/unseen.npz` tells how much the scores count.

Needs PyTorch beside the locked dependencies (`pip install torch`), here alone. On two cores the maps take twenty
minutes and each of the six trainings some.

Owns this training. Does not own the architecture (`backend/vision/embedded/lite2_graph.py`) or the file's format
(`tuned_layers.py`).
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional
from train_category import deal, read_manifest

from backend.vision.embedded import features, lite2_graph, tuned_layers
from backend.vision.embedded.tuned_layers import Change, Convolution, Layers, TunedLayers

TRAINED = 6
"""Blocks that are trained, the last ones, with the head behind them."""
VIEWS = 6
"""How often each photo is looked at: in the reader's three ways, and cut, turned and lit at random."""
EPOCHS, BATCH = 8, 64
RATE, CLASSES_RATE, DECAY = 2e-4, 2e-3, 2e-2
WARM = 0.2
"""Share of the training over which the rates rise."""
MIXED, SMOOTHED, DROPPED = 0.2, 0.05, 0.3
"""Mixup's parameter (Zhang and others 2018), label smoothing, dropout before the classes."""

Pixels = NDArray[np.uint8]
Tensors = dict[str, tuple[Any, Any]]
"""Kernel and bias of each convolution; `classes` are the weights and bias of the kinds' scores."""

BLOCKS = tuple(lite2_graph.blocks())
FROZEN, FREE = BLOCKS[:-TRAINED], BLOCKS[-TRAINED:]


def convolve(layers: Tensors, name: str, x: Any, stride: int = 1) -> Any:
    """A convolution padded as ONNX's SAME_UPPER does."""
    kernel, bias = layers[name]
    size, side = kernel.shape[2], x.shape[2]
    padding = max((-(-side // stride) - 1) * stride + size - side, 0)
    before, after = padding // 2, padding - padding // 2
    groups = kernel.shape[0] if name.endswith(lite2_graph.DEPTHWISE) else 1
    return functional.conv2d(functional.pad(x, (before, after, before, after)), kernel, bias, stride, groups=groups)


def through(layers: Tensors, blocks: Iterable[lite2_graph.Block], x: Any) -> Any:
    for block in blocks:
        y = x
        if f"{block.name}.{lite2_graph.EXPAND}" in layers:
            y = functional.relu6(convolve(layers, f"{block.name}.{lite2_graph.EXPAND}", y))
        y = functional.relu6(convolve(layers, f"{block.name}.{lite2_graph.DEPTHWISE}", y, block.stride))
        y = convolve(layers, f"{block.name}.{lite2_graph.PROJECT}", y)
        x = y + x if block.residual else y
    return x


def scores(layers: Tensors, maps: Any, *, dropped: float = 0.0) -> Any:
    mean = functional.relu6(convolve(layers, lite2_graph.HEAD, through(layers, FREE, maps))).mean((2, 3))
    return functional.linear(functional.dropout(mean, dropped), *layers["classes"])


def as_tensors(layers: Layers) -> Tensors:
    return {name: (torch.from_numpy(layer.kernel), torch.from_numpy(layer.bias)) for name, layer in layers.items()}


def looks(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """`VIEWS` views (VIEWS, side, side, 3) of a photo; the first three are the reader's."""
    return np.stack([*features.views(rgb), *(_at_random(rgb, rng) for _ in range(VIEWS - 3))])


def _at_random(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """A cut of 45 % or more of the photo, mirrored or not, turned by up to 12 degrees, in another light."""
    height, width = rgb.shape[:2]
    area, stretch = rng.uniform(0.45, 1), np.exp(rng.uniform(-0.3, 0.3))
    rows, columns = (int(min(n, n * np.sqrt(area * f))) for n, f in ((height, stretch), (width, 1 / stretch)))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    cut = np.ascontiguousarray(rgb[top : top + rows, left : left + columns][:, :: rng.choice((-1, 1))])
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), rng.uniform(-12, 12), 1)
    cut = cv2.warpAffine(cut, turn, (columns, rows), borderMode=cv2.BORDER_REFLECT)
    lit = (cut.astype(np.float32) - 127) * rng.uniform(0.75, 1.3) + 127 + rng.uniform(-25, 25)
    lit = np.clip(lit * rng.uniform(0.92, 1.08, 3), 0, 255).astype(np.uint8)
    return features.framed(lit) if rng.random() < 0.3 else features.squeezed(lit)


def read_maps(folder: Path, files: list[str], layers: Tensors, work: Path) -> NDArray[np.float16]:
    """What the trained layers begin with: (photos, VIEWS, channels, height, width), kept in `work`."""
    kept, done = work / "maps.npy", work / "maps.done"
    frozen = _frozen(layers, np.zeros((1, features.SIDE, features.SIDE, 3), np.uint8))
    shape = (len(files), VIEWS, *frozen.shape[1:])
    begin = int(done.read_text()) if done.is_file() else 0
    maps = np.lib.format.open_memmap(kept, "r+" if begin else "w+", np.float16, shape)
    for number in range(begin, len(files)):
        with Image.open(folder / files[number]) as image:
            rgb = np.asarray(image.convert("RGB"))
        maps[number] = _frozen(layers, looks(rgb, np.random.default_rng(number)))
        if number % 100 == 99:
            done.write_text(str(number + 1))
            print(f"maps: {number + 1} of {len(files)}", flush=True)
    done.write_text(str(len(files)))
    return maps


def _frozen(layers: Tensors, views: Pixels) -> NDArray[np.float32]:
    with torch.inference_mode():
        x = torch.from_numpy(features.as_input(views))
        x = functional.relu6(convolve(layers, lite2_graph.STEM, x, stride=2))
        return np.asarray(through(layers, FROZEN, x))


@dataclass(frozen=True)
class Examples:
    """Maps as `read_maps` has them, and the number of each photo's kind (n)."""

    maps: NDArray[np.float16]
    truth: NDArray[np.intp]
    kinds: tuple[str, ...]

    def views(self, photos: NDArray[np.intp], view: NDArray[np.intp] | int) -> Any:
        return _laid_out(torch.from_numpy(self.maps[photos, view].astype(np.float32)))


def _laid_out(values: Any) -> Any:
    """Channels last in memory: half the time on a processor."""
    return values.contiguous(memory_format=torch.channels_last)


def train(examples: Examples, seen: NDArray[np.intp], layers: Tensors) -> Tensors:
    """The trained layers and the classes: the mean over the steps, each older one counting less."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    width = layers[lite2_graph.HEAD][0].shape[0]
    begin = {name: layer for name, layer in layers.items() if _is_free(name)}
    begin["classes"] = (torch.zeros(len(examples.kinds), width), torch.zeros(len(examples.kinds)))
    free = {
        name: (_laid_out(kernel.clone()) if kernel.ndim == 4 else kernel, bias.clone())
        for name, (kernel, bias) in begin.items()
    }
    parts = [part.requires_grad_() for layer in free.values() for part in layer]
    groups = [{"params": parts[:-2]}, {"params": parts[-2:]}]
    steps = EPOCHS * (len(seen) // BATCH)
    optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE, CLASSES_RATE], total_steps=steps, pct_start=WARM)
    means = [part.detach().clone() for part in parts]
    for step, photos in enumerate(_batches(seen, rng), start=1):
        loss = _loss(free, examples, photos, rng)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts, 5.0)
        optimizer.step()
        rates.step()
        kept = min(0.99, step / (step + 20))
        for mean, part in zip(means, parts, strict=True):
            mean.mul_(kept).add_(part.detach(), alpha=1 - kept)
        if step % 20 == 0:
            print(f"  step {step} of {steps}: loss {float(loss.detach()):.2f}", flush=True)
    return dict(zip(free, zip(means[::2], means[1::2], strict=True), strict=True))


def _is_free(name: str) -> bool:
    return name == lite2_graph.HEAD or any(name.startswith(f"{block.name}.") for block in FREE)


def _batches(seen: NDArray[np.intp], rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    for _ in range(EPOCHS):
        order = rng.permutation(seen)
        yield from (order[begin : begin + BATCH] for begin in range(0, len(order) - BATCH + 1, BATCH))


def _loss(layers: Tensors, examples: Examples, photos: NDArray[np.intp], rng: np.random.Generator) -> Any:
    """Cross entropy of pairs of photos, mixed, against their smoothed kinds."""
    x = examples.views(photos, rng.integers(0, VIEWS, len(photos)))
    mirrored = torch.from_numpy(rng.random(len(photos)) < 0.5)
    x[mirrored] = x[mirrored].flip(3)
    wanted = functional.one_hot(torch.from_numpy(examples.truth[photos]), len(examples.kinds)).float()
    share, other = float(rng.beta(MIXED, MIXED)), torch.randperm(len(photos))
    x, wanted = (share * part + (1 - share) * part[other] for part in (x, wanted))
    wanted = wanted * (1 - SMOOTHED) + SMOOTHED / len(examples.kinds)
    return functional.cross_entropy(scores(layers, x, dropped=DROPPED), wanted)


def judge(layers: Tensors, examples: Examples, unseen: NDArray[np.intp]) -> NDArray[np.float32]:
    """Scores (photos, kinds) as the reader has them: the mean over its three views."""
    with torch.inference_mode():
        return np.concatenate(
            [
                np.mean([np.asarray(scores(layers, examples.views(some, view))) for view in range(3)], axis=0)
                for some in np.array_split(unseen, max(1, len(unseen) // BATCH))
            ]
        )


def score_unseen(examples: Examples, sellers: NDArray[np.str_], layers: Tensors, work: Path, seed: int | None) -> None:
    """Keeps in `work/unseen.npz` each photo's scores by layers that never saw its seller, fold by fold."""
    kept = work / "unseen.npz"
    found = np.full((len(examples.truth), len(examples.kinds)), np.nan, np.float32)
    if kept.is_file():
        with np.load(kept) as stored:
            found = stored["scores"]
    for number, (seen, unseen) in enumerate(deal(examples.truth, sellers, seed), start=1):
        if np.isnan(found[unseen]).any():
            print(f"fold {number}", flush=True)
            found[unseen] = judge(train(examples, seen, layers), examples, unseen)
            np.savez(kept, scores=found, kinds=np.array(examples.kinds))
        print(f"fold {number}: {(found[unseen].argmax(1) == examples.truth[unseen]).mean():.3f} right", flush=True)


def keep(trained: Tensors, layers: Tensors, kinds: tuple[str, ...], out: Path) -> None:
    old, new = ({n: Convolution(*map(np.asarray, layer)) for n, layer in some.items()} for some in (layers, trained))
    weights, bias = vars(new.pop("classes")).values()
    changes = {name: Change.between(old[name], layer) for name, layer in new.items()}
    tuned_layers.save(out, TunedLayers(changes, kinds, weights.astype(np.float16), bias))
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="a folder for what is between")
    parser.add_argument("--out", type=Path, default=tuned_layers.FILE)
    parser.add_argument("--seed", type=int, help="deal the sellers to the folds at random")
    parser.add_argument("--measure-only", action="store_true", help="train nothing to keep")
    arguments = parser.parse_args()

    arguments.work.mkdir(parents=True, exist_ok=True)
    rows = read_manifest(arguments.folder)
    kinds, truth = np.unique([row["label"] for row in rows], return_inverse=True)
    layers = as_tensors(lite2_graph.fold(features.published_weights()))
    maps = read_maps(arguments.folder, [row["file"] for row in rows], layers, arguments.work)
    examples = Examples(maps, truth, tuple(map(str, kinds)))
    score_unseen(examples, np.array([row["seller"] for row in rows]), layers, arguments.work, arguments.seed)
    if not arguments.measure_only:
        keep(train(examples, np.arange(len(truth)), layers), layers, examples.kinds, arguments.out)


if __name__ == "__main__":
    main()
