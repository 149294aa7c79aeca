"""What differs between FLUX.1 and FLUX.2, as four small functions each (modules `flux1` and `flux2`)."""

from typing import Any, Protocol

import torch

from fluxtune.engine.bases import BaseDescription, Family

Conditioning = dict[str, torch.Tensor]
"""What the transformer is told about a prompt: tensors whose first dimension counts prompts."""


class FamilyFunctions(Protocol):
    """The functions of a family. Latents are tokens (batch, count, channels), normalised as the transformer wants."""

    def encode_text(self, pipe: Any, prompt: str, base: BaseDescription) -> Conditioning:
        """Encode one prompt, padded to the base's token limit."""

    def count_tokens(self, pipe: Any, prompt: str) -> int:
        """Count the tokens of a prompt, uncut, with what the template adds."""

    def encode_image(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        """Encode pixels (batch, 3, height, width) in -1 … 1 into tokens, by the mean of the posterior."""

    def decode_image(self, vae: Any, tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        """Decode tokens of a grid (rows, columns) into pixels (batch, 3, height, width)."""

    def position_ids(self, grid: tuple[int, int], text_length: int, device: str) -> dict[str, torch.Tensor]:
        """Return `img_ids` and `txt_ids` for a grid (rows, columns) of image tokens and so many text tokens."""

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

    def call_arguments(self, conditioning: Conditioning, empty: Conditioning) -> dict[str, Any]:
        """Return the arguments that hand encoded text (and the empty prompt, for guidance) to the pipeline."""


def functions_of(family: Family) -> FamilyFunctions:
    """Return the functions of a family; importing a pipeline takes seconds, so only the one that is needed."""
    if family == "flux1":
        from fluxtune.engine.flux import flux1

        return flux1
    from fluxtune.engine.flux import flux2

    return flux2
