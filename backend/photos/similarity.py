"""Perceptual hashes: whether two pictures are copies of one another.

Owns the hash and the near-duplicate rule. Does not own exact duplicates (the sha256 of the original bytes
says that) and says nothing about garments: two photos of one garment are not near-duplicates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, KEPT = 32, 8
NEAR_DUPLICATE = 4
"""Bits that may differ between copies. Measured on 3,454 real garment photos of 400 px: of 5,963,331 pairs 4 fall
within it (one of them the same file twice, three the same seller's near-identical shots); of 300 photos, all
copies recompressed at quality 15 to 40 or enlarged are found, 99.3 % of those halved, 96 % of those brightened."""


@dataclass(frozen=True)
class NearDuplicate:
    """`photo` looks like a copy of `original`, which came earlier; `distance` counts the differing bits."""

    photo: str
    original: str
    distance: int


@cache
def _cosines() -> NDArray[np.float32]:
    """The lowest rows of the DCT-II, unscaled, shape (KEPT, SIDE)."""
    k, n = np.ogrid[:KEPT, :SIDE]
    waves: NDArray[np.float32] = np.cos(np.pi * k * (2 * n + 1) / (2 * SIDE)).astype(np.float32)
    return waves


def phash(image: Image.Image) -> int:
    """63 bits, one per low frequency but the mean: is it above the median? Fits a signed 64-bit column."""
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
    low = (_cosines() @ grey @ _cosines().T).ravel()[1:]
    return int("".join("1" if bit else "0" for bit in low > np.median(low)), 2)


def find_near_duplicates(hashes: Mapping[str, int]) -> Iterator[NearDuplicate]:
    """Each photo that looks like an earlier one, with the closest such original; the mapping's order is kept.

    Memory grows with the number of photos, not with its square."""
    ids = list(hashes)
    values = np.fromiter(hashes.values(), dtype=np.int64, count=len(ids))
    for at in range(1, len(ids)):
        distances = np.bitwise_count(values[:at] ^ values[at])
        closest = int(distances.argmin())
        if distances[closest] <= NEAR_DUPLICATE:
            yield NearDuplicate(ids[at], ids[closest], int(distances[closest]))
