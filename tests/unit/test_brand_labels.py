"""Whole labels in the manner of large makers (`brand_labels.txt`): the brand each names, or that it names none."""

from pathlib import Path

import pytest

from backend.vision.embedded.brands import find_brands
from backend.vision.embedded.text_line import TextLine

_LABELS = [
    line.split(" -> ")
    for line in (Path(__file__).parent / "brand_labels.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("said", "truth"), _LABELS)
def test_a_label_names_its_brand_and_no_other(said: str, truth: str) -> None:
    lines = [TextLine(text, 1.0, (0.1, 0.1 * i, 0.9, 0.1 * i + 0.05), 0.05) for i, text in enumerate(said.split("|"))]
    assert [hit.name for hit in find_brands(lines, on_label=True)] == ([] if truth == "-" else [truth])


def test_there_are_enough_labels_to_tell() -> None:
    assert len(_LABELS) >= 80
