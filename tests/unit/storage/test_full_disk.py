"""A full disk is told as such, whatever library notices it."""

import errno

import obstore
import pytest
from obstore.exceptions import GenericError

from fluxtune.db import is_disk_full
from fluxtune.storage import Blobs


@pytest.mark.parametrize(("number", "is_full"), [(28, True), (122, True), (13, False)])
def test_blobs(number: int, is_full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        # As the library words it: seen on a file system of 64 kB.
        raise GenericError(
            f"Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error {number})"
        )

    monkeypatch.setattr(obstore, "put", fail)
    with pytest.raises((OSError, GenericError)) as caught:
        Blobs.in_memory().put("a", b"b")
    assert is_disk_full(caught.value) == is_full
    if is_full:
        assert isinstance(caught.value, OSError)
        assert caught.value.errno == errno.ENOSPC
