"""Blobs: bytes under a content-addressed key, on disk or in an object store. And locks on files, and processes."""

from fluxtune.storage.locks import FileLock, holder_of, is_any_locked, is_locked, slot_file, take_slot, words_of
from fluxtune.storage.processes import start_mark
from fluxtune.storage.store import BlobNotFound, Blobs, StoredBlob, content_key, get_blobs

__all__ = [
    "BlobNotFound",
    "Blobs",
    "FileLock",
    "StoredBlob",
    "content_key",
    "get_blobs",
    "holder_of",
    "is_any_locked",
    "is_locked",
    "slot_file",
    "start_mark",
    "take_slot",
    "words_of",
]
