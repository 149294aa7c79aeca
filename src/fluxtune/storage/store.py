"""Put, get, open, delete, url. The only module that knows obstore."""

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import HTTPStore, LocalStore, MemoryStore, ObjectStore, from_url
from starlette.requests import HTTPConnection

from fluxtune.core.errors import NotFound

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12 on

_CHUNK_BYTES = 1024 * 1024


class BlobNotFound(NotFound):
    """No blob is stored under the key."""

    title = "The file is gone"
    action = "Upload it again."


class StoredBlob(NamedTuple):
    """A blob without its bytes."""

    key: str
    byte_count: int
    written_at: datetime


def content_key(folder: str, content: bytes, suffix: str) -> str:
    """Return the key of some bytes, as `images/ab/abcdef….webp`: the same bytes always get the same key."""
    digest = hashlib.sha256(content).hexdigest()
    return f"{folder}/{digest[:2]}/{digest}.{suffix.lstrip('.')}"


class _Reader(io.RawIOBase):
    """A blob as Python's file protocol wants it; obstore's own reader has only half of it."""

    def __init__(self, reader: "obstore.ReadableFile") -> None:
        super().__init__()
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        target = memoryview(buffer).cast("B")
        content = bytes(self._reader.read(len(target)))
        target[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()


class Blobs:
    """A folder or object store that keeps blobs."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def at(cls, folder: Path, url: str | None = None) -> "Blobs":
        """Open the object store at `url`, or the folder when there is none."""
        if url:
            return cls(from_url(url))
        folder.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(prefix=folder))

    @classmethod
    def in_memory(cls) -> "Blobs":
        """Return a store that forgets everything at the end, for tests."""
        return cls(MemoryStore())

    def put(self, key: str, content: bytes) -> None:
        """Store bytes under a key, atomically. Raises `OSError` with ENOSPC when the disk is full."""
        try:
            obstore.put(self._store, key, content)
        except BaseError as error:
            # Its errors carry the system's number in their text only.
            if any(f"os error {code}" in str(error) for code in (errno.ENOSPC, errno.EDQUOT)):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), key) from error
            raise

    def put_content(self, folder: str, content: bytes, suffix: str) -> str:
        """Store bytes under the key made from them and return it; bytes stored before are not written again."""
        key = content_key(folder, content, suffix)
        if not self.has(key):
            self.put(key, content)
        return key

    def has(self, key: str) -> bool:
        """Return whether something is stored under the key."""
        try:
            obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return False
        return True

    def get(self, key: str) -> bytes:
        """Return all bytes of a blob."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobNotFound(f"Nothing is stored under {key}.") from error

    def open(self, key: str) -> BinaryIO:
        """Return a blob as a seekable binary file."""
        try:
            return io.BufferedReader(_Reader(obstore.open_reader(self._store, key)), _CHUNK_BYTES)
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobNotFound(f"Nothing is stored under {key}.") from error

    def stream(self, key: str) -> Iterator[bytes]:
        """Return a blob in chunks, for answers to requests."""
        try:
            result = obstore.get(self._store, key)
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobNotFound(f"Nothing is stored under {key}.") from error
        return (bytes(chunk) for chunk in result.stream(min_chunk_size=_CHUNK_BYTES))

    def delete(self, key: str) -> None:
        """Remove a blob; removing what is not there is fine."""
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return

    def written_at(self, key: str) -> datetime | None:
        """Return when a blob was written last, None if it is not there."""
        try:
            return obstore.head(self._store, key)["last_modified"]
        except (NotFoundError, FileNotFoundError):
            return None

    def list_(self) -> Iterator[StoredBlob]:
        """Return what is stored, in no order; what is put or deleted meanwhile may be missing or not."""
        for chunk in obstore.list(self._store, chunk_size=1000):
            for meta in chunk:
                yield StoredBlob(meta["path"], meta["size"], meta["last_modified"])

    def path(self, key: str) -> Path | None:
        """Return the blob's file when blobs are files on this computer, else None."""
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            return Path(self._store.prefix) / key
        return None

    def url(self, key: str, expires_in: timedelta = timedelta(hours=1)) -> str | None:
        """Return an address to fetch the blob from directly, or None where only our own routes can serve it."""
        if isinstance(self._store, LocalStore | MemoryStore | HTTPStore):
            return None
        return str(obstore.sign(self._store, "GET", key, expires_in))


async def get_blobs(connection: HTTPConnection) -> Blobs:
    """Return the studio's blobs, as a FastAPI dependency."""
    blobs: Blobs = connection.app.state.blobs
    return blobs
