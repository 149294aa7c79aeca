"""The images of a snapshot as arrays, in the shape they are trained at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.buckets import kept_box, resolutions_for
from fluxtune.engine.config import Snapshot


def read_pixels(path: Path, resolution: int) -> NDArray[np.float32]:
    """Return one image as float32 (3, height, width) in -1 … 1, upright, on white, in its bucket's size.

    Scaled to cover the bucket and cut in the middle. Raises `InvalidInput` naming a file that can't be read.
    """
    return read_at(path, resolution)[0][1]


def read_at(path: Path, resolution: int, more: Sequence[int] = ()) -> list[tuple[int, NDArray[np.float32]]]:
    """Return one image as `read_pixels` does, at a resolution and at those of `more` that it has the pixels for."""
    try:
        with Image.open(path) as file:
            image = _on_white(ImageOps.exif_transpose(file))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InvalidInput(f"{path.name} can't be read as an image.", technical=str(error)) from error
    found = []
    for size, one in resolutions_for(image.width, image.height, resolution, more).items():
        fitted = image.resize(size, Image.Resampling.LANCZOS, box=kept_box(image.width, image.height, size))
        values = np.asarray(fitted, dtype=np.float32) / 127.5 - 1.0
        found.append((one, np.ascontiguousarray(values.transpose(2, 0, 1))))
    return found


def check_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Raise `InvalidInput` when the snapshot is empty or a file of it is missing."""
    if not snapshot.images:
        raise InvalidInput("The dataset has no images.", title="There is nothing to train on",
                           action="Add at least one image and start again.")  # fmt: skip
    for image in snapshot.images:
        if Path(image.file).name != image.file or not (folder / image.file).is_file():
            raise InvalidInput(f"{image.file} is missing in the run's snapshot.", title="The run folder is broken")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
