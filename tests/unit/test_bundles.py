"""Bundles on disk: whole, few, small enough, gone in time, and found by no trick with names."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.core import bundles

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
MONTH = timedelta(days=30)


def test_a_bundle_is_whole_private_and_newest_first(tmp_path: Path) -> None:
    bundles.write(tmp_path, "timeout", {"error.txt": b"slow", "page.html": b""}, at=DAY)
    bundles.write(tmp_path, "Challenge/../x", {"error.txt": b"?"}, at=DAY + timedelta(seconds=1))
    newest, older = bundles.bundles_in(tmp_path)
    assert newest.code == "challenge____x" and newest.at == DAY + timedelta(seconds=1)
    assert older.files == {"error.txt": 4} and older.name == "20261101T120000000000-timeout"
    assert older.folder.stat().st_mode & 0o777 == 0o700
    assert (older.folder / "error.txt").stat().st_mode & 0o777 == 0o600


def test_a_write_that_breaks_off_leaves_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        bundles.write(tmp_path, "timeout", {"error.txt": b"a", "no/such.txt": b"b"})
    assert bundles.bundles_in(tmp_path) == [] and list(tmp_path.iterdir()) == []


def test_there_are_only_so_many_and_they_are_only_so_big(tmp_path: Path) -> None:
    for n in range(bundles.KEPT + 3):
        bundles.write(tmp_path, "timeout", {"error.txt": b"x"}, at=DAY + timedelta(minutes=n))
    found = bundles.bundles_in(tmp_path)
    assert len(found) == bundles.KEPT and found[0].at == DAY + timedelta(minutes=bundles.KEPT + 2)
    bundles.write(
        tmp_path / "big", "x", {"error.txt": b"e\n", "trace.zip": bytes(bundles.BUNDLE_LIMIT), "page.jpg": b"j"}
    )
    (big,) = bundles.bundles_in(tmp_path / "big")
    assert set(big.files) == {"error.txt", "page.jpg"}
    assert (big.folder / "error.txt").read_text() == "e\nToo big to keep: trace.zip\n"


def test_what_is_old_or_too_much_goes_and_the_rest_stays(tmp_path: Path) -> None:
    for n, days in enumerate((40, 20, 10, 1)):
        bundles.write(tmp_path / f"p{n}", "x", {"error.txt": bytes(100)}, at=DAY - timedelta(days=days))
    (tmp_path / "p3" / ".20261101T120000000000-x-dead").mkdir()
    assert bundles.prune(tmp_path, MONTH, now=DAY) == 1
    assert not (tmp_path / "p0").exists() and len(bundles.bundles_in(tmp_path / "p1")) == 1
    assert bundles.prune(tmp_path, MONTH, limit=200, now=DAY) == 1
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["p2", "p3"]
    assert bundles.prune(tmp_path, MONTH, now=datetime.now(UTC) + timedelta(hours=2)) >= 0
    assert not list((tmp_path / "p3").glob(".*")) if (tmp_path / "p3").exists() else True
    assert bundles.prune(tmp_path / "nowhere", MONTH) == 0


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    bundle = bundles.write(tmp_path / "mine", "x", {"error.txt": b"mine"})
    other = bundles.write(tmp_path / "other", "x", {"error.txt": b"other"})
    (tmp_path / "mine" / "secret.key").write_text("k")
    (bundle / "link.txt").symlink_to(other / "error.txt")
    (tmp_path / "mine" / "20261101T120000000001-x").symlink_to(other)
    found = bundles.find_file(tmp_path / "mine", bundle.name, "error.txt")
    assert found is not None and found.read_text() == "mine"
    for name, file in (
        (f"../other/{other.name}", "error.txt"), ("..", "secret.key"), (bundle.name, "../secret.key"),
        (bundle.name, "link.txt"), ("20261101T120000000001-x", "error.txt"), ("", "secret.key"),
        (bundle.name, str(other / "error.txt")),
    ):  # fmt: skip
        assert bundles.find_file(tmp_path / "mine", name, file) is None, (name, file)
