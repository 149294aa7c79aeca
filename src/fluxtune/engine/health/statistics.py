"""Means with honest intervals."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fluxtune.engine.reports import Measure

Values = NDArray[np.float64]

RESAMPLES = 1000
LOW, HIGH = 5, 95
"""Percentiles of the resampled values: a 90 % interval."""


def measured(values: Values, statistic: Callable[[Values], Values] = lambda means: means[..., 0]) -> Measure:
    """Return a statistic of means with its bootstrap interval.

    `values` (prompts, seeds, quantities): what was measured of the image of each prompt and seed. `statistic` turns
    means (…, quantities) into numbers (…). Prompts and seeds are drawn with replacement, each for itself: two images
    of one prompt, or of one seed, are more alike than two of nothing in common (the "pigeonhole" bootstrap for crossed
    designs, Owen 2007). The draws are always the same, so that the same images give the same interval.
    """
    prompts, seeds, _ = values.shape
    draws = np.random.default_rng(0)
    rows = draws.integers(prompts, size=(RESAMPLES, prompts))
    columns = draws.integers(seeds, size=(RESAMPLES, seeds))
    means = values[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    low, high = np.percentile(statistic(means), [LOW, HIGH])
    return Measure(
        value=float(statistic(values.mean(axis=(0, 1)))), low=float(low), high=float(high), image_count=prompts * seeds
    )


def share(hits: int, count: int) -> Measure:
    """Return a share with its 90 % Wilson score interval (Wilson 1927), which is honest about 0 of 8, too."""
    z = 1.645
    middle = (hits + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * float(np.sqrt(hits * (count - hits) / count + z * z / 4))
    return Measure(value=hits / count, low=max(0.0, middle - half), high=min(1.0, middle + half), image_count=count)
