"""Blobs are kept under what they contain, on disk and elsewhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fluxtune.storage import BlobNotFound, Blobs, content_key


@pytest.fixture(params=["disk", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return Blobs.at(tmp_path / "blobs") if request.param == "disk" else Blobs.in_memory()


def test_round_trip(blobs: Blobs) -> None:
    content = bytes(range(256)) * 10_000
    key = blobs.put_content("images", content, "webp")
    assert key == content_key("images", content, ".webp")
    assert key.startswith("images/")
    assert key == blobs.put_content("images", content, "webp")
    assert blobs.get(key) == content
    assert b"".join(blobs.stream(key)) == content
    with blobs.open(key) as file:
        file.seek(100)
        assert bytes(file.read(3)) == content[100:103]
    assert blobs.url(key) is None


@pytest.mark.parametrize("read", [Blobs.get, Blobs.open, Blobs.stream])
def test_what_is_not_there(blobs: Blobs, read: Callable[[Blobs, str], object]) -> None:
    with pytest.raises(BlobNotFound):
        read(blobs, "images/no/thing.webp")


def test_deleting(blobs: Blobs) -> None:
    key = blobs.put_content("images", b"x", "png")
    blobs.delete(key)
    blobs.delete(key)
    assert not blobs.has(key)


def test_files_on_disk(tmp_path: Path) -> None:
    on_disk = Blobs.at(tmp_path / "blobs")
    key = on_disk.put_content("images", b"x", "png")
    path = on_disk.path(key)
    assert path is not None
    assert path.read_bytes() == b"x"
    assert Blobs.in_memory().path(key) is None
