"""Aspect buckets: images keep their shape, and batches hold one shape. Pure arithmetic, no torch."""

from collections.abc import Sequence

MAX_ASPECT = 3.0
PIXELS_PER_TOKEN = 16  # 8 of the VAE, 2 of the patches
MIN_SIDE = 64


def bucket_for(width: int, height: int, resolution: int) -> tuple[int, int]:
    """Return the (width, height) an image is trained at.

    About resolution² pixels, never more than that or than the image's own; at most 3:1; multiples of 16, at least 64,
    on a grid that is a sixteenth of the resolution, so that few shapes occur. Of these the one that loses least, by
    cutting and by shrinking together.
    """
    if width < 1 or height < 1:
        raise ValueError(f"an image can't be {width} x {height}")
    aspect = min(MAX_ASPECT, max(1 / MAX_ASPECT, width / height))
    area = max(MIN_SIDE**2, min(resolution**2, width * height))
    return min(_shapes(area, resolution), key=lambda shape: (_loss(shape, aspect, area), shape))


def kept_box(width: int, height: int, shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the part of an image that fills a shape: left, top, right, bottom in its pixels, cut from the middle.

    The arithmetic of Pillow's `ImageOps.fit`, so that what is drawn on a screen is what is trained.
    """
    own, wanted = width / height, shape[0] / shape[1]
    if own == wanted:
        return 0.0, 0.0, float(width), float(height)
    if own > wanted:
        kept = wanted * height
        return (width - kept) * 0.5, 0.0, (width - kept) * 0.5 + kept, float(height)
    kept = width / wanted
    return 0.0, (height - kept) * 0.5, float(width), (height - kept) * 0.5 + kept


def resolutions_for(width: int, height: int, resolution: int, more: Sequence[int] = ()) -> dict[tuple[int, int], int]:
    """Return the shapes an image is trained at, each with the resolution it stands for.

    ai-toolkit's and kohya's way of several resolutions: of `more` those that the image has the pixels for, nothing is
    scaled up; two that come out alike count once.
    """
    found: dict[tuple[int, int], int] = {}
    for one in (resolution, *(one for one in more if one * one <= width * height)):
        found.setdefault(bucket_for(width, height, one), one)
    return found


def _shapes(area: int, resolution: int) -> list[tuple[int, int]]:
    """List the shapes on the grid that are no larger than an area."""
    grid = max(PIXELS_PER_TOKEN, resolution // 16 // PIXELS_PER_TOKEN * PIXELS_PER_TOKEN)
    least = -(-MIN_SIDE // grid) * grid
    if least * least > area:  # the image is smaller than the grid of the resolution allows for
        grid, least = PIXELS_PER_TOKEN, MIN_SIDE
    sides = range(least, max(least, int((area * MAX_ASPECT) ** 0.5)) + 1, grid)
    return [(w, h) for w in sides for h in sides if w * h <= area and max(w, h) <= MAX_ASPECT * min(w, h)]


def _loss(shape: tuple[int, int], aspect: float, area: int) -> float:
    """How much longer a side would be without cutting, times how much without shrinking; 1 is none."""
    own = shape[0] / shape[1]
    return float(max(own, aspect) / min(own, aspect) * (area / (shape[0] * shape[1])) ** 0.5)
