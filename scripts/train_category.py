"""Trains the probe that tells kinds of garments apart, and measures it by unseen seller.

    python scripts/train_category.py DIR --tuned FILE [--cache FILE] [--out FILE] [--seed N] [--measure-only]

DIR holds photos and `manifest.csv` with the columns file, label, seller; FILE is `tune_network.py`'s `unseen.npz`,
made with the same seed. Sellers photograph all their things on the same floor, so a random split flatters: every
figure printed here is for sellers neither the probe nor the tuned layers have seen (five folds, each seller in one).
The shipped weights are then trained on all photos.

Owns the training of the probe, how much the tuned layers count beside it, and the figures. Does not own the features,
the tuned layers' training (`tune_network.py`) or the use of the weights (`backend/vision/embedded`).
"""

import argparse
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from backend.vision.embedded import category, features, model_files
from backend.vision.evaluation import metrics

COARSE = ("t-shirt", "longsleeve", "pants", "shoes", "dress", "outwear", "shirt", "skirt", "shorts", "hat")
"""The ten classes of the public data set's usual split."""
FOLDS = 5
COMPONENTS = 800
"""Principal components both classifiers are trained on; 300 to 800 differ by half a point."""
SHRINKAGE = 0.3
"""How far the discriminant's covariance is drawn to the identity, as a share of its mean variance."""
STRENGTH = 0.003
"""The logistic regression's C on components of mean variance 1."""
# The features' blocks, each as (end, share of the whole variance): the last layer's mean, the middle layer's mean, and
# the 3 by 3 grids of the middle and late layers, which are many and count for less.
BLOCKS = ((1280, 0.60), (1400, 0.06), (2480, 0.12), (4352, 0.22))

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Photos:
    """Features (n, d), labels, sellers and the share of worn things (n)."""

    parts: Floats
    labels: NDArray[np.str_]
    sellers: NDArray[np.str_]
    worn: Floats


def read_manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_photos(folder: Path, cache: Path | None) -> Photos:
    if cache is not None and cache.is_file():
        with np.load(cache) as kept:
            return Photos(kept["parts"], kept["labels"], kept["sellers"], kept["worn"])
    rows = read_manifest(folder)
    session = features.load_session(model_files.default_cache_dir(), threads=2)
    seen = []
    for row in rows:
        with Image.open(folder / row["file"]) as image:
            seen.append(features.extract(session, np.asarray(image.convert("RGB"))))
    photos = Photos(
        np.stack([s.parts for s in seen]),
        np.array([row["label"] for row in rows]),
        np.array([row["seller"] for row in rows]),
        np.array([category.garment_share(s) for s in seen], np.float32),
    )
    if cache is not None:
        np.savez(cache, **vars(photos))
    return photos


@dataclass(frozen=True)
class Linear:
    """Scores that are linear in the features as `category.Probe` standardises them: weights (k, d) and bias (k)."""

    kinds: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats

    def scores(self, parts: Floats) -> Floats:
        return _standard(parts, self.mean, self.scale) @ self.weights.T + self.bias


def _standard(parts: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.clip((parts - mean) / scale, -category.LIMIT, category.LIMIT)


def train(parts: Floats, labels: NDArray[np.str_]) -> tuple[Linear, Linear]:
    """A discriminant and a logistic regression on the same principal components, neither calibrated.

    They err differently: the first, with one covariance for all kinds, is better at rare ones, the second at common
    ones. Both are linear, so that their sum costs no more than one of them."""
    mean, scale = parts.mean(axis=0), parts.std(axis=0) + 1e-6
    standard = _standard(parts, mean, scale)
    centre, axes = _components(standard)
    points = (standard - centre) @ axes
    kinds, truth = np.unique(labels, return_inverse=True)
    model = LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-3).fit(points, truth)
    both = (_discriminant(points, truth), (model.coef_, model.intercept_))
    return tuple(  # type: ignore[return-value]
        Linear(
            tuple(str(kind) for kind in kinds),
            mean,
            scale,
            np.float32(weights @ axes.T),
            np.float32(bias - weights @ (axes.T @ centre)),
        )
        for weights, bias in both
    )


def _components(standard: Floats) -> tuple[Floats, Floats]:
    """The centre of the weighted features and the axes (d, components) of their largest variance, scaled alike."""
    importance = np.empty(standard.shape[1], np.float32)
    begin = 0
    for end, share in BLOCKS:
        importance[begin:end] = np.sqrt(share / (end - begin))
        begin = end
    centre = standard.mean(axis=0)
    weighted = (standard - centre) * importance
    # From the photos' products: there are fewer photos than features.
    variances, photos = np.linalg.eigh(weighted @ weighted.T)
    kept = np.argsort(-variances)[:COMPONENTS]
    axes = weighted.T @ (photos[:, kept] / np.sqrt(np.maximum(variances[kept], 1e-9)))
    mean_variance = variances[kept].mean() / len(standard)
    return centre, np.float32(importance[:, None] * axes / np.sqrt(mean_variance))


def _discriminant(points: Floats, truth: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Fisher's linear discriminant with a shrunk covariance: weights (k, components) and bias (k)."""
    count = np.bincount(truth)
    means = np.stack([points[truth == kind].mean(axis=0) for kind in range(len(count))])
    around = points - means[truth]
    covariance = around.T @ around / len(points)
    covariance += SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance), dtype=np.float32)
    weights = np.linalg.solve(covariance, means.T).T
    return weights, np.log(count / len(truth)) - (means * weights).sum(axis=1) / 2


