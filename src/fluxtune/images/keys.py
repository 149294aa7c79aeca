"""Blob keys made from the content's hash: duplicates cost nothing, and what a key names never changes."""

from fluxtune.imaging import suffix_of

__all__ = ["original_key", "suffix_of", "thumbnail_key", "thumbnail_keys"]


def original_key(sha256: str, form: str) -> str:
    """Return where the untouched original is kept."""
    return f"images/{sha256[:2]}/{sha256}.{suffix_of(form)}"


def thumbnail_key(sha256: str, size: int) -> str:
    """Return where a thumbnail is kept."""
    return f"thumbnails/{sha256[:2]}/{sha256}-{size}.jpg"


def thumbnail_keys(sha256: str, size: int) -> tuple[str, str]:
    """Return where a thumbnail may be kept: as it is made now, and as the WebP of earlier days."""
    return thumbnail_key(sha256, size), f"thumbnails/{sha256[:2]}/{sha256}-{size}.webp"
