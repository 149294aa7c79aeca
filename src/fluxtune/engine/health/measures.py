"""The four measures, as arithmetic on tokens. They know nothing of bases, files or prompts.

Tokens (images, tokens, channels) come from an embedder. They are made comparable first: every channel gets mean 0 and
deviation 1 over the images a check begins with. An image as a whole is the mean of its tokens; directions are compared
(cosine distance), so that brightness of features does not count.

Images of a grid are ordered by prompt, then by seed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from fluxtune.engine.health.statistics import Values, measured, share
from fluxtune.engine.reports import Measure

COPY_BELOW = 0.25
"""A sample nearer to a training image than this, in units of how near training images are to each other, is a copy.
Slightly moved, recoloured and recompressed copies of training images lie below it, different ones above
(docs/guide/health.md)."""
LEAST_ROOM = 0.1
"""Where the base is hardly farther from the concept than the concept's images are from each other, there is no gain to
measure: the base knows the concept already, or the images have nothing in common."""
CHUNK = 16


@dataclass(frozen=True)
class Scale:
    """What makes tokens comparable: mean and deviation of every channel."""

    mean: torch.Tensor
    deviation: torch.Tensor

    @staticmethod
    def of(tokens: torch.Tensor) -> "Scale":
        """Return the scale of tokens (images, tokens, channels)."""
        return Scale(tokens.mean((0, 1)), tokens.std((0, 1)) + 1e-6)

    def apply(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return tokens on this scale."""
        return (tokens - self.mean) / self.deviation


