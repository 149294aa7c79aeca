"""Aspect buckets: images keep their shape, and batches hold one shape. Pure arithmetic, no torch."""

from collections.abc import Sequence

MAX_ASPECT = 3.0
PIXELS_PER_TOKEN = 16  # 8 of the VAE, 2 of the patches
MIN_SIDE = 64


def bucket_for(width: int, height: int, resolution: int) -> tuple[int, int]:
    """Return the (width, height) an image is trained at.

    About resolution² pixels, never more than that or than the image's own; the shape nearest to its own (at most 3:1)
    on a grid that is a sixteenth of the resolution, so that few shapes occur; multiples of 16, at least 64.
    """
    if width < 1 or height < 1:
        raise ValueError(f"an image can't be {width} x {height}")
    aspect = min(MAX_ASPECT, max(1 / MAX_ASPECT, width / height))
    area = min(resolution**2, width * height)
    grid = max(PIXELS_PER_TOKEN, resolution // 16 // PIXELS_PER_TOKEN * PIXELS_PER_TOKEN)
    candidates = list(_shapes(area, grid))
    return min(candidates, key=lambda shape: (_distance(shape, aspect), -shape[0] * shape[1], shape))


def _shapes(area: int, grid: int) -> Sequence[tuple[int, int]]:
    """List the largest shapes of an area on a grid, one per width and one per height."""
    area = max(area, MIN_SIDE**2)
    least = -(-MIN_SIDE // grid) * grid
    if least * least > area:  # an image smaller than the coarse grid allows
        grid, least = PIXELS_PER_TOKEN, MIN_SIDE
    sides = range(least, max(least, int((area * MAX_ASPECT) ** 0.5)) + 1, grid)
    shapes = {(side, max(least, area // side // grid * grid)) for side in sides}
    fitting = {(w, h) for w, h in shapes if w * h <= area and max(w, h) <= MAX_ASPECT * min(w, h)}
    return sorted(fitting | {(h, w) for w, h in fitting})


def _distance(shape: tuple[int, int], aspect: float) -> float:
    own = shape[0] / shape[1]
    return max(own, aspect) / min(own, aspect)
