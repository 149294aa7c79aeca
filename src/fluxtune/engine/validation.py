"""The validation loss: the same images, noise and noise levels at every step, so that its values can be compared."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.config import Snapshot
from fluxtune.engine.data.cache import Latents
from fluxtune.engine.flux.loss import velocity_losses
from fluxtune.engine.learner import Learner

SIGMAS = (0.25, 0.5, 0.75, 1.0)
NOISE_SEED = 42
MOST_TRAINING_IMAGES = 4


@dataclass(frozen=True)
class Measured:
    """A validation loss: the mean, and by noise level."""

    loss: float
    by_sigma: dict[str, float]


class Validator:
    """Measures on a fixed grid of images and noise levels, as ai-toolkit's `validation_config` and kohya's
    `validation_split` do: the levels 0.25, 0.5, 0.75 and 1, each image with noise of its own seed (42 + its number).

    Nothing here draws from the run's generators, and dropout is off: a run learns the same with and without it.
    """

    def __init__(self, learner: Learner, images: Sequence[Latents], on: Literal["held-out", "training"]) -> None:
        self.on = on
        self.images = list(images)
        self._learner = learner
        self._count = len(SIGMAS) if learner.base.is_small else 1  # noise levels at a time: memory is for training

    @property
    def key(self) -> str:
        """Name what is measured on: a base's loss holds for one grid only."""
        captions = [self._learner.captions[image.image] for image in self.images]
        grids = [(image.image, image.grid) for image in self.images]
        return hashlib.sha256(json.dumps([captions, grids, SIGMAS, self.on]).encode()).hexdigest()[:16]

    def measure(self) -> Measured:
        """Measure what the run would hand out now."""
        with self._learner.as_result():
            return self.measure_as_it_is()

    def measure_base(self) -> Measured:
        """Measure the untouched base."""
        with self._learner.as_base():
            return self.measure_as_it_is()

    @torch.no_grad()
    def measure_as_it_is(self) -> Measured:
        """Measure the transformer with whatever adapter is on it; it must not be training."""
        rows = [self._losses_of(number, image) for number, image in enumerate(self.images)]
        columns = [sum(column) / len(column) for column in zip(*rows, strict=True)]
        return Measured(sum(columns) / len(columns), {f"{s:g}": v for s, v in zip(SIGMAS, columns, strict=True)})

    def _losses_of(self, number: int, image: Latents) -> list[float]:
        """Return one image's loss at each noise level."""
        learner, tokens = self._learner, image.tokens[0]
        noise = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(NOISE_SEED + number))
        caption = learner.captions[image.image]
        losses: list[float] = []
        for start in range(0, len(SIGMAS), self._count):
            sigmas = torch.tensor(SIGMAS[start : start + self._count])
            texts = [caption] * len(sigmas)
            device, dtype = learner.device.name, learner.device.dtype
            latents, noises = (one.expand(len(sigmas), *one.shape).to(device, dtype) for one in (tokens, noise))
            conditioning, ids = learner.conditioning(texts), learner.ids(image.grid, texts)
            with learner.in_format():
                found = velocity_losses(
                    learner.family, learner.transformer, latents, noises, sigmas.to(device, dtype), conditioning, ids
                )
            losses += found.tolist()
        return losses


def hold_out(snapshot: Snapshot, count: int, seed: int) -> list[int]:
    """Choose the places of the images that are not trained on: spread over the dataset, from where the seed says.

    Raises `InvalidInput` when nothing would be left to train on.
    """
    total = len(snapshot.images)
    if count >= total and count:
        raise InvalidInput(
            f"The dataset has {total} images; holding out {count} leaves none to train on.",
            field="validation_images",
            action=f"Hold out at most {total - 1}.",
        )
    return _spread(total, count, int(torch.randint(total, (1,), generator=torch.Generator().manual_seed(seed))))


def split(images: Sequence[Latents], held_out: Sequence[int]) -> tuple[list[Latents], list[Latents]]:
    """Return what is trained on, and what is measured on: the images held out, or some of the training images.

    What is measured on comes at the recipe's resolution only.
    """
    training = [image for image in images if image.image not in held_out]
    first = {image.image: image for image in reversed(images)}
    if held_out:
        return training, [first[place] for place in sorted(held_out)]
    places = sorted(first)
    chosen = _spread(len(places), min(MOST_TRAINING_IMAGES, len(places)), 0)
    return training, [first[places[place]] for place in sorted(chosen)]


def _spread(total: int, count: int, start: int) -> list[int]:
    return [(start + number * total // count) % total for number in range(count)]
