"""Features of the base itself: tokens inside its transformer while it looks at an image with some noise on it.

A diffusion transformer knows what is where in an image it is about to clean up, and its inner layers are judges of
likeness (DIFT, Tang et al. 2023). Which layer and how much noise was measured on `pocket`, over every block and noise
level (docs/guide/health.md): the last block of the first half, at noise level 0.4.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.flux.family import functions_of, join, move
from fluxtune.engine.reports import Features
from fluxtune.engine.runtime import Device

NOISE_LEVEL = 0.4
NOISES = 2
"""Fixed noises whose features are averaged."""
BATCH = 8
LARGE_SIDE = 256
"""Images are looked at in squares of this side by large bases: 256 tokens are plenty to tell likeness by."""


class BaseEmbedder:
    """The base as a judge of likeness. Adapters must be switched off while it judges."""

    def __init__(self, pipe: Any, base: BaseDescription, device: Device) -> None:
        """`pipe` is the whole pipeline of the base."""
        self._pipe, self._base, self._device = pipe, base, device
        self._family = functions_of(base.family)
        self._side = min(base.default_width, base.default_height, LARGE_SIDE)
        self._block, place, count = middle_block(pipe.transformer)
        with torch.no_grad():
            self._empty = self._family.encode_text(pipe, "", base)
        self.features = Features(
            name=base.name,
            source="base",
            text=f"Images are compared by what {base.title} itself sees in them (block {place} of {count} of its "
            f"transformer, noise level {NOISE_LEVEL}): neither CLIP, DINOv2 nor SigLIP is installed here.",
        )

    def embed(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Return tokens (images, tokens, channels), not yet of any certain length or mean."""
        grid = (self._side // 16, self._side // 16)
        count = grid[0] * grid[1]
        noises = torch.randn(NOISES, count, self._pipe.transformer.config.in_channels, generator=_generator())
        found = [self._embed(images[start : start + BATCH], grid, noises) for start in range(0, len(images), BATCH)]
        return torch.cat(found)

    @torch.no_grad()
    def _embed(self, images: Sequence[Image.Image], grid: tuple[int, int], noises: torch.Tensor) -> torch.Tensor:
        name, dtype = self._device.name, self._device.dtype
        pixels = torch.stack([self._pixels(image) for image in images])
        vae = self._pipe.vae
        latents = self._family.encode_image(vae, pixels.to(name, vae.dtype)).float().cpu()
        conditioning = move(join([self._empty] * len(images)), name, dtype)
        ids = self._family.position_ids(grid, conditioning["embeds"].shape[1], name)
        sigmas = torch.full((len(images),), NOISE_LEVEL)
        caught: list[torch.Tensor] = []
        hook = self._block.register_forward_hook(lambda _module, _inputs, output: caught.append(_tokens(output)))
        try:
            for noise in noises:
                noisy = (1 - NOISE_LEVEL) * latents + NOISE_LEVEL * noise
                self._family.predict(
                    self._pipe.transformer, noisy.to(name, dtype), sigmas.to(name, dtype), conditioning, ids
                )
        finally:
            hook.remove()
        # Text comes first in the blocks where both go together.
        return torch.stack([tokens[:, -noises.shape[1] :].float().cpu() for tokens in caught]).mean(0)

    def _pixels(self, image: Image.Image) -> torch.Tensor:
        values = np.asarray(_square(image, self._side), dtype=np.float32) / 127.5 - 1.0
        return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))


def middle_block(transformer: Any) -> tuple[torch.nn.Module, int, int]:
    """Return the last block of a transformer's first half, its place among all that images pass, and their number.

    It is always taken from the single blocks, which every FLUX has, and of which there are more than of the others.
    """
    singles = transformer.single_transformer_blocks
    doubles = getattr(transformer, "transformer_blocks", None)
    before = len(doubles if doubles is not None else transformer.mode_blocks["image"])
    count = before + len(singles)
    index = max(0, count // 2 - 1 - before)
    return singles[index], before + index + 1, count


def _tokens(output: Any) -> torch.Tensor:
    """Blocks return tokens, or those of text and image apart."""
    tokens: torch.Tensor = output[-1] if isinstance(output, tuple) else output
    return tokens


def _square(image: Image.Image, side: int) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
