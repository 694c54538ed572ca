"""Trains the probe that tells kinds of garments apart, and measures it by unseen seller.

    python scripts/train_category.py DIR [--cache FILE] [--out FILE]

DIR holds photos and `manifest.csv` with the columns file, label, seller. Sellers photograph all their things on
the same floor, so a random split flatters: every figure printed here is for sellers the probe has not seen
(five folds, each seller in one). The shipped weights are then trained on all photos.

Owns the training and its figures. Does not own the features or the use of the weights (`backend/vision/embedded`).
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from backend.vision.embedded import category, features, model_files

COARSE = ("t-shirt", "longsleeve", "pants", "shoes", "dress", "outwear", "shirt", "skirt", "shorts", "hat")
"""The ten classes of the public data set's usual split."""
FOLDS = 5
STRENGTH = 0.003
"""The logistic regression's C; 0.003 to 0.02 differ by less than a point."""
GRID_WEIGHT = 0.5
"""The grid's 2952 features count half, lest they drown the 1400 of the whole photo."""
WHOLE = 1400

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Photos:
    """Features (n, d), labels, sellers and the share of worn things (n)."""

    parts: Floats
    labels: NDArray[np.str_]
    sellers: NDArray[np.str_]
    worn: Floats


def read_photos(folder: Path, cache: Path | None) -> Photos:
    if cache is not None and cache.is_file():
        with np.load(cache) as kept:
            return Photos(kept["parts"], kept["labels"], kept["sellers"], kept["worn"])
    rows = list(csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")))
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


def train(parts: Floats, labels: NDArray[np.str_]) -> category.Probe:
    """A probe for these photos, not calibrated yet."""
    mean = parts.mean(axis=0)
    scale = parts.std(axis=0) + 1e-6
    standard = np.clip((parts - mean) / scale, -category.LIMIT, category.LIMIT)
    importance = np.ones(parts.shape[1], np.float32)
    importance[WHOLE:] = GRID_WEIGHT
    model = LogisticRegression(C=STRENGTH, max_iter=400).fit(standard * importance, labels)
    kinds = tuple(str(kind) for kind in model.classes_)
    return category.Probe(kinds, mean, scale, np.float32(model.coef_ * importance), np.float32(model.intercept_))


def scores_by_unseen_seller(photos: Photos) -> tuple[tuple[str, ...], Floats]:
    """For each photo, the scores of a probe that never saw its seller: (n, kinds)."""
    kinds = tuple(str(kind) for kind in np.unique(photos.labels))
    scores = np.full((len(photos.labels), len(kinds)), -30.0, np.float32)
    for seen, unseen in GroupKFold(FOLDS).split(photos.parts, photos.labels, photos.sellers):
        probe = train(photos.parts[seen], photos.labels[seen])
        columns = [kinds.index(kind) for kind in probe.kinds]
        standard = np.clip((photos.parts[unseen] - probe.mean) / probe.scale, -category.LIMIT, category.LIMIT)
        scores[np.ix_(unseen, columns)] = standard @ probe.weights.T + probe.bias
    return kinds, scores


def temperature(scores: Floats, truth: NDArray[np.intp]) -> float:
    """The factor that makes confidence mean what it says: least log loss over the unseen sellers."""

    def loss(factor: float) -> float:
        chances = category.softmax(scores * np.float32(factor))
        return float(-np.log(chances[np.arange(len(truth)), truth] + 1e-9).mean())

    return float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x)


def calibration_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """ECE: mean gap between confidence and accuracy over ten equal ranges, weighted by photos."""
    ranges = np.minimum((confidence * 10).astype(int), 9)
    gaps = [abs(confidence[ranges == r].mean() - right[ranges == r].mean()) * (ranges == r).mean() for r in set(ranges)]
    return float(sum(gaps))


def report(name: str, kinds: tuple[str, ...], chances: Floats, labels: NDArray[np.str_]) -> None:
    named = np.array(kinds)
    right = named[chances.argmax(axis=1)] == labels
    third = np.sort(chances, axis=1)[:, -3]
    in_three = np.array([chances[i, kinds.index(label)] >= third[i] for i, label in enumerate(labels)])
    confidence = chances.max(axis=1)
    sure = confidence >= category.THRESHOLD
    order = np.argsort(-confidence)
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    most = np.flatnonzero(precision >= 0.95)
    print(
        f"{name:34} n {len(labels):5}  accuracy {right.mean():.3f}  top-3 {in_three.mean():.3f}"
        f"  at {category.THRESHOLD}: coverage {sure.mean():.3f} precision {right[sure].mean():.3f}"
        f"  at precision 0.95: coverage {(most[-1] + 1) / len(order) if most.size else 0:.3f}"
        f" from {confidence[order[most[-1]]] if most.size else 1:.2f}"
        f"  ECE {calibration_error(confidence, right):.3f}"
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
    parser.add_argument("--cache", type=Path, help="keep the features here between runs (.npz)")
    parser.add_argument("--out", type=Path, default=Path(category.__file__).with_name("category.npz"))
    arguments = parser.parse_args()

    photos = read_photos(arguments.folder, arguments.cache)
    kinds, scores = scores_by_unseen_seller(photos)
    truth = np.array([kinds.index(label) for label in photos.labels])
    factor = temperature(scores, truth)
    print(f"{len(truth)} photos, {len(set(photos.sellers))} sellers, temperature factor {factor:.2f}")
    chances = category.softmax(scores * np.float32(factor))
    report_all(kinds, chances, photos.labels)
    seen = [category.shows_garment(w, c) for w, c in zip(photos.worn, chances, strict=True)]
    print(f"taken for garments: {np.mean(seen):.3f}")

    probe = train(photos.parts, photos.labels)
    np.savez_compressed(
        arguments.out,
        kinds=np.array(probe.kinds),
        mean=probe.mean.astype(np.float16),
        scale=probe.scale.astype(np.float16),
        weights=(probe.weights * factor).astype(np.float16),
        bias=(probe.bias * factor).astype(np.float16),
    )
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
