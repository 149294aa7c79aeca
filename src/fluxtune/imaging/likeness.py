"""Do two images show nearly the same picture? Scaling and recompression don't matter; composition and colour do."""

from dataclasses import dataclass

from PIL import Image

_SIDE = 16
_GRID = 4
MAX_EDGE_BITS = 8
"""Of 256: what JPEG recompression and scaling flip, well below two frames of one scene."""
MAX_COLOUR = 6
"""Largest difference of a cell's mean, of 255."""


def fingerprint_of(pixels: Image.Image) -> str:
    """Return edges (256 bits) and mean colours (4 × 4 cells) as hex."""
    grey = pixels.convert("L").resize((_SIDE + 1, _SIDE), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(_SIDE):
        for column in range(_SIDE):
            left, right = grey[row * (_SIDE + 1) + column], grey[row * (_SIDE + 1) + column + 1]
            # A step of two grey levels at least: noise in flat areas must not look like structure.
            bits = bits << 1 | (left > right + 2)
    colours = pixels.convert("RGB").resize((_GRID, _GRID), Image.Resampling.BOX).tobytes()
    return f"{bits:064x}{colours.hex()}"


def is_alike(first: str, second: str) -> bool:
    """Return whether two fingerprints belong to nearly the same picture."""
    if len(first) != len(second) or len(first) <= 64:
        return False
    edge_difference = (int(first[:64], 16) ^ int(second[:64], 16)).bit_count()
    if edge_difference > MAX_EDGE_BITS:
        return False
    colours = zip(bytes.fromhex(first[64:]), bytes.fromhex(second[64:]), strict=True)
    return all(abs(one - other) <= MAX_COLOUR for one, other in colours)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two pictures lie apart. `edges`: share of places (0 to 1) where only one of them has an edge; `colour`:
    mean distance of their colours, of 255.
    """

    edges: float
    colour: float


def difference_of(first: str, second: str) -> Difference:
    """Return how far the pictures of two fingerprints lie apart."""
    edges = (int(first[:64], 16) ^ int(second[:64], 16)).bit_count() / _SIDE**2
    ones, others = bytes.fromhex(first[64:]), bytes.fromhex(second[64:])
    colour = sum(abs(one - other) for one, other in zip(ones, others, strict=True)) / max(len(ones), 1)
    return Difference(edges, colour)
