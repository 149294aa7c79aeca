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
