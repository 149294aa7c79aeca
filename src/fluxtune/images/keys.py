"""Blob keys made from the content's hash: duplicates cost nothing, and what a key names never changes."""

from fluxtune.imaging import suffix_of

__all__ = ["original_key", "suffix_of", "thumbnail_key"]


def original_key(sha256: str, form: str) -> str:
    """Return where the untouched original is kept."""
    return f"images/{sha256[:2]}/{sha256}.{suffix_of(form)}"


def thumbnail_key(sha256: str, size: int) -> str:
    """Return where a thumbnail is kept."""
    return f"thumbnails/{sha256[:2]}/{sha256}-{size}.webp"
