"""What differs between FLUX.1, FLUX.2 and FLUX.3, as a few small functions each (modules `flux1`, `flux2`, `flux3`)."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from PIL import Image

from fluxtune.engine.bases import BaseDescription, Family

Conditioning = dict[str, torch.Tensor]
"""What the transformer is told about a prompt: tensors whose first dimension counts prompts."""


class FamilyFunctions(Protocol):
    """The functions of a family. Latents are tokens (batch, count, channels), normalised as the transformer wants."""

    def encode_text(self, pipe: Any, prompt: str, base: BaseDescription) -> Conditioning:
        """Encode one prompt, padded as the base wants it."""

    def count_tokens(self, pipe: Any, prompt: str) -> int:
        """Count the tokens of a prompt, uncut, with what the template adds."""

    def encode_image(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        """Encode pixels (batch, 3, height, width) in -1 … 1 into tokens, by the mean of the posterior."""

    def decode_image(self, vae: Any, tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        """Decode tokens of a grid (rows, columns) into pixels (batch, 3, height, width)."""

    def position_ids(self, grid: tuple[int, int], text_length: int, device: str) -> dict[str, torch.Tensor]:
        """Return the ids `predict` wants for a grid (rows, columns) of image tokens and so many text tokens."""

    def predict(
        self,
        transformer: Any,
        tokens: torch.Tensor,
        sigmas: torch.Tensor,
        conditioning: Conditioning,
        ids: dict[str, torch.Tensor],
    ) -> torch.Tensor:
        """Predict the velocity (noise minus image) of noisy tokens at noise levels `sigmas` (batch,) in 0 … 1."""

    def shift_for(self, token_count: int) -> float:
        """Return the shift s by which sampling pushes noise levels up for images of so many tokens."""

    def draw(
        self,
        pipe: Any,
        conditioning: Conditioning,
        empty: Conditioning,
        on_step: Callable[[int], None],
        *,
        generator: torch.Generator,
        width: int,
        height: int,
        steps: int,
        guidance: float,
    ) -> Image.Image:
        """Draw one image through diffusers' pipeline; `empty` is the empty prompt, for guidance.

        `on_step` is called after each step with its number, from 1; what it raises ends the drawing.
        """


def functions_of(family: Family) -> FamilyFunctions:
    """Return the functions of a family; importing a pipeline takes seconds, so only the one that is needed."""
    if family == "flux1":
        from fluxtune.engine.flux import flux1

        return flux1
    if family == "flux3":
        from fluxtune.engine.flux import flux3

        return flux3
    from fluxtune.engine.flux import flux2

    return flux2


def join(conditionings: Iterable[Conditioning]) -> Conditioning:
    """Put what several prompts are encoded to into one batch.

    Texts of unequal length (FLUX.3) are filled up with zeros; the family cuts each to its own length again.
    """
    parts = list(conditionings)
    return {name: _stack([part[name] for part in parts]) for name in parts[0]}


def move(conditioning: Conditioning, device: str, dtype: torch.dtype | None = None) -> Conditioning:
    """Bring a conditioning to a device; numbers with a fraction into a format, counts as they are."""
    return {
        name: tensor.to(device, dtype) if tensor.is_floating_point() else tensor.to(device)
        for name, tensor in conditioning.items()
    }


def _stack(tensors: list[torch.Tensor]) -> torch.Tensor:
    if tensors[0].ndim == 3:
        longest = max(tensor.shape[1] for tensor in tensors)
        tensors = [
            F.pad(tensor, (0, 0, 0, longest - tensor.shape[1])) if tensor.shape[1] < longest else tensor
            for tensor in tensors
        ]
    return torch.cat(tensors)