def deal(
    truth: NDArray[Any], sellers: NDArray[np.str_], seed: int | None
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Seen and unseen photos, each seller unseen once; with a seed, dealt at random."""
    yield from GroupKFold(FOLDS, shuffle=seed is not None, random_state=seed).split(truth, truth, sellers)


def scores_by_unseen_seller(photos: Photos, seed: int | None) -> tuple[tuple[str, ...], list[Floats]]:
    """For each photo, the scores of both classifiers by ones that never saw its seller: twice (n, kinds)."""
    kinds = tuple(str(kind) for kind in np.unique(photos.labels))
    both = [np.full((len(photos.labels), len(kinds)), -30.0, np.float32) for _ in range(2)]
    for seen, unseen in deal(photos.labels, photos.sellers, seed):
        for scores, linear in zip(both, train(photos.parts[seen], photos.labels[seen]), strict=True):
            columns = [kinds.index(kind) for kind in linear.kinds]
            scores[np.ix_(unseen, columns)] = linear.scores(photos.parts[unseen])
    return kinds, both


def shares_of(votes: list[Floats], truth: NDArray[np.intp]) -> list[float]:
    """How much of each classifier's scores makes up the whole, so that its confidence means what it says: the least
    log loss over the unseen sellers."""

    def loss(logs: NDArray[np.float64]) -> float:
        chances = category.softmax(summed(np.exp(logs), votes))
        return float(-np.log(chances[np.arange(len(truth)), truth] + 1e-9).mean())

    return [float(share) for share in np.exp(minimize(loss, np.log([0.5] * len(votes)), method="Nelder-Mead").x)]


def summed(shares: Iterable[float], votes: list[Floats]) -> Floats:
    return np.asarray(sum(np.float32(share) * scores for share, scores in zip(shares, votes, strict=True)))


def report(name: str, kinds: tuple[str, ...], chances: Floats, labels: NDArray[np.str_]) -> None:
    truth = np.array([kinds.index(label) for label in labels])
    right, confidence = chances.argmax(axis=1) == truth, chances.max(axis=1)
    sure = metrics.coverage_at(category.THRESHOLD, confidence, right)
    precise = metrics.coverage_for(0.95, confidence, right)
    print(
        f"{name:34} n {len(labels):5}  accuracy {metrics.accuracy(right):.3f}"
        f"  top-3 {metrics.in_first(3, chances, truth):.3f}"
        f"  at {sure.threshold}: coverage {sure.coverage:.3f} precision {sure.precision or 0:.3f}"
        f"  at precision 0.95: coverage {precise.coverage:.3f} from {precise.threshold:.2f}"
        f"  ECE {metrics.calibration_error(confidence, right):.3f}"
    )


def report_all(kinds: tuple[str, ...], chances: Floats, labels: NDArray[np.str_]) -> None:
    report("17 kinds", kinds, chances, labels)
    coarse = np.isin(labels, COARSE)
    report("10 coarse, as shipped", kinds, chances[coarse], labels[coarse])
    ten = chances[coarse][:, [kinds.index(kind) for kind in COARSE]]
    report("10 coarse, told it is one of them", COARSE, ten / ten.sum(axis=1, keepdims=True), labels[coarse])
    guesses = np.array(kinds)[chances.argmax(axis=1)]
    for kind in kinds:
        mine = labels == kind
        wrong, count = np.unique(guesses[mine & (guesses != labels)], return_counts=True)
        most = ", ".join(f"{w} {c}" for c, w in sorted(zip(count, wrong, strict=True), reverse=True)[:3])
        print(f"  {kind:12} n {mine.sum():4}  recall {(guesses[mine] == kind).mean():.2f}  taken for: {most}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tuned", type=Path, required=True, help="the tuned layers' scores of unseen sellers (.npz)")
    parser.add_argument("--cache", type=Path, help="keep the features here between runs (.npz)")
    parser.add_argument("--out", type=Path, default=Path(category.__file__).with_name("category.npz"))
    parser.add_argument("--seed", type=int, help="deal the sellers to the folds at random")
    parser.add_argument("--measure-only", action="store_true", help="train nothing to keep")
    arguments = parser.parse_args()

    photos = read_photos(arguments.folder, arguments.cache)
    kinds, votes = scores_by_unseen_seller(photos, arguments.seed)
    with np.load(arguments.tuned) as tuned:
        if tuple(tuned["kinds"]) != kinds or np.isnan(tuned["scores"]).any():
            raise SystemExit(f"{arguments.tuned} is of other kinds, or not whole: run tune_network.py to its end")
        votes.append(tuned["scores"])
    truth = np.array([kinds.index(label) for label in photos.labels])
    shares = shares_of(votes, truth)
    print(f"{len(truth)} photos, {len(set(photos.sellers))} sellers, shares {', '.join(f'{s:.3f}' for s in shares)}")
    chances = category.softmax(summed(shares, votes))
    report_all(kinds, chances, photos.labels)
    seen = [category.shows_garment(w, c) for w, c in zip(photos.worn, chances, strict=True)]
    print(f"taken for garments: {np.mean(seen):.3f}")
    if arguments.measure_only:
        return

    one, other = train(photos.parts, photos.labels)
    np.savez_compressed(
        arguments.out,
        kinds=np.array(one.kinds),
        mean=one.mean.astype(np.float16),
        scale=one.scale.astype(np.float16),
        weights=(one.weights * shares[0] + other.weights * shares[1]).astype(np.float16),
        bias=(one.bias * shares[0] + other.bias * shares[1]).astype(np.float16),
        tuned=np.float32(shares[2]),
    )
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
