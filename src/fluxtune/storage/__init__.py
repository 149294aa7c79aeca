"""Blobs: bytes under a content-addressed key, on disk or in an object store."""

from fluxtune.storage.store import BlobNotFound, Blobs, content_key, get_blobs

__all__ = ["BlobNotFound", "Blobs", "content_key", "get_blobs"]
