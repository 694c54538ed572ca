"""The layers trained further on clothes: their file, and the network's second end that is made of them."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from backend.vision.embedded import category, features, lite2_graph, tuned_layers
from backend.vision.embedded.tuned_layers import Change, Convolution, TunedLayers


@pytest.fixture(scope="module")
def weights() -> dict[str, NDArray[np.float32]]:
    return features.published_weights()


def test_a_change_is_kept_to_half_a_step(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    old, new = (Convolution(*(rng.normal(size=s).astype(np.float32) for s in ((4, 3, 5, 5), (4,)))) for _ in range(2))
    tuned = TunedLayers({"_blocks.20._project_conv": Change.between(old, new)}, ("hat", "shoes"), np.eye(2), np.ones(2))
    tuned_layers.save(tmp_path / "tuned.npz", tuned)

    found = tuned_layers.load(tmp_path / "tuned.npz")
    assert found.kinds == ("hat", "shoes")
    layer = found.applied_to({"_blocks.20._project_conv": old, "_conv_stem": old})["_blocks.20._project_conv"]
    step = np.abs(new.kernel - old.kernel).max(axis=(1, 2, 3), keepdims=True) / 127
    assert (np.abs(layer.kernel - new.kernel) <= step * 0.51).all()
    np.testing.assert_array_equal(layer.bias, new.bias)
    assert found.applied_to({"_blocks.20._project_conv": old, "_conv_stem": old})["_conv_stem"] is old


def test_the_second_end_is_the_first_where_nothing_was_changed(weights: dict[str, NDArray[np.float32]]) -> None:
    kinds = tuple(str(number) for number in range(1000))
    plain = TunedLayers({}, kinds, weights["_fc.weight"], weights["_fc.bias"])
    head = lite2_graph.fold(weights)[lite2_graph.HEAD]
    same = Change.between(head, head)
    for tuned in (plain, TunedLayers({lite2_graph.HEAD: same}, kinds, plain.weights, plain.bias)):
        session = onnxruntime.InferenceSession(lite2_graph.convert(weights, tuned, features.SIDE))
        photo = np.random.default_rng(2).integers(0, 255, (1, features.SIDE, features.SIDE, 3), np.uint8)
        logits, scores = session.run(["logits", "kinds"], {"photo": features.as_input(photo)})
        np.testing.assert_allclose(scores, logits, atol=1e-3)


def test_a_change_shows_at_the_second_end_alone(weights: dict[str, NDArray[np.float32]]) -> None:
    kinds = tuple(str(number) for number in range(1000))
    name = "_blocks.20._project_conv"
    old = lite2_graph.fold(weights)[name]
    change = Change.between(old, Convolution(old.kernel * 0.5, old.bias))
    tuned = TunedLayers({name: change}, kinds, weights["_fc.weight"], weights["_fc.bias"])
    session = onnxruntime.InferenceSession(lite2_graph.convert(weights, tuned, features.SIDE))
    plain = TunedLayers({}, kinds, tuned.weights, tuned.bias)
    before = onnxruntime.InferenceSession(lite2_graph.convert(weights, plain, features.SIDE))
    photo = np.random.default_rng(2).integers(0, 255, (1, features.SIDE, features.SIDE, 3), np.uint8)
    looks = {"photo": features.as_input(photo)}
    (logits, scores), (as_published,) = session.run(["logits", "kinds"], looks), before.run(["logits"], looks)
    np.testing.assert_allclose(logits, as_published, atol=1e-3)
    assert np.abs(scores - logits).max() > 0.1


def test_what_the_second_end_says_counts_in_the_chances() -> None:
    probe = category.load_probe()
    nothing = np.zeros(len(probe.kinds), np.float32)
    hat = nothing.copy()
    hat[probe.kinds.index("hat")] = 5
    said, unsaid = (
        probe.probabilities(features.Features(np.zeros(1280), probe.mean, np.zeros(1000), kinds))
        for kinds in (hat, nothing)
    )
    at, other = probe.kinds.index("hat"), probe.kinds.index("shoes")
    raised = (said[at] / said[other]) / (unsaid[at] / unsaid[other])
    assert raised == pytest.approx(np.exp(5 * probe.tuned), rel=1e-3)


def test_the_shipped_layers_are_of_the_probes_kinds_and_count(weights: dict[str, NDArray[np.float32]]) -> None:
    tuned, probe = tuned_layers.load(), category.load_probe()
    assert tuned.kinds == probe.kinds
    assert float(probe.tuned) > 0
    layers = lite2_graph.fold(weights)
    assert all(change.steps.shape == layers[name].kernel.shape for name, change in tuned.changes.items())
    blocks = [block.name for block in lite2_graph.blocks()]
    begin = next(number for number, name in enumerate(blocks) if tuned.begin_at(name))
    assert all(tuned.begin_at(name) for name in blocks[begin:])
