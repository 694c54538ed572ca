"""A reading's warnings in words, in both languages; what the seller settled is told no more."""

from typing import Any

import pytest

from backend.core.listing import Alternative, Evidence, Field, stated
from backend.core.remarks import remarks


def labelled(value: Any, guess: Any) -> Field:
    return Field(value, 0.9, (Alternative(guess, 0.8),), (Evidence("label", "p1", str(value)),))


@pytest.mark.parametrize(
    ("language", "name", "value", "guess", "says"),
    [
        ("en", "size", "M", "L", "size: the label says M, the model says L."),
        ("fr", "size", "M", "L", "taille\u00a0: l’étiquette dit M, le modèle dit L."),
        ("en", "brand", "Mango", "Zara", "brand: the label says Mango, the model says Zara."),
        (
            "fr",
            "materials",
            ["cotton"],
            ["wool", "silk"],
            "matières\u00a0: l’étiquette dit coton, le modèle dit laine, soie.",
        ),
    ],
)
def test_a_disagreement_names_both_values(language: str, name: str, value: Any, guess: Any, says: str) -> None:
    (told,) = remarks([f"{name}_disagreement"], {name: labelled(value, guess)}, language)
    assert told.startswith(says)


def test_a_disagreement_the_seller_settled_is_told_no_more() -> None:
    assert remarks(["size_disagreement"], {"size": stated("M")}, "en") == ()
    assert remarks(["size_disagreement"], {}, "en") == ()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_warning_is_told_once_and_unknown_ones_not_at_all(language: str) -> None:
    codes = ["budget_reached", "reading_failed:timeout", "budget_reached", "brand_unseen", "nonsense_disagreement"]
    told = remarks(codes, {}, language)
    assert len(told) == 2
    assert all(sentence.endswith(".") for sentence in told)
