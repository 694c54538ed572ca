"""Photos on disk: by content, whole or not at all, and clear about what is in the way."""

import hashlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.core.errors import BadRequest, SetupError
from backend.photos.store import KEY, LocalStore, PhotoStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "photos")


def files_below(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def test_a_photo_is_kept_under_the_name_of_its_content(store: LocalStore) -> None:
    kept: PhotoStore = store
    key = kept.put(b"a photo", ".jpg")
    digest = hashlib.sha256(b"a photo").hexdigest()
    assert key == f"{digest[:2]}/{digest[2:]}.jpg"
    assert kept.exists(key)
    assert kept.path(key).read_bytes() == b"a photo"


def test_the_same_content_is_kept_once(store: LocalStore) -> None:
    key = store.put(b"a photo", ".jpg")
    before = store.path(key).stat().st_mtime_ns
    assert store.put(b"a photo", ".jpg") == key
    assert store.path(key).stat().st_mtime_ns == before
    assert [store.size(key), len(list(store.root.glob("*/*")))] == [7, 1]


def test_deleting_twice_is_fine(store: LocalStore) -> None:
    key = store.put(b"a photo", ".jpg")
    store.delete(key)
    store.delete(key)
    assert not store.exists(key)
    assert store.size(key) == 0


@pytest.mark.parametrize("key", ["../../etc/passwd", "ab/../../x", "/etc/passwd", "ab/short.jpg", "", "ab/" + "0" * 62])
def test_only_a_photos_key_is_a_key(store: LocalStore, key: str) -> None:
    for ask in (store.path, store.exists, store.delete):
        with pytest.raises(BadRequest):
            ask(key)


@pytest.mark.parametrize("suffix", ["jpg", "/../x", ".JPG", "", ".j/pg"])
def test_only_a_plain_ending_is_an_ending(store: LocalStore, suffix: str) -> None:
    with pytest.raises(BadRequest):
        store.put(b"a photo", suffix)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB; mounting one needs rights that a test run may lack."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_half_written(small_disk: Path) -> None:
    store = LocalStore(small_disk / "photos")
    key = store.put(b"x" * 20_000, ".jpg")
    with pytest.raises(SetupError, match=r"disk is full.*photos.*Free some space"):
        store.put(b"y" * 60_000, ".jpg")
    assert files_below(small_disk) == [store.path(key)]


def test_a_read_only_folder_is_named_with_its_fix(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(SetupError, match=r"disk.*Read-only.*writable"):
        LocalStore(small_disk).put(b"a photo", ".jpg")


def test_a_file_size_limit_counts_as_full_and_leaves_nothing(store: LocalStore) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(SetupError, match="disk is full"):
            store.put(b"x" * 10_000, ".jpg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files_below(store.root) == []


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "photos").write_text("in the way")
    with pytest.raises(SetupError, match="photos"):
        LocalStore(tmp_path / "photos").put(b"a photo", ".jpg")


def test_a_write_cut_off_by_a_kill_is_no_photo(store: LocalStore) -> None:
    """What a killed process leaves behind has no photo's name."""
    key = store.put(b"a photo", ".jpg")
    (store.path(key).parent / ".partial-k1ll").write_bytes(b"a ph")
    names = [f"{key[:2]}/{path.name}" for path in store.path(key).parent.iterdir()]
    assert [name for name in names if KEY.fullmatch(name)] == [key]
    store.delete(key)
    assert not store.exists(key)