class Concept:
    """The training images, and how near they are to each other."""

    def __init__(self, tokens: torch.Tensor) -> None:
        """`tokens` are on the check's scale."""
        self._whole = whole(tokens)
        self._patches = normalize(tokens, dim=-1)
        apart = ~torch.eye(len(tokens), dtype=torch.bool)
        between = self._distances(tokens)
        nearest = between[1].masked_fill(~apart, torch.inf).amin(1)
        is_alone = len(tokens) < 2
        self.spread = np.array([0.0 if is_alone else float(each[apart].mean()) for each in between])
        """Mean distance of two training images: as wholes, and part by part."""
        self._usual = 1.0 if is_alone else max(float(nearest.median()), 1e-6)

    def distances(self, tokens: torch.Tensor) -> Values:
        """Return how far images (n, tokens, channels) are on average from the training images: (n, 2).

        As wholes, and part by part. Wholes tell best what an image is of; but noise can have the right mean, and its
        parts have not.
        """
        return np.stack([_array(each.mean(1)) for each in self._distances(tokens)], axis=-1)

    def nearest(self, tokens: torch.Tensor) -> tuple[Values, NDArray[np.int64]]:
        """Return for images the relative distance of the nearest training image part by part, and its place.

        1 is how far training images usually are from the nearest other one; a single one has none, and distances to it
        are not relative.
        """
        least, place = self._distances(tokens)[1].min(1)
        return _array(least / self._usual), place.numpy()

    def _distances(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return distances to every training image, as wholes and part by part: (n, training images) each.

        Part by part: how far the tokens of one are from the most alike token anywhere in the other, on average; the
        larger of the two ways round. So an image that was moved or mirrored is still near.
        """
        parts = []
        for image in normalize(tokens, dim=-1):
            likeness = [
                torch.einsum("tc,nuc->ntu", image, self._patches[start : start + CHUNK])
                for start in range(0, len(self._patches), CHUNK)
            ]
            ways = [torch.maximum(1 - each.amax(2).mean(1), 1 - each.amax(1).mean(1)) for each in likeness]
            parts.append(torch.cat(ways))
        return 1 - whole(tokens) @ self._whole.T, torch.stack(parts)


def whole(tokens: torch.Tensor) -> torch.Tensor:
    """Return images as single directions (n, channels)."""
    return normalize(tokens.mean(1), dim=-1)


def gain(concept: Concept, base: torch.Tensor, tuned: torch.Tensor, prompt_count: int) -> Measure | None:
    """Return which part of the way from the base to the training images the finetuned images have come.

    0: no closer than the base's. 1: as close as the training images are to each other. Measured for images as wholes
    and part by part; the smaller counts. None where there is no way to go.
    """
    before, after = (concept.distances(tokens).reshape(prompt_count, -1, 2) for tokens in (base, tuned))
    room = before.mean((0, 1)) - concept.spread
    if (room < LEAST_ROOM * np.maximum(concept.spread, 1e-6)).any():
        return None

    def statistic(means: Values) -> Values:
        way = np.maximum(means[..., :2] - concept.spread, room / 4)
        ratios: Values = ((means[..., :2] - means[..., 2:]) / way).min(-1)
        return ratios

    return measured(np.concatenate([before, after], axis=-1), statistic)


def copying(distances: Values) -> Measure:
    """Return the share of samples that are near copies of a training image."""
    return share(int((distances < COPY_BELOW).sum()), len(distances))


def adherence(base: torch.Tensor, tuned: torch.Tensor, prompt_count: int) -> Measure | None:
    """Return how surely images still tell which prompt they were drawn for, in units of how surely the base's do.

    What a prompt changes: how the base's images of it differ from the mean over all prompts. An image is compared with
    the changes of all prompts, by direction only, and counts how many of the others its own one beats (the area under
    the curve of one against the rest). The base's images do the same by their other seeds. 1: settings are told apart
    as surely as the base's. 0: by chance, the rest of the prompt does nothing. Below: prompts changed places. It counts
    whether settings are there, not how loudly: a style draws everything more alike, and still keeps to its prompts.

    None where the base has a single prompt or seed, or can't tell its own prompts apart; the finetuned images may be of
    the first seeds only.
    """
    seed_count = len(base) // prompt_count
    if prompt_count < 2 or seed_count < 2:
        return None
    own, other = (whole(tokens).view(prompt_count, -1, tokens.shape[-1]) for tokens in (base, tuned))
    count = other.shape[1]
    rest = (own.sum(1, keepdim=True) - own) / (seed_count - 1)
    mean = own.mean(1, keepdim=True).expand(-1, count, -1)
    values = np.stack([_told(other, mean), _told(own[:, :count], rest[:, :count])], axis=-1)
    usual = values[..., 1].mean()
    if usual <= 0:
        return None
    return measured(values, lambda means: means[..., 0] / np.maximum(means[..., 1], usual / 4))


def _told(images: torch.Tensor, prompts: torch.Tensor) -> Values:
    """Return for images (prompts, seeds, channels) how much more than half of the other prompts they are farther from.

    1: farther from every other than from their own; 0: from half of them; -1: from none.
    """
    changes = normalize(prompts - prompts.mean(0), dim=-1)
    differences = normalize(images - images.mean((0, 1)), dim=-1)
    likeness = torch.einsum("psc,qsc->psq", differences, changes)
    own = likeness.diagonal(dim1=0, dim2=2).T[..., None]
    return _array(2 * (own > likeness).float().sum(2) / (len(images) - 1) - 1)


def bleed(base: torch.Tensor, tuned: torch.Tensor, prompt_count: int) -> Measure | None:
    """Return how far images without the trigger word moved, token by token, from the base's of the same seeds.

    0: the same images. 1: as different as the base's images of two different prompts. None with a single prompt.
    """
    if prompt_count < 2:
        return None
    before, after = (normalize(tokens, dim=-1) for tokens in (base, tuned))
    by_prompt = before.view(prompt_count, -1, *before.shape[1:])
    others = [by_prompt.roll(shift, 0).reshape(before.shape) for shift in range(1, prompt_count)]
    moved = _apart(before, after)
    usual = torch.stack([_apart(before, each) for each in others]).mean(0)
    values = _grid([_array(moved), _array(usual)], prompt_count)
    least = max(float(values[..., 1].mean()) / 4, 1e-6)
    return measured(values, lambda means: means[..., 0] / np.maximum(means[..., 1], least))


def _apart(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return how different images are, token by token at the same place: (n,)."""
    return 1 - (one * other).sum(-1).mean(1)


def _grid(quantities: list[Values], prompt_count: int) -> Values:
    return np.stack([each.reshape(prompt_count, -1) for each in quantities], axis=-1)


def _array(tensor: torch.Tensor) -> Values:
    return tensor.double().numpy()
